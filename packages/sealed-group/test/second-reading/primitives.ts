/**
 * The specification (docs/sealed-groups.md) read a second time: its hashes, signatures and ciphers from `node:crypto` and the
 * reference curve, with nothing of `src/`. What the package makes has to open and verify with them.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  verify,
} from 'node:crypto';
import { ed25519, ristretto255 } from '@noble/curves/ed25519.js';
import { tuplehash256xof } from '@noble/hashes/sha3-addons.js';

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const bytes = (text: string): Buffer => Buffer.from(text, 'hex');
export const utf8 = (text: string): Buffer => Buffer.from(text, 'utf8');
export const u16 = (value: number): Buffer => Buffer.of(value >>> 8, value & 255);
export const u32 = (value: number): Buffer =>
  Buffer.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
export const u64 = (value: number): Buffer =>
  Buffer.concat([u32(Math.floor(value / 2 ** 32)), u32(value % 2 ** 32)]);
export const prefixed = (parts: readonly Uint8Array[]): Buffer =>
  Buffer.concat(parts.flatMap((part) => [u32(part.length), part]));

export const Point = ristretto255.Point;
export type Point = InstanceType<typeof Point>;
/** The order of the group. */
export const order = Point.Fn.ORDER;
/** §2.1: whose logarithm nobody knows. */
export const messageBase = Point.fromHex('0c447f1098e0b9b4049ffd01d39b322f9d5fe00902d69d0548099b679d531b01');

/** §2.1. */
export function hashTuple(label: string, ...parts: readonly Uint8Array[]): Buffer {
  return createHash('sha256')
    .update(prefixed([utf8(`conclave/1 ${label}`), ...parts]))
    .digest();
}

/** §2.1. */
export function xof(label: string, parts: readonly Uint8Array[], length: number): Uint8Array {
  return tuplehash256xof([...parts], { personalization: utf8(`conclave/1 ${label}`), dkLen: length });
}

export const hmac = (key: Uint8Array, data: Uint8Array): Buffer =>
  createHmac('sha256', key).update(data).digest();

/** §2.1: HKDF-Expand by RFC 5869 §2.3; node's own function always extracts first. */
export function expand(
  secret: Uint8Array,
  label: string,
  context: readonly Uint8Array[],
  length: number,
): Buffer {
  const info = Buffer.concat([u16(length), prefixed([utf8(`conclave/1 ${label}`), ...context])]);
  let block = Buffer.alloc(0);
  let output = Buffer.alloc(0);
  for (let i = 1; output.length < length; i++) {
    block = createHmac('sha256', secret).update(block).update(info).update(Buffer.of(i)).digest();
    output = Buffer.concat([output, block]);
  }
  return output.subarray(0, length);
}

export function littleEndian(octets: Uint8Array): bigint {
  return octets.reduceRight((value, octet) => value * 256n + BigInt(octet), 0n);
}

export function scalarBytes(scalar: bigint): Buffer {
  const octets = Buffer.alloc(32);
  let rest = scalar;
  for (let at = 0; at < 32; at++, rest >>= 8n) octets[at] = Number(rest & 255n);
  return octets;
}

/** §2.1. */
export function nextSecret(secret: Uint8Array): Buffer {
  for (let i = 0; ; i++) {
    const scalar = littleEndian(xof('next secret', [secret, u32(i)], 64)) % order;
    if (scalar !== 0n) return scalarBytes(scalar);
  }
}

export function publicKeyOf(secret: Uint8Array): Uint8Array {
  return Point.BASE.multiply(littleEndian(secret)).toBytes();
}

/** §2.3. */
export function contextOf(origin: string, groupId: Uint8Array, epoch: number): Buffer {
  return Buffer.concat([u16(1), u16(1), Buffer.of(origin.length), utf8(origin), groupId, u64(epoch)]);
}

/** §2.2. */
export class Transcript {
  #state: Uint8Array = new Uint8Array(64);

  static start(label: string): Transcript {
    const transcript = new Transcript();
    transcript.absorb('start', utf8(label));
    return transcript;
  }

  absorb(label: string, data: Uint8Array): void {
    this.#state = xof('transcript', [this.#state, utf8(label), data], 64);
  }

