/** Domain separation: every hash of the protocol starts with the protocol's name, version and a label. */
const encoder = new TextEncoder();
const prefix = 'conclave/1 ';

export function labelBytes(label: string): Uint8Array {
  return encoder.encode(prefix + label);
}

/** 4 bytes, big-endian, unsigned. */
export function uint32(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff)
    throw new RangeError('not a 32-bit number');
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
