/**
 * Frames as trees of fields, and every small change to such a tree: what no encoder makes, with all lengths around it true.
 * Knows which fields are messages and nothing else of the schema.
 */
import { fieldTags } from '../../src/wire/field-tags.ts';

/** A field that is no message; `value` is what follows the tag, with its length if it has one. */
interface Leaf {
  readonly tag: number;
  readonly value: Uint8Array;
}
interface Branch {
  readonly tag: number;
  readonly items: readonly Item[];
}
/** Octets as they are, or a field. */
type Item = Uint8Array | Leaf | Branch;

type Shape = { readonly [tag: number]: Shape };

const mode: Shape = {};
const { Body, Create, Commit, Operation, SetMode, MessageTrailer, Frame } = fieldTags;
const bodyShape: Shape = {
  [Body.create]: { [Create.mode]: mode },
  [Body.commit]: {
    [Commit.operations]: {
      [Operation.setRole]: {},
      [Operation.remove]: {},
      [Operation.add]: {},
      [Operation.setMode]: { [SetMode.mode]: mode },
    },
    [Commit.sealed]: {},
  },
  [Body.message]: {},
  [Body.leave]: {},
};
const plainTrailer: Shape = {};
const messageTrailer: Shape = { [MessageTrailer.leafProof]: {} };

/** Of a good frame. */
export function fieldTreeOf(frame: Uint8Array, kind: string): readonly Item[] {
  const trailer = kind === 'message' ? messageTrailer : plainTrailer;
  return itemsOf(frame, { [Frame.body]: bodyShape, [Frame.trailer]: trailer });
}

export function encodeItems(items: readonly Item[]): Uint8Array {
  return joined(items.map(encodeItem));
}

/** Each change at each place, one at a time. */
export function* changesOf(items: readonly Item[]): Generator<readonly Item[]> {
  for (let at = 0; at <= items.length; at++) {
    for (const stray of strays) yield items.toSpliced(at, 0, stray);
    const item = items[at];
    if (item === undefined) continue;
    yield items.toSpliced(at, 1);
    yield items.toSpliced(at, 0, item);
    if (at > 0) yield items.toSpliced(at - 1, 2, item, items[at - 1]!);
    for (const changed of changesOfItem(item)) yield items.toSpliced(at, 1, changed);
    if (isBranch(item))
      for (const inner of changesOf(item.items)) yield items.toSpliced(at, 1, { ...item, items: inner });
  }
}

/** Numbers about which encodings and types end, as varints: shortest ones, longer ones, too long ones. */
const varints: readonly Uint8Array[] = [
  [0n, 1n, 2n, 3n, 4n, 5n, 127n, 128n, 300n, 1n << 20n, (1n << 21n) - 2n, (1n << 21n) - 1n],
  [1n << 31n, (1n << 32n) - 1n, 1n << 32n, (1n << 32n) + 1n, (1n << 49n) - 1n, 1n << 49n],
  [(1n << 53n) - 1n, 1n << 53n, (1n << 53n) + 1n, 1n << 56n, 1n << 63n, (1n << 64n) - 1n, 1n << 64n],
]
  .flat()
  .map(varint)
  .flatMap((shortest) => [shortest, overlong(shortest)])
  .concat([
    Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02),
    Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f),
    Uint8Array.of(0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00),
    Uint8Array.of(0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00),
    Uint8Array.of(0x80),
    Uint8Array.of(0xff, 0xff),
  ]);

/** Fields that do not belong anywhere, or not there: with defaults, of other types, cut off, groups; and no fields at all. */
const strays: readonly Uint8Array[] = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 16, 100, 2 ** 28].flatMap((field) => {
    const tag = (wireType: number): number[] => [...varint((BigInt(field) << 3n) | BigInt(wireType))];
    return [
      [...tag(0), 0],
      [...tag(0), 1],
      [...tag(0)],
      [...tag(1), 0, 0, 0, 0, 0, 0, 0, 1],
      [...tag(2), 0],
      [...tag(2), 1, 1],
      [...tag(2), 2, 0],
      [...tag(2), 2, 8, 1],
      [...tag(3), ...tag(4)],
      [...tag(3), 8, 1, ...tag(4)],
      [...tag(3)],
      [...tag(4)],
      [...tag(5), 0, 0, 0, 1],
      [...tag(6), 0],
      [...tag(7), 0],
      [...overlong(Uint8Array.from(tag(0))), 1],
    ];
  }),
  [0x00],
  [0x00, 0x00],
  [0x02, 0x00],
  [0xff],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0x7f],
].map((octets) => Uint8Array.from(octets));

