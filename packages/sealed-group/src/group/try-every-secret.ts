/**
 * What a member could still open with the keys it kept: every secret it holds, tried on every handle of every sealed node of a
 * commit, past all rules about who may. An honest client never asks; demonstrations and attack suites do, to see that the
 * answer for a removed member is: nothing (docs/sealed-groups.md §3, the invariant).
 */
import { openSealed } from '../sealing/index.ts';
import type { SecretScalar } from '../signature/index.ts';
import { parsePublicKey } from '../signature/index.ts';
import type { Suite } from '../suite.ts';
import { isCommitFrame, parseFrame } from '../wire/index.ts';

/** Sealed nodes of the commit that one of `secrets` opens; 0 for every other frame. */
export function countOpenedNodes(suite: Suite, secrets: Iterable<SecretScalar>, bytes: Uint8Array): number {
  const frame = parseFrame(bytes);
  if (!frame.ok || !isCommitFrame(frame.value)) return 0;
  const held = [...secrets];
  return frame.value.content.sealed.filter(({ key, commitments, handles }) => {
    const publicKey = parsePublicKey(suite, key);
    if (publicKey === undefined) return false;
    return held.some((secret) =>
      handles.some(
        (_, recipient) =>
          openSealed(suite, { sealed: { publicKey, commitments, handles }, recipient, secret }).ok,
      ),
    );
  }).length;
}
