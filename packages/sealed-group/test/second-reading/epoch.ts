/** §6 read a second time: the keys of an epoch, of a leaf's generations, and what a message frame says. */
import { expand, hashTuple, hmac, openAead, u32, u64, unpad, utf8 } from './primitives.ts';
import { readFields } from './fields.ts';

export interface EpochInput {
  readonly chain: Uint8Array;
  readonly headSecret: Uint8Array;
  readonly origin: string;
  readonly groupId: Uint8Array;
  readonly mode: { readonly leafProof: boolean; readonly minWriter: string; readonly ownDevices: boolean };
  readonly epoch: number;
  readonly treeHash: Uint8Array;
  readonly confirmedTranscript: Uint8Array;
}

export interface Epoch {
  readonly epoch: number;
  readonly groupId: Uint8Array;
  readonly context: Buffer;
  readonly secret: Buffer;
  derive(label: string): Buffer;
}

/** §6.1. */
export function epochOf(input: EpochInput): Epoch {
  const { leafProof, minWriter, ownDevices } = input.mode;
  const writer = ['', 'owner', 'admin', 'member'].indexOf(minWriter);
  const context = hashTuple(
    'epoch-context',
    u32(1),
    utf8(input.origin),
    Buffer.of(Number(leafProof), writer, Number(ownDevices)),
    input.groupId,
    u64(input.epoch),
    input.treeHash,
    input.confirmedTranscript,
  );
  const secret = hmac(input.chain, Buffer.concat([input.headSecret, context]));
  const { epoch, groupId } = input;
  return { epoch, groupId, context, secret, derive: (label) => expand(secret, label, [], 32) };
}

/** §6.1: `confirm` of the frame that made the epoch. */
export function confirmOf(epoch: Epoch): Buffer {
  return hmac(epoch.derive('confirmation'), epoch.context);
}

/** §6.2. */
export function generationSecret(
  root: Uint8Array,
  leafCount: number,
  leaf: number,
  generation: number,
): Buffer {
  let secret: Uint8Array = root;
  let low = 0;
  for (let half = leafCount / 2; half >= 1; half /= 2) {
    const isRight = leaf >= low + half;
    secret = expand(secret, isRight ? 'tree-right' : 'tree-left', [], 32);
    if (isRight) low += half;
  }
  secret = expand(secret, 'ratchet-start', [], 32);
  for (let i = 0; i < generation; i++) secret = expand(secret, 'ratchet-next', [u32(i)], 32);
  return expand(secret, 'generation', [u32(generation)], 32);
}

export interface SealedText {
  readonly nonce: Uint8Array;
  readonly nowMs: number;
  /** Masked. */
  readonly header: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** §6.3: who says what, before the signature is looked at; `digest` is what that signature is over. */
export function openText(epoch: Epoch, leafCount: number, message: SealedText) {
  const { nonce, nowMs, ciphertext } = message;
  const mask = expand(epoch.derive('header'), 'header-mask', [nonce, ciphertext.subarray(0, 16)], 8);
  const header = Buffer.from(mask.map((octet, i) => octet ^ message.header[i]!));
  const leaf = header.readUInt32BE(0);
  const generation = header.readUInt32BE(4);
  const secret = generationSecret(epoch.derive('secret-tree'), leafCount, leaf, generation);
  const frame = [u32(1), epoch.groupId, u64(epoch.epoch)];
  const padded = openAead(
    'aes-256-gcm',
    {
      key: expand(secret, 'message-key', [nonce], 32),
      nonce: expand(secret, 'message-nonce', [nonce], 12),
      aad: hashTuple('message-additional-data', ...frame, nonce, u64(nowMs), header),
    },
    ciphertext,
  );
  const inner = readFields(unpad(padded, 256));
  const [lastSeen, type, content] = [inner.octets(1), inner.octets(2), inner.octets(3)];
  const digest = hashTuple(
    'message-signature',
    ...frame,
    epoch.context,
    header,
    nonce,
    u64(nowMs),
    lastSeen,
    type,
    content,
  );
  const signature = inner.octets(4);
  return { leaf, generation, lastSeen, type: type.toString(), content, signature, digest };
}
