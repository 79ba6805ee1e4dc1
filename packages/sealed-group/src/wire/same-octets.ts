/**
 * Whether two arrays hold the same octets, four at a time: frames have up to two million, and every one is compared with its
 * own encoding. Not constant in time: for public octets.
 */
export function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  const { length } = a;
  if (length !== b.length) return false;
  const [viewA, viewB] = [viewOf(a), viewOf(b)];
  let at = 0;
  for (; at + 4 <= length; at += 4) if (viewA.getInt32(at) !== viewB.getInt32(at)) return false;
  for (; at < length; at++) if (a[at] !== b[at]) return false;
  return true;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
