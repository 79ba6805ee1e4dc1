/**
 * What a sealing proof is about: keys Q, recipients P, commitments V and handles D of every sealed node of a frame.
 * Decoding it rejects wrong shapes, non-canonical points and the identity anywhere [F7].
 */
import type { Point } from '@conclave/ristretto';
import { accept, violation } from '../result.ts';
import type { Result } from '../result.ts';
import { parseElement } from '../signature/keys.ts';
import type { PublicKey } from '../signature/keys.ts';
import { pointBytes } from '../suite.ts';
import type { Suite } from '../suite.ts';
import { digitRowBytes, maxSealedNodes } from './parameters.ts';
import type { SealedSecret } from './sealed-secret.ts';

/** The claim in bytes, as both sides hold it. `recipients[i]` are those that the tree demands for node i. */
export interface SealingClaim {
  /** Encoded version, suite, origin, group id and epoch. */
  readonly context: Uint8Array;
  readonly bodyHash: Uint8Array;
  readonly sealed: readonly SealedSecret[];
  readonly recipients: readonly (readonly PublicKey[])[];
}

export interface StatementNode {
  readonly key: Point;
  readonly recipients: readonly Point[];
  /** 16 points. */
  readonly commitments: readonly Point[];
  /** 16 points for each recipient. */
  readonly handles: readonly (readonly Point[])[];
}

/** Numbers and lengths: what can be checked without decoding a point. */
export function checkShape({ sealed, recipients }: SealingClaim): Result<undefined> {
  if (sealed.length > maxSealedNodes) return violation('sealing/node-limit');
  if (sealed.length !== recipients.length)
    return violation('sealing/shape', 'recipients for another number of nodes');
  for (const [index, node] of sealed.entries()) {
    const { length } = recipients[index]!;
    if (length === 0 || node.handles.length !== length) {
      return violation('sealing/shape', `node ${index}: handles for another number of recipients`);
    }
    if ([node.commitments, ...node.handles].some((row) => row.length !== digitRowBytes)) {
      return violation('sealing/shape', `node ${index}: not 16 digits`);
    }
  }
  return accept(undefined);
}

export function decodeStatement(suite: Suite, claim: SealingClaim): Result<StatementNode[]> {
  const shape = checkShape(claim);
  if (!shape.ok) return shape;
  const { sealed, recipients } = claim;
  // Path keys are recipients of the next node up, so the same key bytes come several times.
  const pointByKey = new Map<string, Point | undefined>();
  const decodeKey = (key: Uint8Array) => {
    const name = String.fromCharCode(...key);
    if (!pointByKey.has(name)) pointByKey.set(name, parseElement(suite, key));
    return pointByKey.get(name);
  };

  const nodes: StatementNode[] = [];
  for (const [index, node] of sealed.entries()) {
    const keys = recipients[index]!;
    const key = decodeKey(node.publicKey);
    const recipientPoints = allDefined(keys.map(decodeKey));
    const commitments = parseElements(suite, node.commitments);
    const handles = allDefined(node.handles.map((row) => parseElements(suite, row)));
    if (!key || !recipientPoints || !commitments || !handles) {
      return violation('sealing/statement-encoding', `node ${index}`);
    }
    nodes.push({ key, recipients: recipientPoints, commitments, handles });
  }
  return accept(nodes);
}

/** Encoded points in a row; `undefined` if one is not canonical or is the identity. */
export function parseElements(suite: Suite, bytes: Uint8Array): Point[] | undefined {
  return encodesIdentity(bytes) ? undefined : suite.group.decodePoints(bytes);
}

/** Whether one of them is 32 zero bytes, the identity's only encoding (RFC 9496, section 4.3.1). */
function encodesIdentity(bytes: Uint8Array): boolean {
  for (let start = 0; start < bytes.length; start += pointBytes) {
    let at = start;
    while (at < start + pointBytes && bytes[at] === 0) at++;
    if (at === start + pointBytes) return true;
  }
  return false;
}

function allDefined<T>(items: readonly (T | undefined)[]): T[] | undefined {
  return items.every((item) => item !== undefined) ? [...items] : undefined;
}
