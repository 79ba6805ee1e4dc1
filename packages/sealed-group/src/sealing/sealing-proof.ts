/**
 * The proof and its bytes:
 *
 *   for each block of at most 64 nodes:  W 128 x 32 | z 128 x 5, little-endian | w 32
 *   key consistency:                     2 commitments | 2 responses
 *   for each node, handle consistency:   1 + t commitments | 2 responses
 *
 * Parsing accepts exactly the length that the counts imply, canonical points other than the identity, scalars below the
 * order. The bounds of z are a check of their own (`responsesInBounds`).
 */
import type { Point, Scalar } from '@conclave/ristretto';
import { accept, violation } from '../result.ts';
import type { Result } from '../result.ts';
import { pointBytes, scalarBytes } from '../suite.ts';
import type { Suite } from '../suite.ts';
import { blockNodes, repetitions, responseBytes, responseEnd, responseMin } from './parameters.ts';
import { parseElements } from './statement.ts';

export interface ShortnessBlock {
  /** W_k, encoded: 128 x 32 bytes. */
  readonly masks: Uint8Array;
  /** z_k: 128 integers below 2^40. */
  readonly responses: readonly number[];
  /** w. */
  readonly blinding: Scalar;
}

export interface KeyProof {
  /** a * H + b * G and a * G, encoded. */
  readonly commitments: Uint8Array;
  readonly secretResponse: Scalar;
  readonly blindingResponse: Scalar;
}

export interface HandleProof {
  /** mu * H + nu * G, then nu * P for every recipient, encoded. */
  readonly commitments: Uint8Array;
  readonly digitResponse: Scalar;
  readonly blindingResponse: Scalar;
}

export interface SealingProof {
  readonly blocks: readonly ShortnessBlock[];
  readonly key: KeyProof;
  readonly handles: readonly HandleProof[];
}

/** The same with decoded points. */
export interface DecodedProof extends SealingProof {
  readonly maskPoints: readonly (readonly Point[])[];
  readonly keyPoints: readonly Point[];
  readonly handlePoints: readonly (readonly Point[])[];
}

const blockBytes = repetitions * (pointBytes + responseBytes) + scalarBytes;
const keyBytes = 2 * pointBytes + 2 * scalarBytes;

/** Bytes of a proof for nodes with these numbers of recipients. */
export function sealingProofBytes(recipientCounts: readonly number[]): number {
  if (recipientCounts.length === 0) return 0;
  let bytes = Math.ceil(recipientCounts.length / blockNodes) * blockBytes + keyBytes;
  for (const count of recipientCounts) bytes += (1 + count) * pointBytes + 2 * scalarBytes;
  return bytes;
}

export function encodeSealingProof(proof: SealingProof): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const block of proof.blocks) {
    parts.push(block.masks, encodeResponses(block.responses), block.blinding);
  }
  parts.push(proof.key.commitments, proof.key.secretResponse, proof.key.blindingResponse);
  for (const node of proof.handles) parts.push(node.commitments, node.digitResponse, node.blindingResponse);
  return concatenate(parts);
}

/** 5 bytes each, little-endian. */
export function encodeResponses(responses: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(responses.length * responseBytes);
  const view = new DataView(bytes.buffer);
  responses.forEach((response, k) => {
    view.setUint32(k * responseBytes, response % 2 ** 32, true);
    view.setUint8(k * responseBytes + 4, Math.floor(response / 2 ** 32));
  });
  return bytes;
}

/** For at least one node. */
export function parseSealingProof(
  suite: Suite,
  bytes: Uint8Array,
  recipientCounts: readonly number[],
): Result<DecodedProof> {
  if (bytes.length !== sealingProofBytes(recipientCounts)) return violation('sealing/proof-length');
  const reader = createReader(suite, bytes);
  const blocks: ShortnessBlock[] = [];
  const maskPoints: Point[][] = [];
  for (let first = 0; first < recipientCounts.length; first += blockNodes) {
    const { encoded, points } = reader.points(repetitions);
    blocks.push({ masks: encoded, responses: reader.responses(repetitions), blinding: reader.scalar() });
    maskPoints.push(points);
  }
  const keyPart = reader.points(2);
  const key: KeyProof = {
    commitments: keyPart.encoded,
    secretResponse: reader.scalar(),
    blindingResponse: reader.scalar(),
  };
  const handles: HandleProof[] = [];
  const handlePoints: Point[][] = [];
  for (const count of recipientCounts) {
    const { encoded, points } = reader.points(1 + count);
    handles.push({
      commitments: encoded,
      digitResponse: reader.scalar(),
      blindingResponse: reader.scalar(),
    });
    handlePoints.push(points);
  }
  if (reader.malformed) return violation('sealing/proof-encoding');
  return accept({ blocks, key, handles, maskPoints, keyPoints: keyPart.points, handlePoints });
}

/**
 * Every z in [S, Z): what makes the shortness test say something, and what hides the digits. Of the octets of a proof that has the
 * right length, so that it costs no decoding of points.
 */
export function responsesInBounds(bytes: Uint8Array, nodeCount: number): boolean {
  for (let block = 0; block * blockNodes < nodeCount; block++) {
    const start = block * blockBytes + repetitions * pointBytes;
    const responses = decodeResponses(bytes.subarray(start, start + repetitions * responseBytes));
    if (!responses.every((z) => z >= responseMin && z < responseEnd)) return false;
  }
  return true;
}

function decodeResponses(encoded: Uint8Array): number[] {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  return Array.from(
    { length: encoded.length / responseBytes },
    (_, k) => view.getUint32(k * responseBytes, true) + view.getUint8(k * responseBytes + 4) * 2 ** 32,
  );
}

/** Reads on after a malformed item, with stand-ins, so that the layout is written down once and in order. */
function createReader(suite: Suite, bytes: Uint8Array) {
  let offset = 0;
  const take = (length: number) => bytes.slice(offset, (offset += length));
  const reader = {
    malformed: false,
    points(count: number): { encoded: Uint8Array; points: Point[] } {
      const encoded = take(count * pointBytes);
      const points = parseElements(suite, encoded);
      if (points === undefined) reader.malformed = true;
      return { encoded, points: points ?? [] };
    },
    scalar(): Scalar {
      const scalar = suite.group.scalars.fromBytes(take(scalarBytes));
      if (scalar === undefined) reader.malformed = true;
      return scalar ?? suite.group.scalars.zero;
    },
    responses: (count: number): number[] => decodeResponses(take(count * responseBytes)),
  };
  return reader;
}

export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
