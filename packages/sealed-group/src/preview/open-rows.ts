/**
 * The newcomer's secrets after a commit, from the rows that are sealed to it: each row is opened by the table alone, the last
 * one's secret is hashed upwards to the head, and everything is compared with the keys of the path.
 */
import { equalBytes } from '@noble/ciphers/utils.js';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { openSealed } from '../sealing/index.ts';
import type { PublicKey, SecretScalar } from '../signature/index.ts';
import { nextSecret, publicKeyOf } from '../signature/index.ts';
import type { Suite } from '../suite.ts';
import { leafNode } from '../tree/index.ts';
import type { LeafPath } from './leaf-path.ts';
import type { SealedRow } from './preview-codec.ts';

export interface KnownSecret {
  readonly publicKey: PublicKey;
  readonly secret: SecretScalar;
}

/** Secrets by node index, the leaf's included. */
export type KnownSecrets = ReadonlyMap<number, KnownSecret>;

/** What of `known` still stands in the path with the same key. */
export function stillStanding(path: LeafPath, known: KnownSecrets): Map<number, KnownSecret> {
  const standing = new Map<number, KnownSecret>();
  for (const { index, node } of [{ index: leafNode(path.index), node: path.leaf }, ...path.ancestors]) {
    const entry = known.get(index);
    if (entry !== undefined && node !== undefined && equalBytes(entry.publicKey, node.publicKey)) {
      standing.set(index, entry);
    }
  }
  return standing;
}

/** All secrets in `path`, and the head's. Rows go upwards. */
export function openRows(
  suite: Suite,
  path: LeafPath,
  rows: readonly SealedRow[],
  known: KnownSecrets,
): Result<{ readonly secrets: KnownSecrets; readonly head: SecretScalar }> {
  const secrets = new Map(known);
  const { ancestors } = path;
  let place = -1;
  let secret: SecretScalar | undefined;
  for (const { node, commitments, recipient, handles } of rows) {
    const at = ancestors.findIndex(({ index }) => index === node);
    const publicKey = ancestors[at]?.node?.publicKey;
    const below = placeOf(path, recipient);
    const own = secrets.get(recipient);
    if (at <= place || publicKey === undefined || below >= at || own === undefined) {
      return violation('preview/opens', `node ${node}`);
    }
    const sealed = { publicKey, commitments, handles: [handles] };
    const opened = openSealed(suite, { sealed, recipient: 0, secret: own.secret });
    if (!opened.ok) return violation('preview/opens', `node ${node}: ${opened.rule}`);
    secret = opened.value;
    secrets.set(node, { publicKey, secret });
    place = at;
  }
  if (secret === undefined) return violation('preview/opens', 'nothing is sealed');
  for (const { index, node } of ancestors.slice(place + 1)) {
    if (node === undefined) continue;
    secret = nextSecret(suite, secret);
    if (!equalBytes(publicKeyOf(suite, secret), node.publicKey)) {
      return violation('preview/opens', `node ${index}: key`);
    }
    secrets.set(index, { publicKey: node.publicKey, secret });
  }
  return accept({ secrets, head: secret });
}

/** Place among the ancestors, −1 for the leaf. */
function placeOf({ index, ancestors }: LeafPath, node: number): number {
  return node === leafNode(index) ? -1 : ancestors.findIndex((ancestor) => ancestor.index === node);
}
