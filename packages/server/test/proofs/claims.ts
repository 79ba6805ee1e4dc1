/** Claims of every kind and price, true and false, made with keys at hand. */
import { systemRandom } from '@conclave/platform';
import { createNodeEngine } from '@conclave/ristretto/wasm-node';
import { createSuite, parseSecret, publicKeyOf } from '@conclave/sealed-group';
import type { Claim, PublicKey, SecretScalar, SignatureClaim, Suite } from '@conclave/sealed-group';
// Signing and sealing with keys at hand is nobody's business but a tester's: the package does not export it.
import { proveSealing, sealSecrets } from '../../../sealed-group/src/sealing/index.ts';
import { sign } from '../../../sealed-group/src/signature/index.ts';

export const suite: Suite = createSuite(createNodeEngine());
export const random = systemRandom;

interface KeyPair {
  readonly secret: SecretScalar;
  readonly publicKey: PublicKey;
}

export function newKeyPair(): KeyPair {
  const bytes = random.bytes(32);
  // Below the group's order.
  bytes[31]! &= 0x0f;
  const secret = parseSecret(suite, bytes)!;
  return { secret, publicKey: publicKeyOf(suite, secret) };
}

const hedge = () => ({ secret: random.bytes(32), random, context: random.bytes(32) });

/** What a message needs: one signature. Its octets are views into a buffer as large as a frame may be, as a parser's are. */
export function signatureClaim(keys: KeyPair = newKeyPair()): SignatureClaim {
  const context = random.bytes(64);
  const signature = sign(suite, { purpose: 'message', ...keys, context, hedge: hedge() });
  return {
    kind: 'signature',
    rule: 'commit/eligible',
    purpose: 'message',
    publicKey: inFrame(keys.publicKey),
    context,
    signature: inFrame(signature),
  };
}

export function falseSignature(): SignatureClaim {
  return { ...signatureClaim(), context: random.bytes(64) };
}

export function malformedSignature(): SignatureClaim {
  return { ...signatureClaim(), signature: new Uint8Array(64).fill(0xff) };
}

export function keysClaim(count: number): Claim {
  return {
    kind: 'keys',
    rule: 'commit/key',
    keys: Array.from({ length: count }, () => newKeyPair().publicKey),
  };
}

export function falseKeys(): Claim {
  return { kind: 'keys', rule: 'commit/key', keys: [newKeyPair().publicKey, new Uint8Array(32)] };
}

/** Node i is sealed to `recipientCounts[i]` keys: 16 points for each of them and for the node itself. */
export function sealingClaim(recipientCounts: readonly number[]): Claim & { readonly kind: 'sealing' } {
  const targets = recipientCounts.map((count) => ({
    ...newKeyPair(),
    recipients: Array.from({ length: count }, () => newKeyPair().publicKey),
  }));
  const [context, bodyHash] = [random.bytes(60), random.bytes(32)];
  const { sealed, openings } = sealSecrets(suite, { targets, hedge: hedge() });
  const proof = proveSealing(suite, { context, bodyHash, targets, sealed, openings, hedge: hedge() });
  return {
    kind: 'sealing',
    context,
    bodyHash,
    sealed,
    recipients: targets.map(({ recipients }) => recipients),
    proof: inFrame(proof),
  };
}

export function falseSealing(recipientCounts: readonly number[]): Claim {
  return { ...sealingClaim(recipientCounts), bodyHash: random.bytes(32) };
}

/** Keeps a worker busy for as long as it takes to look at `count` signatures: some twenty microseconds each. */
export function longWork(count: number): Claim[] {
  const claim = signatureClaim();
  return Array.from({ length: count }, () => claim);
}

const frame = new Uint8Array(2 ** 21);
let used = 0;

function inFrame(bytes: Uint8Array): Uint8Array {
  if (used + bytes.length > frame.length) return bytes;
  frame.set(bytes, used);
  used += bytes.length;
  return frame.subarray(used - bytes.length, used);
}
