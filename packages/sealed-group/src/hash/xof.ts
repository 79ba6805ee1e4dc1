/** The protocol's extendable-output function: TupleHashXOF256 of the suite's engine, customised by label. */
import type { TupleHash, TupleXof } from '@conclave/ristretto';
import { labelBytes } from './label.ts';

/**
 * `length` bytes of TupleHashXOF256(parts), customised with "conclave/1 " || label. Labels are constants of the protocol:
 * what an engine computes for one is kept as long as the suite.
 */
export type Xof = (label: string, parts: readonly Uint8Array[], length: number) => Uint8Array;

/** What hashing needs of a suite. */
export interface HasXof {
  readonly xof: Xof;
}

export function createXof(tupleHash: TupleHash): Xof {
  const xofByLabel = new Map<string, TupleXof>();
  return (label, parts, length) => {
    let xof = xofByLabel.get(label);
    if (xof === undefined) {
      xof = tupleHash.customized(labelBytes(label));
      xofByLabel.set(label, xof);
    }
    return xof(parts, length);
  };
}
