/**
 * The proof of membership for reading (§7): a signature over a challenge by the key of any node in the current tree that
 * the reader holds. The higher the node, the more members it could have been; a leaf always works [F4].
 */
import { concatBytes } from '@noble/hashes/utils.js';
import type { Claim } from '../commit/index.ts';
import { encodeContext } from '../commit/index.ts';
import type { Hedge } from '../hash/index.ts';
import type { PublicKey, SecretScalar } from '../signature/index.ts';
import { sign } from '../signature/index.ts';
import type { Suite } from '../suite.ts';

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

/**
 * The claim that a reader holds the key of a node. The challenge itself was checked by `checkChallenge`; `publicKey` is that of
 * the node that the reader names. Every failure is the same rule without detail.
 */
export function readClaim(
  group: { readonly origin: string; readonly groupId: Uint8Array },
  proof: {
    readonly challenge: Uint8Array;
    readonly publicKey: PublicKey;
    readonly signature: Uint8Array;
  },
): Claim {
  const { challenge, publicKey, signature } = proof;
  const context = readContext({ origin: group.origin, groupId: group.groupId, challenge });
  return { kind: 'signature', rule: 'read/proof', purpose: 'read', publicKey, context, signature };
}
