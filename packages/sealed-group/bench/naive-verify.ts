/**
 * The verifier that one writes first: the five groups of equations (`src/sealing/equations.ts`) one by one, every point decoded
 * and every term multiplied by itself with @noble/curves, nothing folded, nothing shared. For measurements only: it says what
 * sums, weights and the kernel gain over it. Challenges come from the suite's transcript, as for everybody.
 */
import { ristretto255 } from '@noble/curves/ed25519.js';
import { deriveChallenges } from '../src/sealing/challenges.ts';
import {
  blockNodes,
  repetitions,
  responseBytes,
  responseEnd,
  responseMin,
} from '../src/sealing/parameters.ts';
import type { SealingProof } from '../src/sealing/sealing-proof.ts';
import { digitBits } from '../src/suite.ts';
import type { Suite } from '../src/suite.ts';
import type { ProvenSealing } from './proof-tasks.ts';

const { Point } = ristretto255;
type Point = InstanceType<typeof Point>;

const order = Point.Fn.ORDER;
const G = Point.BASE;

/** True if every equation holds. `suite`: for its hash and H; any engine's. */
export function naiveVerify(suite: Suite, claim: ProvenSealing): boolean {
  const H = decode(suite.group.encodePoint(suite.messageBase));
  const proof = readProof(claim.proof, claim.recipients);
  const challenges = deriveChallenges(suite, claim, proof);
  const [c, rho, gamma] = [challenges.challenge, challenges.digitWeight, challenges.repetitionWeight].map(
    toNumber,
  );
  const V = claim.sealed.map((node) => decodeRow(node.commitments));
  const isEqual: boolean[] = [];
  const expectEqual = (left: Point, right: Point) => isEqual.push(left.equals(right));

  // key-opening: za H + zb G = A1 + sum_i c^(i+1) sum_j 2^(16 j) V_ij; key-secret: za G = A2 + sum_i c^(i+1) Q_i
  const [A1, A2] = decodeRow(proof.key.commitments);
  const [za, zb] = [proof.key.secretResponse, proof.key.blindingResponse].map(toNumber);
  const values = V.map((row) => sum(row.map((point, j) => times(point, 2n ** BigInt(digitBits * j)))));
  const keys = claim.sealed.map((node) => decode(node.publicKey));
  const weigh = (points: readonly Point[]) => sum(points.map((point, i) => times(point, power(c!, i + 1))));
  expectEqual(times(H, za!).add(times(G, zb!)), A1!.add(weigh(values)));
  expectEqual(times(G, za!), A2!.add(weigh(keys)));

  // handle-opening: zm H + zr G = B0 + c sum_j rho^j V_j; handle-recipient: zr P = B + c sum_j rho^j D_j
  const combine = (row: readonly Point[]) =>
    times(sum(row.map((point, j) => times(point, power(rho!, j)))), c!);
  claim.sealed.forEach((node, i) => {
    const { commitments, digitResponse, blindingResponse } = proof.handles[i]!;
    const [B0, ...B] = decodeRow(commitments);
    const [zm, zr] = [digitResponse, blindingResponse].map(toNumber);
    expectEqual(times(H, zm!).add(times(G, zr!)), B0!.add(combine(V[i]!)));
    node.handles.forEach((row, t) =>
      expectEqual(times(decode(claim.recipients[i]![t]!), zr!), B[t]!.add(combine(decodeRow(row)))),
    );
  });

  // shortness: (sum_k gamma^k z_k) H + w G = sum_k gamma^k (W_k + sum_j e_kj V_j)
  proof.blocks.forEach((block, b) => {
    const digits = V.slice(b * blockNodes, (b + 1) * blockNodes).flat();
    const subset = (row: Uint8Array) => digits.filter((_, j) => ((row[j >> 3]! >> (j & 7)) & 1) === 1);
    const W = decodeRow(block.masks);
    const right = W.map((mask, k) =>
      times(mask.add(sum(subset(challenges.subsets[b]![k]!))), power(gamma!, k)),
    );
    const z = block.responses.reduce((total, value, k) => total + power(gamma!, k) * BigInt(value), 0n);
    expectEqual(times(H, z).add(times(G, toNumber(block.blinding))), sum(right));
    isEqual.push(block.responses.every((value) => value >= responseMin && value < responseEnd));
  });
  return isEqual.every(Boolean);
}

/** The layout of `src/sealing/sealing-proof.ts`, nothing decoded. */
function readProof(bytes: Uint8Array, recipients: ProvenSealing['recipients']): SealingProof {
  let offset = 0;
  const take = (length: number) => bytes.slice(offset, (offset += length));
  const scalar = () => take(32) as SealingProof['key']['secretResponse'];
  const blocks = Array.from({ length: Math.ceil(recipients.length / blockNodes) }, () => ({
    masks: take(repetitions * 32),
    responses: Array.from({ length: repetitions }, () => Number(littleEndian(take(responseBytes)))),
    blinding: scalar(),
  }));
  const key = { commitments: take(64), secretResponse: scalar(), blindingResponse: scalar() };
  const handles = recipients.map((row) => ({
    commitments: take((1 + row.length) * 32),
    digitResponse: scalar(),
    blindingResponse: scalar(),
  }));
  return { blocks, key, handles };
}

function decode(bytes: Uint8Array): Point {
  return Point.fromBytes(bytes);
}

function decodeRow(bytes: Uint8Array): Point[] {
  return Array.from({ length: bytes.length / 32 }, (_, i) => decode(bytes.subarray(32 * i, 32 * i + 32)));
}

function sum(points: readonly Point[]): Point {
  return points.reduce((total, point) => total.add(point), Point.ZERO);
}

/** The library refuses the factor zero. */
function times(point: Point, factor: bigint): Point {
  const reduced = factor % order;
  return reduced === 0n ? Point.ZERO : point.multiply(reduced);
}

function power(base: bigint, exponent: number): bigint {
  let value = 1n;
  for (let i = 0; i < exponent; i++) value = (value * base) % order;
  return value;
}

function toNumber(scalar: Uint8Array): bigint {
  return littleEndian(scalar);
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
