/**
 * Does the time of signing, of opening a sealed secret and of comparing with a bound depend on secrets?
 * `node packages/sealed-group/bench/constant-time.ts [samples]` (after `scripts/build-kernel.sh` of ristretto). The kernel's
 * own operations and the controls: `packages/ristretto/bench/constant-time.ts`.
 */
import { randomBytes } from 'node:crypto';
import { reportClasses, type TimedOperation } from '@conclave/ristretto/bench/timing-classes';
import { createNodeEngine } from '@conclave/ristretto/wasm-node';
import { hashTuple } from '../src/hash/index.ts';
import { openSealed, sealSecrets } from '../src/sealing/index.ts';
import { responseEnd } from '../src/sealing/parameters.ts';
import { isBelow } from '../src/sealing/short-scalar.ts';
import { publicKeyOf, sign } from '../src/signature/index.ts';
import type { PublicKey, SecretScalar } from '../src/signature/index.ts';
import { createSuite } from '../src/suite.ts';

const samples = Number(process.argv[2] ?? 20_000);
const suite = createSuite(createNodeEngine());
const { scalars } = suite.group;
const random = { bytes: (length: number): Uint8Array => randomBytes(length) };
const context = hashTuple('timing');

const randomSecret = () => scalars.fromWideBytes(randomBytes(64)) as SecretScalar;
const one = scalars.one as SecretScalar;
const minusOne = scalars.negate(scalars.one) as SecretScalar;
/** All digits but the last are 2^15, or 2^16 − 1. */
const middle = filled(0x00, 0x80);
const largest = filled(0xff, 0xff);

function filled(low: number, high: number): SecretScalar {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => (i % 2 === 0 ? low : high));
  bytes[31] = 0x0f;
  return scalars.fromBytes(bytes) as SecretScalar;
}

/** Secret and public key. */
const keyPairOf = (secret: SecretScalar) => joined([secret, publicKeyOf(suite, secret)]);

/** A fixed secret sealed anew to a key: key, commitments, handles, and the secret that opens. */
function sealedTo(reader: SecretScalar, secret: SecretScalar): Uint8Array {
  const publicKey = publicKeyOf(suite, secret);
  const target = { secret, publicKey, recipients: [publicKeyOf(suite, reader)] };
  const hedge = { secret: randomBytes(32), random, context };
  const { commitments, handles } = sealSecrets(suite, { targets: [target], hedge }).sealed[0]!;
  return joined([publicKey, commitments, handles[0]!, reader]);
}

function open(input: Uint8Array): void {
  const part = (from: number, to: number) => input.subarray(from, to);
  const opened = openSealed(suite, {
    sealed: { publicKey: part(0, 32) as PublicKey, commitments: part(32, 544), handles: [part(544, 1056)] },
    recipient: 0,
    secret: part(1056, 1088) as SecretScalar,
  });
  if (!opened.ok) throw new Error(opened.rule);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const reader = randomSecret();
const node = randomSecret();
const operations: TimedOperation[] = [
  {
    name: 'sign',
    leaks: false,
    fixed: {
      one: () => keyPairOf(one),
      'minus one': () => keyPairOf(minusOne),
      another: () => keyPairOf(reader),
    },
    random: () => keyPairOf(randomSecret()),
    task: (input) => {
      const secret = input.subarray(0, 32) as SecretScalar;
      const publicKey = input.subarray(32) as PublicKey;
      sign(suite, { purpose: 'message', secret, publicKey, context, hedge: { secret, random, context } });
    },
    share: 1 / 4,
  },
  {
    name: 'open, by the sealed secret',
    leaks: false,
    fixed: {
      'digits 0': () => sealedTo(reader, one),
      'digits 2^15': () => sealedTo(reader, middle),
      'digits largest': () => sealedTo(reader, largest),
    },
    random: () => sealedTo(reader, randomSecret()),
    task: open,
    share: 1 / 10,
  },
  {
    name: 'open, by the secret that opens',
    leaks: false,
    fixed: { one: () => sealedTo(one, node), 'minus one': () => sealedTo(minusOne, node) },
    random: () => sealedTo(randomSecret(), node),
    task: open,
    share: 1 / 10,
  },
  {
    // A thousand of them: one takes less than the clock can tell.
    name: 'isBelow',
    leaks: false,
    fixed: {
      zero: () => scalars.zero,
      bound: () => scalars.fromNumber(responseEnd),
      'minus one': () => minusOne,
    },
    random: randomSecret,
    task: (input) => {
      let all = 0;
      for (let i = 0; i < 1000; i++) all += isBelow(input, responseEnd);
      return all;
    },
    share: 1 / 4,
  },
];

process.exitCode = reportClasses(operations, samples) ? 0 : 1;
