/**
 * What comparisons compared: instrumented code calls `__fuzzCompare`, which does what the operator does and, while recording,
 * keeps the two values when they differ. A mutation then looks for one of them in the input and puts the other in its
 * place, which passes magic numbers and length checks that chance never would (Redqueen: Aschermann et al., NDSS 2019).
 */
export interface OperandPair {
  readonly left: number | bigint | string;
  readonly right: number | bigint | string;
}

const maxPairs = 64;
const maxTextLength = 64;

declare global {
  var __fuzzCompare: Operands;
}

/* oxlint-disable typescript/no-explicit-any -- it stands for operators, which take anything */
export class Operands {
  #pairs: Map<string, OperandPair> | undefined;

  install(): void {
    globalThis.__fuzzCompare = this;
  }

  /** The pairs of different values that `run` compares, at most 64. */
  async record(run: () => Promise<unknown>): Promise<readonly OperandPair[]> {
    const pairs = new Map<string, OperandPair>();
    this.#pairs = pairs;
    try {
      await run();
    } finally {
      this.#pairs = undefined;
    }
    return [...pairs.values()];
  }

  eq(left: any, right: any): boolean {
    if (this.#pairs !== undefined) this.#note(left, right);
    return left === right;
  }
  ne(left: any, right: any): boolean {
    if (this.#pairs !== undefined) this.#note(left, right);
    return left !== right;
  }
  lt(left: any, right: any): boolean {
    if (this.#pairs !== undefined) this.#note(left, right);
    return left < right;
  }
  le(left: any, right: any): boolean {
    if (this.#pairs !== undefined) this.#note(left, right);
    return left <= right;
  }
  gt(left: any, right: any): boolean {
    if (this.#pairs !== undefined) this.#note(left, right);
    return left > right;
  }
  ge(left: any, right: any): boolean {
    if (this.#pairs !== undefined) this.#note(left, right);
    return left >= right;
  }

  #note(left: unknown, right: unknown): void {
    if (left === right || typeof left !== typeof right || !isValue(left) || !isValue(right)) return;
    if (this.#pairs!.size < maxPairs) this.#pairs!.set(`${left} ${right}`, { left, right });
  }
}

function isValue(value: unknown): value is number | bigint | string {
  if (typeof value === 'string') return value.length > 0 && value.length <= maxTextLength;
  return typeof value === 'bigint' || Number.isSafeInteger(value);
}
