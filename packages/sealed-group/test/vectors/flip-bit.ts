/** What a vector says is refused: one bit of a part changed, and the rule that names it. */
export interface RefusedFlip {
  /** Which of the vector's octet strings. */
  readonly part: string;
  /** Bit `bit & 7`, counted from the least, of octet `bit >> 3`. */
  readonly bit: number;
  readonly rule: string;
}

export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const at = bit >> 3;
  if (at >= bytes.length) throw new RangeError(`bit ${bit} of ${bytes.length} octets`);
  return Uint8Array.from(bytes).fill(bytes[at]! ^ (1 << (bit & 7)), at, at + 1);
}
