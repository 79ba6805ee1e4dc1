/** §3 read a second time: the encoding of nodes, a leaf's path, and the hash of the tree that it stands in. */
import { hashTuple, u32 } from './primitives.ts';

export interface Ancestor {
  /** Node index. */
  readonly index: number;
  /** As encoded; one zero octet if blank. */
  readonly content: Buffer;
  readonly beside: Buffer;
}

export interface Path {
  readonly depth: number;
  readonly leaf: number;
  readonly leafContent: Buffer;
  /** Lowest first. */
  readonly ancestors: readonly Ancestor[];
}

/** RFC 9420 Appendix C: the ancestors of leaf `leaf` in a tree of 2^depth leaves, lowest first. */
export function ancestorsOf(leaf: number, depth: number): number[] {
  return Array.from({ length: depth }, (_, i) => {
    const width = 2 ** (i + 1);
    return Math.floor(leaf / width) * 2 * width + width - 1;
  });
}

/** §3.4. */
export function readPath(octets: Buffer): Path {
  const depth = octets[0]!;
  let at = 1;
  const number = (): number => {
    let value = 0;
    for (let weight = 1; ; weight *= 128) {
      const octet = octets[at++]!;
      value += (octet & 127) * weight;
      if (octet < 128) return value;
    }
  };
  const node = (): Buffer => {
    const start = at;
    const tag = octets[at++]!;
    if (tag !== 0) at += 32;
    if (tag === 2) for (let left = number(); left > 0; left--) number();
    if (tag >= 0x40) {
      // The epoch; two numbers of the adder; the expiry.
      const numbers = 1 + ((tag & 8) === 0 ? 0 : 2) + ((tag & 16) === 0 ? 0 : 1);
      for (let left = numbers; left > 0; left--) number();
    }
    return octets.subarray(start, at);
  };
  const leaf = number();
  const leafContent = node();
  const ancestors = ancestorsOf(leaf, depth).map((index) => {
    const content = node();
    at += 32;
    return { index, content, beside: octets.subarray(at - 32, at) };
  });
  if (at !== octets.length) throw new Error('octets are left');
  return { depth, leaf, leafContent, ancestors };
}

/** §3.3. */
export function treeHashOf({ leaf, leafContent, ancestors }: Path): Buffer {
  let hash = hashTuple('tree leaf', u32(2 * leaf), leafContent);
  for (const [i, { index, content, beside }] of ancestors.entries()) {
    const isRight = Math.floor(leaf / 2 ** i) % 2 === 1;
    const sides = isRight ? [beside, hash] : [hash, beside];
    hash = hashTuple('tree parent', u32(index), content[0] === 0 ? Buffer.alloc(0) : content, ...sides);
  }
  return hash;
}

/** Of a node that is not blank. */
export const keyIn = (content: Buffer): Buffer => content.subarray(1, 33);
