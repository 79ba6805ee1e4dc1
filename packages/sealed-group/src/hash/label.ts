/** Domain separation: every hash of the protocol starts with the protocol's name, version and a label. */
const encoder = new TextEncoder();
const prefix = 'conclave/1 ';

const bytesByName = new Map<string, Uint8Array>();

/** The octets of a name that the protocol's own text gives to something: there are some dozens, and they are kept. */
export function nameBytes(name: string): Uint8Array {
  let bytes = bytesByName.get(name);
  if (bytes === undefined) {
    bytes = encoder.encode(name);
    bytesByName.set(name, bytes);
  }
  return bytes;
}

export function labelBytes(label: string): Uint8Array {
  return encoder.encode(prefix + label);
}

/** 4 bytes, big-endian, unsigned. */
export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeUint32(bytes, 0, value);
  return bytes;
}

/** The same into `bytes`, from `offset` on. */
export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff)
    throw new RangeError('not a 32-bit number');
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}
