/**
 * The proof of membership for reading (§7): a signature over a challenge by the key of any node in the current tree that
 * the reader holds. The higher the node, the more members it could have been; a leaf always works [F4].
 */
import { concatBytes } from '@noble/hashes/utils.js';
import type { VerificationDeps } from '../commit/index.ts';
import { encodeContext, verifyClaimsOfOne } from '../commit/index.ts';
import type { Hedge } from '../hash/index.ts';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { PublicKey, SecretScalar } from '../signature/index.ts';
import { sign, signatureEquation } from '../signature/index.ts';
import type { Suite } from '../suite.ts';
import type { TreeReader } from '../tree/index.ts';
import { toNodeIndex } from '../tree/index.ts';

interface ReadScope {
  readonly origin: string;
  readonly groupId: Uint8Array;
  readonly challenge: Uint8Array;
}

/** The group's epoch has no place here: a reader may be behind, and the node's key says enough. */
function readContext({ origin, groupId, challenge }: ReadScope): Uint8Array {
  return concatBytes(encodeContext({ origin, groupId, epoch: 0 }), challenge);
}

/** 64 bytes. */
export function signChallenge(
  suite: Suite,
  input: ReadScope & {
    readonly secret: SecretScalar;
    readonly publicKey: PublicKey;
    readonly hedge: Hedge;
  },
): Uint8Array {
  const { secret, publicKey, hedge } = input;
  return sign(suite, { purpose: 'read', secret, publicKey, context: readContext(input), hedge });
}

/** The challenge itself was checked by `checkChallenge`. Every failure is the same rule without detail. */
export function checkReadProof(
  deps: VerificationDeps,
  group: { readonly origin: string; readonly groupId: Uint8Array; readonly tree: TreeReader },
  proof: { readonly challenge: Uint8Array; readonly node: number; readonly signature: Uint8Array },
): Result<void> {
  const index = toNodeIndex(proof.node, group.tree.leafCount);
  const node = index === undefined ? undefined : group.tree.node(index);
  if (node === undefined) return violation('read/proof');
  const equation = signatureEquation(deps.suite, {
    purpose: 'read',
    publicKey: node.publicKey,
    context: readContext({ ...group, challenge: proof.challenge }),
    signature: proof.signature,
  });
  if (equation === undefined) return violation('read/proof');
  return verifyClaimsOfOne(deps, [{ rule: 'read/proof', equations: [equation] }]) ?? accept(undefined);
}
