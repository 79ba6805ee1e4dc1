/**
 * Baby-step giant-step for many points at once.
 *
 * Encoding a ristretto point costs an inverse square root, so points are compared otherwise: multiplying by four clears
 * the torsion that separates the Edwards representatives of one ristretto element; after that the affine y is
 * unique up to sign, and one inversion serves a whole batch (Montgomery's trick).
 *
 *   table:  y(i * 4B) for 0 <= i <= size               "baby steps"; y is the same for i and -i
 *   find:   4P - c * 4B, c = size, 3 size + 1, ...     "giant steps": each covers the 2 size + 1 values around c
 */
import { normalizeZ } from '@noble/curves/abstract/curve.js';
import type { EdwardsPoint } from '@noble/curves/abstract/edwards.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import type { Point, SmallLog, SmallLogOptions, SmallLogProgress } from '../ristretto255.ts';

const Edwards = ed25519.Point;
/** Group operations in one step of a slow search: a few tens of milliseconds. */
const stepOperations = 2048;
/** Baby steps kept for `find`: 16 digits of 16 bits then cost 8 additions each and one inversion. */
const tableSize = 4096;

interface BabySteps {
  /** 4B. */
  readonly base: EdwardsPoint;
  /** i with the same affine y as `point`, and whether the sign of x differs: the logarithm is then -i. */
  log(affine: EdwardsPoint): number | undefined;
}

export function createSmallLog(
  base: EdwardsPoint,
  options: SmallLogOptions,
  unwrap: (point: Point) => EdwardsPoint,
): SmallLog {
  const { range, searchTableSize } = options;
  const width = 2 * tableSize + 1;
  let steps: BabySteps | undefined;
  let centres: readonly EdwardsPoint[] = [];
  let searchSteps: BabySteps | undefined;

  const table = () => {
    if (steps === undefined) {
      steps = buildBabySteps(base, tableSize);
      centres = multiplesFrom(steps.base, tableSize, width, Math.ceil(range / width)).map((c) => c.negate());
    }
    return steps;
  };

  return {
    find(points) {
      const baby = table();
      const cleared = points.map((point) => clearTorsion(unwrap(point)));
      const candidates = normalizeZ(
        Edwards,
        cleared.flatMap((point) => centres.map((centre) => point.add(centre))),
      );
      return points.map((_, index) => {
        let found: number | undefined;
        for (let step = 0; step < centres.length; step++) {
          const offset = baby.log(candidates[index * centres.length + step]!);
          if (offset !== undefined) found = tableSize + step * width + offset;
        }
        return found !== undefined && found >= 0 && found < range ? found : undefined;
      });
    },

    search(points, { maxAbs }) {
      searchSteps ??= buildBabySteps(base, searchTableSize);
      const cleared = points.map((point) => clearTorsion(unwrap(point)));
      return search(searchSteps, cleared, { tableSize: searchTableSize, maxAbs });
    },
  };
}

function* search(
  baby: BabySteps,
  points: readonly EdwardsPoint[],
  options: { readonly tableSize: number; readonly maxAbs: number },
): Generator<SmallLogProgress, (number | undefined)[]> {
  const { tableSize, maxAbs } = options;
  const width = 2 * tableSize + 1;
  const giant = baby.base.multiplyUnsafe(BigInt(width));
  const backwards = giant.negate();
  const found: (number | undefined)[] = points.map(() => undefined);
  // Both walks of a point start at the point itself (centre 0) and go up and down by `width`.
  let walks = points.map((point, index) => ({ index, up: point, down: point }));
  let round = 0; // centres done so far: every |m| <= round * width + tableSize, minus the first, is covered
  while (walks.length > 0 && round * width - tableSize <= maxAbs) {
    const rounds = Math.max(1, Math.floor(stepOperations / (2 * walks.length)));
    const batch: EdwardsPoint[] = [];
    for (const walk of walks) {
      for (let i = 0; i < rounds; i++) {
        batch.push(walk.up, walk.down);
        walk.up = walk.up.add(backwards);
        walk.down = walk.down.add(giant);
      }
    }
    const affine = normalizeZ(Edwards, batch);
    walks.forEach((walk, position) => {
      for (let i = 0; i < rounds && found[walk.index] === undefined; i++) {
        const centre = (round + i) * width;
        const at = (position * rounds + i) * 2;
        const up = baby.log(affine[at]!);
        const down = baby.log(affine[at + 1]!);
        // P - centre * B = up * B, or P + centre * B = down * B
        if (up !== undefined) found[walk.index] = centre + up;
        else if (down !== undefined) found[walk.index] = down - centre;
      }
    });
    walks = walks.filter((walk) => found[walk.index] === undefined);
    round += rounds;
    yield { searchedUpTo: Math.min(maxAbs, (round - 1) * width + tableSize), missing: walks.length };
  }
  return found.map((log) => (log !== undefined && Math.abs(log) <= maxAbs ? log : undefined));
}

/** 4P: every representative of a ristretto element gives the same point of prime order. */
function clearTorsion(point: EdwardsPoint): EdwardsPoint {
  return point.double().double();
}

function buildBabySteps(base: EdwardsPoint, tableSize: number): BabySteps {
  const cleared = clearTorsion(base);
  const points = normalizeZ(Edwards, multiplesFrom(cleared, 0, 1, tableSize + 1));
  // Keys are the low 48 bits of y, small enough for a fast map; entries are compared in full.
  const indexByKey = new Map<number, number>();
  points.forEach((point, index) => indexByKey.set(keyOf(point), index));
  if (indexByKey.size !== points.length)
    throw new Error('two baby steps share a key: the base is not of large order');
  return {
    base: cleared,
    log(affine) {
      const index = indexByKey.get(keyOf(affine));
      if (index === undefined) return undefined;
      const entry = points[index]!;
      if (entry.Y !== affine.Y) return undefined;
      return entry.X === affine.X ? index : -index;
    },
  };
}

function keyOf(affine: EdwardsPoint): number {
  return Number(BigInt.asUintN(48, affine.Y));
}

/** (start + i * stride) * base for i < count. */
function multiplesFrom(base: EdwardsPoint, start: number, stride: number, count: number): EdwardsPoint[] {
  const step = base.multiplyUnsafe(BigInt(stride));
  const multiples: EdwardsPoint[] = [];
  let current = base.multiplyUnsafe(BigInt(start));
  for (let i = 0; i < count; i++) {
    multiples.push(current);
    current = current.add(step);
  }
  return multiples;
}
