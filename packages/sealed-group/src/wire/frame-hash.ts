/** The hashes over a frame's bytes: its identity, what its signatures cover, and the group's transcript (§5). */
import { hashTuple } from '../hash/index.ts';
import { signatureBytes } from './limits.ts';

/** A signature field: tag, length, 64 bytes. Canonical encoding puts signatures last, so the rest is a prefix. */
const signatureFieldBytes = 2 + signatureBytes;

/** Over the body's bytes as received. Frames are unique by it. */
export function frameBodyHash(body: Uint8Array): Uint8Array {
  return hashTuple('body', body);
}

/** What the signatures of a trailer cover: `rest` is the trailer without its signatures. 32 bytes. */
export function trailerContext(bodyHash: Uint8Array, rest: Uint8Array): Uint8Array {
  return hashTuple('trailer', bodyHash, hashTuple('trailer-rest', rest));
}

/** The trailer's bytes before its `count` final signature fields. Only for trailers that parsed. */
export function unsignedPart(trailer: Uint8Array, count: number): Uint8Array {
  return trailer.subarray(0, trailer.length - count * signatureFieldBytes);
}

/** Tc of the new epoch: the transcript before it with the commit's body, without what is encrypted or confirmed under it. */
export function confirmedTranscriptHash(transcript: Uint8Array, bodyHash: Uint8Array): Uint8Array {
  return hashTuple('transcript-confirmed', transcript, bodyHash);
}

/** T of the new epoch: Tc and the whole trailer. */
export function transcriptHash(confirmedTranscript: Uint8Array, trailer: Uint8Array): Uint8Array {
  return transcriptHashOf(confirmedTranscript, wholeTrailerHash(trailer));
}

/** What of a trailer enters T: signatures, proof and payload too. 32 bytes. */
export function wholeTrailerHash(trailer: Uint8Array): Uint8Array {
  return hashTuple('trailer-whole', trailer);
}

/** `transcriptHash` for who has only the hash of the trailer. */
export function transcriptHashOf(confirmedTranscript: Uint8Array, wholeTrailer: Uint8Array): Uint8Array {
  return hashTuple('transcript', confirmedTranscript, wholeTrailer);
}

/** The transcript "before" a create. */
export const emptyTranscript: Uint8Array = new Uint8Array(32);
