/**
 * One instance of the kernel and its linear memory: copies arguments in, results out, and erases what a call left.
 *
 * A call is `run` or `runPublic` around: `put` or `allocate` for every argument and result, one or more operations of
 * `exports`, `take` for what is wanted. Addresses are good within that call only, those of `keep` for ever. Operations on
 * a few small values use the fixed `callArea` instead of allocating.
 */
import type { KernelExports } from './kernel-exports.ts';

/** Points are cut from buffers of this size: a buffer of its own for each, outside of the heap, would take longer than an addition. */
const poolBytes = 16 * 1024;

export class Kernel {
  readonly exports: KernelExports;
  /** 1 KiB that every call may use as it likes. */
  readonly callArea: number;
  #bytes: Uint8Array;
  #pool = new Uint8Array(0);
  #poolUsed = 0;

  constructor(instance: WebAssembly.Instance) {
    this.exports = instance.exports as unknown as KernelExports;
    this.callArea = this.exports.callArea.value;
    this.#bytes = new Uint8Array(this.exports.memory.buffer);
  }

  /** A call in which a secret may take part: its traces in linear memory are erased afterwards. */
  run<T>(call: () => T): T {
    this.exports.begin();
    try {
      return call();
    } finally {
      this.exports.wipe();
    }
  }

  /** A call on public data. */
  runPublic<T>(call: () => T): T {
    this.exports.begin();
    return call();
  }

  /** Linear memory; growing it makes earlier views useless, so nobody keeps one over an allocation. */
  get bytes(): Uint8Array {
    // A grown memory detaches the old buffer, whose views then have length 0.
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.exports.memory.buffer);
    return this.#bytes;
  }

  allocate(bytes: number): number {
    return checked(this.exports.allocate(bytes));
  }

  /** A region for ever; only outside of calls. */
  keep(bytes: number): number {
    this.exports.begin();
    return checked(this.exports.keep(bytes));
  }

  put(source: Uint8Array): number {
    const at = this.allocate(source.length);
    this.bytes.set(source, at);
    return at;
  }

  /** Many items of `itemBytes` each, in a row. */
  putAll(items: readonly Uint8Array[], itemBytes: number): number {
    const at = this.allocate(items.length * itemBytes);
    const { bytes } = this;
    for (let i = 0; i < items.length; i++) bytes.set(items[i]!, at + i * itemBytes);
    return at;
  }

  /** A copy. */
  take(at: number, length: number): Uint8Array {
    return this.bytes.slice(at, at + length);
  }

  /** A copy of at most `poolBytes`, in a buffer that others share: for values that stay opaque. */
  takePooled(at: number, length: number): Uint8Array {
    if (this.#poolUsed + length > this.#pool.length) {
      this.#pool = new Uint8Array(poolBytes);
      this.#poolUsed = 0;
    }
    const start = this.#poolUsed;
    this.#poolUsed += length;
    this.#pool.set(this.bytes.subarray(at, at + length), start);
    return this.#pool.subarray(start, this.#poolUsed);
  }

  /** Copies of `count` items in a row, which share one buffer. */
  takeAll(at: number, count: number, itemBytes: number): Uint8Array[] {
    const all = this.take(at, count * itemBytes);
    return Array.from({ length: count }, (_, i) => all.subarray(i * itemBytes, (i + 1) * itemBytes));
  }
}

function checked(address: number): number {
  if (address === 0) throw new RangeError('the kernel has no memory left for a call of this size');
  return address;
}
