/**
 * Small logarithms on the kernel's tables.
 *
 *   find:    one pass over a table of half the range, the same for every logarithm (`assembly/digit-table.ts`)
 *   search:  baby-step giant-step, two walks a point, up and down from 0 by 2 size + 1 (`assembly/small-log.ts`)
 *
 * Tables stay in linear memory for ever: an engine makes few `SmallLog`s.
 */
import type { Scalar, SmallLog, SmallLogOptions, SmallLogProgress } from '../ristretto255.ts';
import type { Kernel } from './kernel.ts';
import { pointBytes } from './wasm-point.ts';
import { unwrapPoint } from './wasm-point.ts';

/** The kernel's mark for "not in the table". */
const notFound = -(2 ** 31);
/** Group operations in one step of a slow search: a few milliseconds. */
const stepOperations = 8192;

interface Table {
  readonly address: number;
  /** 4B. */
  readonly base: Uint8Array;
}

export interface SmallLogDeps {
  readonly kernel: Kernel;
  /** point * scalar. */
  readonly multiply: (point: Uint8Array, scalar: Scalar) => Uint8Array;
  readonly fromNumber: (value: number) => Scalar;
}

export function createWasmSmallLog(deps: SmallLogDeps, base: Uint8Array, options: SmallLogOptions): SmallLog {
  const { kernel } = deps;
  const { range, searchTableSize } = options;
  if (range % 2 !== 0) throw new RangeError('the range is odd');
  let digitTable: number | undefined;
  let searchTable: Table | undefined;

  return {
    find(points) {
      digitTable ??= buildDigitTable(kernel, base, range / 2);
      return findDigits(kernel, digitTable, points.map(unwrapPoint));
    },

    search(points, { maxAbs }) {
      searchTable ??= buildTable(kernel, base, searchTableSize);
      return search(deps, searchTable, points.map(unwrapPoint), { tableSize: searchTableSize, maxAbs });
    },
  };
}

function buildDigitTable(kernel: Kernel, base: Uint8Array, half: number): number {
  const address = kernel.keep(kernel.exports.digitTableBytes(half));
  return kernel.runPublic(() => {
    if (kernel.exports.buildDigitTable(address, kernel.put(base), half) === 0)
      throw new Error('two multiples are equal: the base is not of large order');
    return address;
  });
}

/** Whether a point has a logarithm shows, which it is does not. */
function findDigits(kernel: Kernel, table: number, points: readonly Uint8Array[]): (number | undefined)[] {
  const logs = kernel.run(() => {
    const out = kernel.allocate(points.length * 4);
    kernel.exports.findDigits(out, table, kernel.putAll(points, pointBytes), points.length);
    return new Int32Array(kernel.take(out, points.length * 4).buffer);
  });
  return Array.from(logs, (log) => (log < 0 ? undefined : log));
}

function buildTable(kernel: Kernel, base: Uint8Array, size: number): Table {
  const address = kernel.keep(kernel.exports.smallLogTableBytes(size));
  return kernel.runPublic(() => {
    const cleared = kernel.put(base);
    if (kernel.exports.buildSmallLogTable(address, cleared, size) === 0)
      throw new Error('two baby steps are equal: the base is not of large order');
    kernel.exports.clearTorsion(cleared, cleared);
    return { address, base: kernel.take(cleared, pointBytes) };
  });
}

function lookUp(kernel: Kernel, table: Table, points: number, count: number): Int32Array {
  const out = kernel.allocate(count * 4);
  kernel.exports.lookUpAll(out, table.address, points, count);
  return new Int32Array(kernel.take(out, count * 4).buffer);
}

interface Walk {
  readonly index: number;
  up: Uint8Array;
  down: Uint8Array;
}

function* search(
  { kernel, multiply, fromNumber }: SmallLogDeps,
  table: Table,
  points: readonly Uint8Array[],
  options: { readonly tableSize: number; readonly maxAbs: number },
): Generator<SmallLogProgress, (number | undefined)[]> {
  const { tableSize, maxAbs } = options;
  const width = 2 * tableSize + 1;
  const forwards = multiply(table.base, fromNumber(width));
  const backwards = multiply(table.base, fromNumber(-width));
  const found: (number | undefined)[] = points.map(() => undefined);
  // Both walks of a point start at the point itself (centre 0) and go up and down by `width`.
  let walks = points.map((point, index): Walk => {
    const cleared = kernel.run(() => {
      const at = kernel.put(point);
      kernel.exports.clearTorsion(at, at);
      return kernel.take(at, pointBytes);
    });
    return { index, up: cleared, down: cleared };
  });
  let round = 0; // centres done so far: every |m| <= round * width + tableSize, minus the first, is covered
  while (walks.length > 0 && round * width - tableSize <= maxAbs) {
    const rounds = Math.max(1, Math.floor(stepOperations / (2 * walks.length)));
    const offsets = kernel.run(() => {
      const batch = walkAll(kernel, walks, { forwards, backwards, rounds });
      return lookUp(kernel, table, batch, 2 * rounds * walks.length);
    });
    walks.forEach((walk, position) => {
      for (let i = 0; i < rounds && found[walk.index] === undefined; i++) {
        const centre = (round + i) * width;
        const at = (position * rounds + i) * 2;
        const [up, down] = [offsets[at]!, offsets[at + 1]!];
        // P - centre * B = up * B, or P + centre * B = down * B
        if (up !== notFound) found[walk.index] = centre + up;
        else if (down !== notFound) found[walk.index] = down - centre;
      }
    });
    walks = walks.filter((walk) => found[walk.index] === undefined);
    round += rounds;
    yield { searchedUpTo: Math.min(maxAbs, (round - 1) * width + tableSize), missing: walks.length };
  }
  return found.map((log) => (log !== undefined && Math.abs(log) <= maxAbs ? log : undefined));
}

/** `rounds` points of both walks of every point: up and down alternate. The walks move on. */
function walkAll(
  kernel: Kernel,
  walks: readonly Walk[],
  by: { readonly forwards: Uint8Array; readonly backwards: Uint8Array; readonly rounds: number },
): number {
  const { exports } = kernel;
  const batch = kernel.allocate(2 * by.rounds * walks.length * pointBytes);
  const [forwards, backwards] = [kernel.put(by.forwards), kernel.put(by.backwards)];
  exports.toCached(forwards, forwards);
  exports.toCached(backwards, backwards);
  const [up, down] = [kernel.allocate(pointBytes), kernel.allocate(pointBytes)];
  walks.forEach((walk, position) => {
    kernel.bytes.set(walk.up, up);
    kernel.bytes.set(walk.down, down);
    const out = batch + 2 * by.rounds * position * pointBytes;
    exports.walk(out, 2 * pointBytes, up, backwards, by.rounds);
    exports.walk(out + pointBytes, 2 * pointBytes, down, forwards, by.rounds);
    walk.up = kernel.take(up, pointBytes);
    walk.down = kernel.take(down, pointBytes);
  });
  return batch;
}
