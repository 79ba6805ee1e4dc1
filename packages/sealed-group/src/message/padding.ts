/**
 * Padmé (Nikitin, Barman, Lueks, Underwood, Hubaux, Ford: "Reducing Metadata Leakage from Encrypted Files and
 * Communication with PURBs", PoPETs 2019, Algorithm 1): sizes keep only their leading bits, so that a ciphertext of n bytes
 * leaks O(log log n) bits about its plaintext, for at most 12 % more bytes. Below `smallestPadded` everything looks alike.
 *
 *     len(content) (4 bytes, big-endian) ‖ content ‖ zeros
 *
 * The length says where the content ends and the total is a function of it: each content has exactly one padded form.
 */
const lengthBytes = 4;
/** Most of a chat fits, with its signature. */
export const smallestPadded = 256;

/** Padmé: the padded size for a size from 2 to 2^31, both in bytes. */
export function padme(size: number): number {
  const exponent = floorLog2(size);
  const kept = floorLog2(exponent) + 1;
  const step = 2 ** Math.max(0, exponent - kept);
  return Math.ceil(size / step) * step;
}

/** Size of the padded form of `contentBytes` bytes. `smallest` is a fixed part of each format, at least 4. */
export function paddedLength(contentBytes: number, smallest = smallestPadded): number {
  return Math.max(smallest, padme(lengthBytes + contentBytes));
}

export function pad(content: Uint8Array, smallest = smallestPadded): Uint8Array {
  const padded = new Uint8Array(paddedLength(content.length, smallest));
  new DataView(padded.buffer).setUint32(0, content.length);
  padded.set(content, lengthBytes);
  return padded;
}

/** A view of the content, or undefined if this is not exactly what `pad` gives for it. */
export function unpad(padded: Uint8Array, smallest = smallestPadded): Uint8Array | undefined {
  if (padded.length < smallest) return undefined;
  const length = new DataView(padded.buffer, padded.byteOffset).getUint32(0);
  const end = lengthBytes + length;
  if (end > padded.length || paddedLength(length, smallest) !== padded.length) return undefined;
  for (let at = end; at < padded.length; at++) if (padded[at] !== 0) return undefined;
  return padded.subarray(lengthBytes, end);
}

function floorLog2(value: number): number {
  return 31 - Math.clz32(value);
}
