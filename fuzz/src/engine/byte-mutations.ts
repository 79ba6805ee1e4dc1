/** Mutations that know nothing of the format: octets, numbers of fixed width, ranges, splices, dictionary words. */
import { leb128, splice } from './encodings.ts';
import type { FuzzRandom } from './random.ts';

export interface MutationSources {
  readonly random: FuzzRandom;
  /** Words that the decoders know: literals of their sources and of the target. */
  readonly dictionary: readonly Uint8Array[];
  /** Another input of the corpus. */
  readonly other: Uint8Array;
}

type Mutation = (bytes: Uint8Array, sources: MutationSources) => Uint8Array;

const interesting = [0, 1, 0x7f, 0x80, 0xff, 0x3f, 0x40, 0x20, 0x10];
const lengths = [
  0n,
  1n,
  127n,
  128n,
  255n,
  256n,
  65_535n,
  65_536n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 53n,
  2n ** 64n - 1n,
];

export const byteMutations: readonly Mutation[] = [
  function flipBit(bytes, { random }) {
    return changed(bytes, random, (byte) => byte ^ (1 << random.below(8)));
  },
  function setByte(bytes, { random }) {
    return changed(bytes, random, () => (random.oneIn(2) ? random.below(256) : random.pick(interesting)));
  },
  function addToByte(bytes, { random }) {
    return changed(bytes, random, (byte) => byte + 1 + random.below(4) * (random.oneIn(2) ? 1 : -1));
  },
  function addToNumber(bytes, { random }) {
    const width = random.pick([2, 4, 8]);
    if (bytes.length < width) return bytes;
    const result = bytes.slice();
    const at = random.below(bytes.length - width + 1);
    const view = new DataView(result.buffer, at, width);
    const isLittle = random.oneIn(2);
    const add = BigInt(random.below(33) - 16);
    if (width === 2) view.setUint16(0, view.getUint16(0, isLittle) + Number(add), isLittle);
    else if (width === 4) view.setUint32(0, view.getUint32(0, isLittle) + Number(add), isLittle);
    else view.setBigUint64(0, BigInt.asUintN(64, view.getBigUint64(0, isLittle) + add), isLittle);
    return result;
  },
  function insertNumber(bytes, { random }) {
    const at = random.below(bytes.length + 1);
    return splice(bytes, at, random.below(Math.min(3, bytes.length - at + 1)), leb128(random.pick(lengths)));
  },
  function removeRange(bytes, sources) {
    const { at, count } = range(bytes, sources);
    return splice(bytes, at, count, new Uint8Array(0));
  },
  function repeatRange(bytes, sources) {
    const { at, count } = range(bytes, sources);
    return splice(bytes, at, 0, bytes.slice(at, at + count));
  },
  function fillRange(bytes, sources) {
    const { at, count } = range(bytes, sources);
    return bytes.slice().fill(sources.random.pick(interesting), at, at + count);
  },
  function moveRange(bytes, sources) {
    const { at, count } = range(bytes, sources);
    const rest = splice(bytes, at, count, new Uint8Array(0));
    return splice(rest, sources.random.below(rest.length + 1), 0, bytes.slice(at, at + count));
  },
  function insertRandom(bytes, { random }) {
    const insert = Uint8Array.from({ length: 1 + random.below(8) }, () => random.below(256));
    return splice(bytes, random.below(bytes.length + 1), 0, insert);
  },
  function cutEnd(bytes, { random }) {
    return bytes.slice(0, random.below(bytes.length + 1));
  },
  function takeFromOther(bytes, { random, other }) {
    const from = random.below(other.length + 1);
    const part = other.slice(from, from + 1 + random.below(other.length - from + 1));
    const at = random.below(bytes.length + 1);
    const count = random.oneIn(2) ? Math.min(part.length, bytes.length - at) : 0;
    return splice(bytes, at, count, part);
  },
  function crossOver(bytes, { random, other }) {
    const head = bytes.slice(0, random.below(bytes.length + 1));
    return splice(head, head.length, 0, other.slice(random.below(other.length + 1)));
  },
  function useWord(bytes, { random, dictionary }) {
    if (dictionary.length === 0) return bytes;
    const word = random.pick(dictionary);
    const at = random.below(bytes.length + 1);
    return splice(bytes, at, random.oneIn(2) ? Math.min(word.length, bytes.length - at) : 0, word);
  },
];

function changed(bytes: Uint8Array, random: FuzzRandom, change: (byte: number) => number): Uint8Array {
  if (bytes.length === 0) return bytes;
  const result = bytes.slice();
  const at = random.below(bytes.length);
  result[at] = change(result[at]!);
  return result;
}

/** Short ranges are as likely as long ones. */
function range(bytes: Uint8Array, { random }: MutationSources): { at: number; count: number } {
  const most = Math.min(bytes.length, 2 ** (1 + random.below(12)));
  const count = random.below(most + 1);
  return { at: random.below(bytes.length - count + 1), count };
}
