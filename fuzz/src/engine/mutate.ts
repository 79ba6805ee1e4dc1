/** One new input from one of the corpus: a stack of mutations, some of which use what comparisons compared. */
import type { MutationSources } from './byte-mutations.ts';
import { byteMutations } from './byte-mutations.ts';
import { encodingsOf, placesOf, splice } from './encodings.ts';
import { mutateJson } from './json-mutation.ts';
import type { OperandPair } from './operands.ts';
import { mutateProtobuf } from './protobuf-mutation.ts';

/** What the input is made of: decides which mutations make sense. */
export type InputFormat = 'octets' | 'protobuf' | 'json';

export interface MutationInput extends MutationSources {
  readonly format: InputFormat;
  /** Recorded when the input joined the corpus. */
  readonly operands: readonly OperandPair[];
  readonly maxBytes: number;
}

export function mutate(bytes: Uint8Array, input: MutationInput): Uint8Array {
  const { random, operands, format, maxBytes } = input;
  let result = bytes;
  for (let left = 1 + random.below(random.oneIn(4) ? 8 : 3); left > 0; left--) {
    if (operands.length > 0 && random.oneIn(4)) result = substitute(result, input);
    else if (format === 'protobuf' && !random.oneIn(8)) result = mutateProtobuf(result, input);
    else if (format === 'json' && !random.oneIn(4)) result = mutateJson(result, input);
    else result = random.pick(byteMutations)(result, input);
    if (result.length > maxBytes) result = result.slice(0, maxBytes);
  }
  return result;
}

/** Finds one side of a failed comparison in the input and puts the other in its place, or a neighbour of it. */
function substitute(bytes: Uint8Array, { operands, random }: MutationInput): Uint8Array {
  const { left, right } = random.pick(operands);
  const [found, wanted] = random.oneIn(2) ? [left, right] : [right, left];
  const target = typeof wanted === 'number' && random.oneIn(4) ? wanted + random.pick([-1, 1]) : wanted;
  const from = encodingsOf(found);
  const to = encodingsOf(target);
  const candidates = from.flatMap((part, kind) =>
    to[kind] === undefined ? [] : placesOf(part, bytes).map((at) => ({ at, part, insert: to[kind]! })),
  );
  if (candidates.length === 0) return bytes;
  const { at, part, insert } = random.pick(candidates);
  return splice(bytes, at, part.length, insert);
}
