/** What is fuzzed: a decoder, inputs to start from, and the properties that must hold of its answer to any octets. */
import type { InputFormat } from './mutate.ts';

export interface FuzzTarget {
  /** One line: what is decoded and where the octets come from. */
  readonly about: string;
  readonly format: InputFormat;
  /** Larger inputs are cut to this. */
  readonly maxBytes: number;
  /** Executions in the bounded run of continuous integration. */
  readonly runs: number;
  /** Builds what the checks need; called once, in the process that runs them. */
  prepare(): FuzzSubject | Promise<FuzzSubject>;
}

export interface FuzzSubject {
  /** Real encodings made by the packages' own builders. */
  readonly seeds: readonly Uint8Array[];
  /** Words beside the literals of the sources. */
  readonly dictionary?: readonly Uint8Array[];
  /** Throws when a property does not hold, or whatever the decoder throws. */
  check(bytes: Uint8Array): void | Promise<void>;
}

/** A property that does not hold. */
export class BrokenProperty extends Error {
  override readonly name = 'BrokenProperty';
}

export function demand(holds: boolean, property: string): asserts holds {
  if (!holds) throw new BrokenProperty(property);
}
