/** The fields of one protobuf message, in the order in which they stand: enough to read by hand what the specification draws. */
export interface Field {
  readonly number: number;
  /** Of a varint. */
  readonly value: number;
  /** Of a field with a length. */
  readonly octets: Buffer;
}

export function fieldsOf(message: Uint8Array): Field[] {
  const from = Buffer.from(message);
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let weight = 1; ; weight *= 128) {
      const octet = from[at++]!;
      value += (octet & 127) * weight;
      if (octet < 128) return value;
    }
  };
  while (at < from.length) {
    const tag = varint();
    const number = tag >>> 3;
    if ((tag & 7) === 0) fields.push({ number, value: varint(), octets: Buffer.alloc(0) });
    else if ((tag & 7) === 2) {
      const length = varint();
      fields.push({ number, value: 0, octets: from.subarray(at, at + length) });
      at += length;
    } else throw new Error(`wire type ${tag & 7}`);
  }
  if (at !== from.length) throw new Error('cut off');
  return fields;
}

/** Message fields by number: `octets(1)` and so on; what is absent is empty, zero or an empty list. */
export function readFields(message: Uint8Array) {
  const fields = fieldsOf(message);
  const numbers = fields.map(({ number }) => number);
  if (numbers.some((number, i) => number < (numbers[i - 1] ?? 0))) throw new Error('fields out of order');
  return {
    numbers,
    has: (number: number): boolean => numbers.includes(number),
    value: (number: number): number => fields.find((field) => field.number === number)?.value ?? 0,
    octets: (number: number): Buffer =>
      fields.find((field) => field.number === number)?.octets ?? Buffer.alloc(0),
    all: (number: number): Buffer[] =>
      fields.filter((field) => field.number === number).map(({ octets }) => octets),
  };
}
