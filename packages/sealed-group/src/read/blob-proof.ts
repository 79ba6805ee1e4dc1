/** The proof that lets a member store an encrypted blob (§7): by the epoch key, over what will be stored. */
import { concatBytes } from '@noble/hashes/utils.js';
import type { Claim, ContextSource, GroupHead } from '../commit/index.ts';
import { encodeContext } from '../commit/index.ts';
import type { Hedge } from '../hash/index.ts';
import { hashTuple } from '../hash/index.ts';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { uint64 } from '../schedule/index.ts';
import type { PublicKey, SecretScalar } from '../signature/index.ts';
import { sign } from '../signature/index.ts';
import type { Suite } from '../suite.ts';

export interface BlobDescription {
  /** Random, 16 to 32 bytes. */
  readonly blobId: Uint8Array;
  readonly sizeBytes: number;
  /** Of the bytes as stored: the encrypted blob. */
  readonly sha256: Uint8Array;
}

function blobContext(source: ContextSource, blob: BlobDescription): Uint8Array {
  return concatBytes(
    encodeContext(source),
    hashTuple('blob', blob.blobId, uint64(blob.sizeBytes), blob.sha256),
  );
}

/** 64 bytes. `source.epoch` is the epoch whose head secret is `secret`. */
export function signBlob(
  suite: Suite,
  input: {
    readonly source: ContextSource;
    readonly blob: BlobDescription;
    readonly secret: SecretScalar;
    readonly publicKey: PublicKey;
    readonly hedge: Hedge;
  },
): Uint8Array {
  const { source, blob, secret, publicKey, hedge } = input;
  return sign(suite, { purpose: 'blob', secret, publicKey, context: blobContext(source, blob), hedge });
}

/**
 * The claim that a member of an epoch vouches for the blob. `epoch` is what the uploader says; keys from before the last
 * removal are not known any more.
 */
export function blobClaim(
  head: GroupHead,
  proof: { readonly epoch: number; readonly blob: BlobDescription; readonly signature: Uint8Array },
): Result<Claim> {
  const key = head.epochKeys.find(({ epoch }) => epoch === proof.epoch);
  if (key === undefined || !Number.isSafeInteger(proof.blob.sizeBytes) || proof.blob.sizeBytes < 0) {
    return violation('read/blob-proof');
  }
  return accept({
    kind: 'signature',
    rule: 'read/blob-proof',
    purpose: 'blob',
    publicKey: key.publicKey,
    context: blobContext({ ...head, epoch: proof.epoch }, proof.blob),
    signature: proof.signature,
  });
}
