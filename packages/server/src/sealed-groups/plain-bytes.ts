/**
 * Octets as the protocol's code expects them. Node's HTTP parser and SQLite's driver hand out `Buffer`s, which pass for
 * `Uint8Array`s but whose `slice` shares memory: a verifier that reverses its copy in place would change the frame itself.
 */

/** The same memory, without the methods of `Buffer`. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
