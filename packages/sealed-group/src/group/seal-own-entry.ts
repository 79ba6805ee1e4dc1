/** The payload of one's own creates and commits: who one is, certified for the new leaf key, and the group's profile (§8). */
import type { GroupProfile, SigningKey } from '../identity/index.ts';
import { sealCommitPayload, signIdentityEntry } from '../identity/index.ts';
import type { Result } from '../result.ts';
import { accept } from '../result.ts';
import type { EpochKeys } from '../schedule/index.ts';
import type { SecretScalar } from '../signature/index.ts';
import type { Instance } from '../tree/index.ts';
import type { MemberDeps } from './member-state.ts';

export interface OwnEntryInput {
  readonly origin: string;
  readonly me: Instance;
  /** Of the epoch that the frame makes. */
  readonly keys: EpochKeys;
  readonly bodyHash: Uint8Array;
  /** Of one's leaf in that epoch. */
  readonly leafSecret: SecretScalar;
  /** Signs one's messages from that epoch on. */
  readonly signingKey: SigningKey;
  readonly profile: GroupProfile | undefined;
}

export function sealOwnEntry(
  { suite, random, identity, profile: person }: MemberDeps,
  input: OwnEntryInput,
): Result<Uint8Array> {
  const { origin, me, keys, bodyHash, leafSecret, signingKey, profile } = input;
  const entry = signIdentityEntry({
    suite,
    origin,
    groupId: keys.groupId,
    leaf: me.leaf,
    leafEpoch: me.epoch,
    leafSecret,
    signingKey,
    identity,
    profile: person,
    hedge: { secret: leafSecret, random, context: bodyHash },
  });
  if (!entry.ok) return entry;
  const payload = { entry: entry.value, ...(profile === undefined ? {} : { profile }) };
  return accept(sealCommitPayload(keys, bodyHash, payload));
}
