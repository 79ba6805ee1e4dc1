/**
 * Mutations that keep a protobuf message well-formed, lengths of everything around the change included: our decoders demand the
 * canonical encoding, so that a change of octets alone hardly ever gets past the first check.
 */
import type { MutationSources } from './byte-mutations.ts';
import { byteMutations } from './byte-mutations.ts';
import { leb128, readLeb128 } from './encodings.ts';

/** A field of unknown meaning: its tag, and a number or octets. */
export interface Field {
  tag: bigint;
  value: bigint | Uint8Array;
}

const maxDepth = 8;
const numbers = [
  0n,
  1n,
  2n,
  3n,
  127n,
  128n,
  2n ** 20n - 1n,
  2n ** 20n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 64n - 1n,
];

/** The fields of a message, or undefined if the octets are none. Groups and fixed-width numbers count as none. */
export function readFields(bytes: Uint8Array): Field[] | undefined {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = readLeb128(bytes, at);
    const number = tag === undefined ? undefined : readLeb128(bytes, tag.end);
    if (tag === undefined || number === undefined || tag.value >> 3n === 0n) return undefined;
    const wireType = Number(tag.value & 7n);
    if (wireType === 0) {
      fields.push({ tag: tag.value, value: number.value });
      at = number.end;
    } else if (wireType === 2) {
      const end = number.end + Number(number.value);
      if (end > bytes.length) return undefined;
      fields.push({ tag: tag.value, value: bytes.subarray(number.end, end) });
      at = end;
    } else return undefined;
  }
  return fields;
}

export function writeFields(fields: readonly Field[]): Uint8Array {
  const parts = fields.flatMap(({ tag, value }) =>
    typeof value === 'bigint'
      ? [leb128(tag), leb128(value)]
      : [leb128(tag), leb128(BigInt(value.length)), value],
  );
  return Uint8Array.from(Buffer.concat(parts));
}

/** One change somewhere in the message; octets that are no message are changed as octets. */
export function mutateProtobuf(bytes: Uint8Array, sources: MutationSources, depth = 0): Uint8Array {
  const { random } = sources;
  const fields = depth < maxDepth ? readFields(bytes) : undefined;
  if (fields === undefined || fields.length === 0) return random.pick(byteMutations)(bytes, sources);
  const place = random.below(fields.length);
  const field = fields[place]!;
  // Mostly further in: what lies deep has the most fields.
  if (field.value instanceof Uint8Array && !random.oneIn(3)) {
    field.value = mutateProtobuf(field.value, sources, depth + 1);
    return writeFields(fields);
  }
  switch (random.below(6)) {
    case 0:
      fields.splice(place, 1);
      break;
    case 1:
      fields.splice(place, 0, field);
      break;
    case 2:
      fields.splice(random.below(fields.length), 0, ...fields.splice(place, 1));
      break;
    case 3:
      field.tag = (BigInt(1 + random.below(16)) << 3n) | (field.tag & 7n);
      break;
    case 4: {
      const others = readFields(sources.other) ?? [];
      if (others.length > 0) fields.splice(place, random.below(2), random.pick(others));
      break;
    }
    default:
      field.value =
        typeof field.value === 'bigint'
          ? random.oneIn(2)
            ? random.pick(numbers)
            : BigInt.asUintN(64, field.value + BigInt(random.below(9) - 4))
          : resized(field.value, sources);
  }
  return writeFields(fields);
}

/** A little shorter, a little longer, or empty: lengths are what decoders check. */
function resized(bytes: Uint8Array, { random }: MutationSources): Uint8Array {
  const length = random.oneIn(8) ? 0 : Math.max(0, bytes.length + random.below(5) - 2);
  const result = new Uint8Array(length);
  result.set(bytes.subarray(0, length));
  return result;
}
