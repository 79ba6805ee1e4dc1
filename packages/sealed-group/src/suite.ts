/**
 * The suite: everything that all parts of a sealed group share and that a later version could replace as one.
 *
 *   G  the ristretto255 generator, base of all public keys
 *   H  hash-to-group of a fixed string, base of sealed messages; nobody knows log_G H
 *
 * Design: sealed groups, section 2. Create one per process (tables are built on first use) and pass it on.
 */
import { createNobleEngine } from '@conclave/ristretto';
import type { Engine, FixedBase, Point, Ristretto255, SmallLog } from '@conclave/ristretto';
import { createXof } from './hash/xof.ts';
import type { Xof } from './hash/xof.ts';

/** Bytes of every hash, key, encoded point and encoded scalar. */
export const hashBytes = 32;
export const pointBytes = 32;
export const scalarBytes = 32;

/** The protocol's version and its one suite: ristretto255, TupleHashXOF256, SHA-256, AES-256-GCM, Ed25519. */
export const protocolVersion = 1;
export const suiteId = 1;

/** A sealed secret is cut into digits of this many bits. */
export const digitBits = 16;
const digitRange = 2 ** digitBits;
/** Baby steps for a cheater's digits, built only when one is met: some seconds then find what the proof allows. */
const searchTableSize = 2 ** 15;

export interface Suite {
  readonly version: number;
  readonly id: number;
  readonly group: Ristretto255;
  readonly xof: Xof;
  /** H. */
  readonly messageBase: Point;
  /** Tables of H. */
  readonly messageBaseTable: FixedBase;
  /** Logarithms to base H of sealed digits. */
  readonly digitLog: SmallLog;
  /** The kernel that all of it runs on, if it does, for the suite of a worker. */
  readonly kernel: WebAssembly.Module | undefined;
}

/** `engine`: the reference by default; Node takes `createNodeEngine` of `@conclave/ristretto/wasm-node`, an order of magnitude faster. */
export function createSuite(engine: Engine = createNobleEngine()): Suite {
  const { group } = engine;
  const xof = createXof(engine.tupleHash);
  const messageBase = group.fromUniformBytes(xof('message base', [], 64));
  return {
    version: protocolVersion,
    id: suiteId,
    group,
    xof,
    messageBase,
    messageBaseTable: group.fixedBase(messageBase),
    digitLog: group.smallLog(messageBase, { range: digitRange, searchTableSize }),
    kernel: engine.kernel,
  };
}