function* changesOfItem(item: Item): Generator<Item> {
  if (item instanceof Uint8Array) return;
  const octets = encodeItem(item);
  const value = octets.subarray(1);
  for (let wireType = 0; wireType < 8; wireType++) {
    const tag = (item.tag & ~7) | wireType;
    yield { tag, value };
    // As a group: between its tags instead of behind its length.
    if (wireType === 3 && isSized(item)) yield Uint8Array.of(tag, ...contentOf(item), (item.tag & ~7) | 4);
  }
  yield joined([overlong(octets.subarray(0, 1)), value]);
  for (let cut = 1; cut <= Math.min(4, octets.length); cut++) yield octets.subarray(0, -cut);
  if (!isSized(item)) {
    for (const number of varints) yield { tag: item.tag, value: number };
    return;
  }
  const content = contentOf(item);
  const withLength = (length: Uint8Array, ...rest: Uint8Array[]): Leaf => ({
    tag: item.tag,
    value: joined([length, ...rest]),
  });
  const sized = (...rest: Uint8Array[]): Leaf =>
    withLength(varint(BigInt(rest.reduce((sum, { length }) => sum + length, 0))), ...rest);
  yield withLength(overlong(varint(BigInt(content.length))), content);
  for (const by of [-2, -1, 1, 2, 50, 1 << 20])
    yield withLength(varint(BigInt(Math.max(0, content.length + by))), content);
  for (const length of varints) yield withLength(length, content);
  yield sized();
  yield sized(content.subarray(0, -1));
  yield sized(content.subarray(1));
  yield sized(content, Uint8Array.of(0));
  yield sized(Uint8Array.of(0), content);
  yield sized(content, content);
  // In two pieces, which a decoder of packed numbers or of messages puts together.
  const half = content.length >> 1;
  yield encodeItems([sized(content.subarray(0, half)), sized(content.subarray(half))]);
  // As if it were packed numbers, written one by one.
  yield joined([...content].map((number) => Uint8Array.of(item.tag & ~7, number)));
  for (const number of varints) yield sized(content, number);
}

function itemsOf(bytes: Uint8Array, shape: Shape): readonly Item[] {
  const items: Item[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at]!;
    const [number, end] = readVarint(bytes, at + 1);
    const next = (tag & 7) === 2 ? end + number : end;
    const inner = shape[tag];
    items.push(
      inner === undefined
        ? { tag, value: bytes.subarray(at + 1, next) }
        : { tag, items: itemsOf(bytes.subarray(end, next), inner) },
    );
    at = next;
  }
  return items;
}

function encodeItem(item: Item): Uint8Array {
  if (item instanceof Uint8Array) return item;
  if (!isBranch(item)) return joined([Uint8Array.of(item.tag), item.value]);
  const content = encodeItems(item.items);
  return joined([Uint8Array.of(item.tag), varint(BigInt(content.length)), content]);
}

function contentOf(item: Leaf | Branch): Uint8Array {
  return isBranch(item) ? encodeItems(item.items) : item.value.subarray(readVarint(item.value, 0)[1]);
}

function isSized(item: Leaf | Branch): boolean {
  return (item.tag & 7) === 2;
}

function isBranch(item: Item): item is Branch {
  return 'items' in item;
}

function readVarint(bytes: Uint8Array, from: number): [number, number] {
  let value = 0;
  for (let at = from, weight = 1; ; at++, weight *= 128) {
    value += (bytes[at]! & 127) * weight;
    if (bytes[at]! < 128) return [value, at + 1];
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function varint(value: bigint): Uint8Array {
  const octets: number[] = [];
  let rest = value;
  for (; rest > 127n; rest >>= 7n) octets.push(Number(rest & 127n) | 128);
  return Uint8Array.of(...octets, Number(rest));
}

function overlong(shortest: Uint8Array): Uint8Array {
  const octets = Uint8Array.of(...shortest, 0);
  octets[shortest.length - 1]! |= 0x80;
  return octets;
}
