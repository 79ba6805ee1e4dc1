/**
 * Decoders with one mistake each, of the kinds that real ones have. Whether the fuzzer finds them is what its tests ask.
 *
 *     "CNV1" ‖ length(2, big-endian) ‖ content
 */
const magic = 0x434e5631;

/** Believes the length: a content cut short is read beyond its end. */
export function decodeTrusting(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 6 || view.getUint32(0) !== magic) return undefined;
  const length = view.getUint16(4);
  if (length === 0) return undefined;
  return view.getUint8(6 + length - 1);
}

/** Accepts octets behind the content: two inputs for one value. */
export function decodeLax(bytes: Uint8Array): Uint8Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 6 || view.getUint32(0) !== magic) return undefined;
  const length = view.getUint16(4);
  return bytes.length < 6 + length ? undefined : bytes.slice(6, 6 + length);
}

export function encode(content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(6 + content.length);
  new DataView(bytes.buffer).setUint32(0, magic);
  new DataView(bytes.buffer).setUint16(4, content.length);
  bytes.set(content, 6);
  return bytes;
}

/** Steps by what the input says, and one value says zero. */
export function decodeForever(bytes: Uint8Array): number {
  let steps = 0;
  if (bytes[0] === 0x7b && bytes[1] === 0x10)
    for (let at = 2; at < bytes.length; at += bytes[at] === 0xc5 ? 0 : 1) steps++;
  return steps;
}

/** Reserves what the input asks for before it looks whether that much follows. */
export function decodeGreedy(bytes: Uint8Array): number {
  if (bytes.length < 5 || bytes[0] !== 0x9a) return 0;
  const count = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  return count > 2 ** 29 ? 0 : new Uint8Array(count).length;
}