  challenge(label: string, length: number): Uint8Array {
    const output = xof('challenge', [this.#state, utf8(label)], length);
    this.absorb('challenge', utf8(label));
    return output;
  }

  challengeScalar(label: string): bigint {
    return littleEndian(this.challenge(label, 64)) % order;
  }

  fork(label: string): Transcript {
    const fork = new Transcript();
    fork.#state = this.#state;
    fork.absorb('fork', utf8(label));
    return fork;
  }

  join(fork: Transcript): void {
    this.absorb('join', fork.#state);
  }
}

/** §2.3. */
export function schnorrHolds(input: {
  readonly purpose: string;
  readonly context: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
}): boolean {
  const { purpose, context, publicKey, signature } = input;
  const commitment = signature.subarray(0, 32);
  const transcript = Transcript.start('signature');
  transcript.absorb('purpose', utf8(purpose));
  transcript.absorb('context', context);
  transcript.absorb('public key', publicKey);
  transcript.absorb('commitment', commitment);
  const c = transcript.challengeScalar('c');
  const z = littleEndian(signature.subarray(32));
  const R = Point.fromBytes(Uint8Array.from(commitment));
  const P = Point.fromBytes(Uint8Array.from(publicKey));
  return z < order && Point.BASE.multiply(z).equals(R.add(P.multiply(c)));
}

export function ed25519Holds(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const spki = Buffer.concat([bytes('302a300506032b6570032100'), publicKey]);
  return verify(null, message, createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature);
}

export const ed25519PublicKey = (seed: Uint8Array): Uint8Array => ed25519.getPublicKey(seed);

/** The tag stands last. Throws when it does not authenticate. */
export function openAead(
  algorithm: 'aes-256-gcm' | 'chacha20-poly1305',
  { key, nonce, aad }: { readonly key: Uint8Array; readonly nonce: Uint8Array; readonly aad: Uint8Array },
  sealed: Uint8Array,
): Buffer {
  const decipher = createDecipheriv(algorithm as 'aes-256-gcm', key, nonce, { authTagLength: 16 });
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
}

/** draft-irtf-cfrg-xchacha §2.3: HChaCha20 for the key, then ChaCha20-Poly1305 under four zeros and the nonce's end. */
export function openXChaCha(
  { key, nonce, aad }: { readonly key: Uint8Array; readonly nonce: Uint8Array; readonly aad: Uint8Array },
  sealed: Uint8Array,
): Buffer {
  const subkey = hChaCha20(key, nonce.subarray(0, 16));
  const inner = Buffer.concat([Buffer.alloc(4), nonce.subarray(16)]);
  return openAead('chacha20-poly1305', { key: subkey, nonce: inner, aad }, sealed);
}

/** A ChaCha20 block less its input, of which the first and the last row count. Node's counter and nonce are that input. */
function hChaCha20(key: Uint8Array, input: Uint8Array): Buffer {
  const block = createCipheriv('chacha20', key, input).update(Buffer.alloc(64));
  const words = ['expa', 'nd 3', '2-by', 'te k'].map((text) => utf8(text).readUInt32LE());
  const from = Buffer.from(input);
  const output = Buffer.alloc(32);
  for (let i = 0; i < 4; i++) {
    output.writeUInt32LE((block.readUInt32LE(4 * i) - words[i]!) >>> 0, 4 * i);
    output.writeUInt32LE((block.readUInt32LE(48 + 4 * i) - from.readUInt32LE(4 * i)) >>> 0, 16 + 4 * i);
  }
  return output;
}

/** §6.3. */
export function padme(size: number): number {
  const exponent = Math.floor(Math.log2(size));
  const step = 2 ** Math.max(0, exponent - (Math.floor(Math.log2(exponent)) + 1));
  return Math.ceil(size / step) * step;
}

/** §6.3: exactly the padded form of what it holds. */
export function unpad(padded: Buffer, floor: number): Buffer {
  const size = 4 + padded.readUInt32BE(0);
  const rest = padded.subarray(size);
  if (padded.length !== Math.max(floor, padme(size)) || rest.some((octet) => octet !== 0))
    throw new Error('not padded so');
  return padded.subarray(4, size);
}
