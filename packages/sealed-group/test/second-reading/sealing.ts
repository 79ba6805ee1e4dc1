/** §4 read a second time: whether a sealing proof holds, equation by equation and without batches. */
import type { Point } from './primitives.ts';
import { littleEndian, messageBase, order, Point as Points, Transcript, u32 } from './primitives.ts';

export interface SealedNode {
  readonly key: Buffer;
  readonly recipients: readonly Buffer[];
  readonly commitments: Buffer;
  /** A row for each recipient. */
  readonly handles: readonly Buffer[];
}

const digits = 16;
const repetitions = 128;
const S = 67_107_840n;
const Z = 17_179_607_040n;

/** The first thing that does not hold; undefined if all does. */
export function brokenIn(claim: {
  readonly context: Buffer;
  readonly bodyHash: Buffer;
  readonly nodes: readonly SealedNode[];
  readonly proof: Buffer;
}): string | undefined {
  const { nodes, proof } = claim;
  let at = 0;
  const take = (length: number): Buffer => proof.subarray(at, (at += length));
  const points = (octets: Buffer): Point[] =>
    Array.from({ length: octets.length / 32 }, (_, i) => pointOf(octets.subarray(32 * i, 32 * i + 32)));

  const blocks: { masks: Buffer; z: Buffer; w: bigint; nodes: readonly SealedNode[] }[] = [];
  for (let first = 0; first < nodes.length; first += 64) {
    const [masks, z, w] = [take(32 * repetitions), take(5 * repetitions), littleEndian(take(32))];
    blocks.push({ masks, z, w, nodes: nodes.slice(first, first + 64) });
  }
  const keyCommitments = take(64);
  const [za, zb] = [littleEndian(take(32)), littleEndian(take(32))];
  const handleProofs = nodes.map(({ recipients }) => ({
    commitments: take(32 * (1 + recipients.length)),
    zm: littleEndian(take(32)),
    zr: littleEndian(take(32)),
  }));
  if (at !== proof.length) return 'sealing/proof-length';
  const responsesOf = (z: Buffer): bigint[] =>
    Array.from({ length: repetitions }, (_, k) => littleEndian(z.subarray(5 * k, 5 * k + 5)));
  const responses = blocks.map(({ z }) => responsesOf(z));
  if (responses.flat().some((z) => z < S || z >= Z)) return 'sealing/response-bounds';

  const transcript = Transcript.start('sealing');
  transcript.absorb('context', claim.context);
  transcript.absorb('body hash', claim.bodyHash);
  const counts = [nodes.length, ...nodes.map(({ recipients }) => recipients.length)];
  transcript.absorb('counts', Buffer.concat(counts.map(u32)));
  transcript.absorb('keys', Buffer.concat(nodes.map(({ key }) => key)));
  transcript.absorb('recipients', Buffer.concat(nodes.flatMap(({ recipients }) => recipients)));
  transcript.absorb('commitments', Buffer.concat(nodes.map(({ commitments }) => commitments)));
  transcript.absorb('handles', Buffer.concat(nodes.flatMap(({ handles }) => handles)));
  const rho = transcript.challengeScalar('rho');
  const forks = blocks.map((block, b) => {
    const fork = transcript.fork(`block ${b}`);
    fork.absorb('masks', block.masks);
    const subsets = fork.challenge('subsets', repetitions * 2 * block.nodes.length);
    fork.absorb('responses', block.z);
    return { fork, subsets };
  });
  for (const { fork } of forks) transcript.join(fork);
  transcript.absorb('key commitments', keyCommitments);
  transcript.absorb('handle commitments', Buffer.concat(handleProofs.map(({ commitments }) => commitments)));
  const c = transcript.challengeScalar('c');
  const gamma = transcript.challengeScalar('gamma');

  const powers = (base: bigint, count: number): bigint[] => {
    const list = [1n];
    while (list.length < count) list.push((list.at(-1)! * base) % order);
    return list;
  };
  const places = Array.from({ length: digits }, (_, j) => 2n ** BigInt(16 * j));
  const cPowers = powers(c, nodes.length + 1);
  const [A1, A2] = points(keyCommitments) as [Point, Point];
  let opening = A1;
  let secret = A2;
  for (const [i, { commitments, key }] of nodes.entries()) {
    opening = opening.add(sum(points(commitments), places).multiply(cPowers[i + 1]!));
    secret = secret.add(pointOf(key).multiply(cPowers[i + 1]!));
  }
  if (!times(messageBase, za).add(times(Points.BASE, zb)).equals(opening)) return 'key-opening';
  if (!times(Points.BASE, za).equals(secret)) return 'key-secret';

  const rhoPowers = powers(rho, digits);
  for (const [i, { recipients, commitments, handles }] of nodes.entries()) {
    const { zm, zr, ...told } = handleProofs[i]!;
    const [B0, ...B] = points(told.commitments) as [Point, ...Point[]];
    const weighted = (row: Buffer): Point => times(sum(points(row), rhoPowers), c);
    const left = times(messageBase, zm).add(times(Points.BASE, zr));
    if (!left.equals(B0.add(weighted(commitments)))) return 'handle-opening';
    for (const [t, recipient] of recipients.entries()) {
      const right = B[t]!.add(weighted(handles[t]!));
      if (!times(pointOf(recipient), zr).equals(right)) return 'handle-recipient';
    }
  }

  const gammaPowers = powers(gamma, repetitions);
  for (const [b, block] of blocks.entries()) {
    const rowOctets = 2 * block.nodes.length;
    const V = block.nodes.flatMap(({ commitments }) => points(commitments));
    const weights = V.map(() => 0n);
    let weightedZ = 0n;
    for (let k = 0; k < repetitions; k++) {
      weightedZ += gammaPowers[k]! * responses[b]![k]!;
      const row = forks[b]!.subsets.subarray(k * rowOctets, (k + 1) * rowOctets);
      for (const j of V.keys()) {
        if (((row[j >> 3]! >> (j & 7)) & 1) === 1) weights[j] = weights[j]! + gammaPowers[k]!;
      }
    }
    const right = sum(points(block.masks), gammaPowers).add(sum(V, weights));
    if (!times(messageBase, weightedZ).add(times(Points.BASE, block.w)).equals(right)) return 'shortness';
  }
  return undefined;
}

/** Canonical, and not the identity. */
function pointOf(octets: Buffer): Point {
  const point = Points.fromBytes(Uint8Array.from(octets));
  if (point.equals(Points.ZERO)) throw new Error('the identity');
  return point;
}

/** Public data: zero is allowed, which the library's constant-time multiplication is not made for. */
function times(point: Point, scalar: bigint): Point {
  return point.multiplyUnsafe(scalar % order);
}

function sum(points: readonly Point[], scalars: readonly bigint[]): Point {
  return points.reduce((total, point, i) => total.add(times(point, scalars[i]!)), Points.ZERO);
}
