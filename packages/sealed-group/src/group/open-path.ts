/**
 * How a member learns the secrets of a commit (§6): it opens one sealed secret, hashes upwards and compares with the
 * published keys; only where they differ it opens the next one too. Newcomers come in through fills the same way.
 *
 *        head ◀─ nextSecret ─┐
 *        path ◀─ nextSecret ─┤           a node whose key does not follow from the one below is opened instead
 *        path ◀─ open ───────┘ with the secret of whichever recipient this member is
 *
 * Digits that are not in the table need a slow search: the generator yields what is to be searched for, and is resumed with what
 * was found.
 */
import { equalBytes } from '@noble/ciphers/utils.js';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { beginSearch, finishSearch, openSealed } from '../sealing/index.ts';
import type { DigitSearch, FoundDigits, OpeningInput, SealedSecret } from '../sealing/index.ts';
import type { SecretScalar } from '../signature/index.ts';
import { nextSecret, parsePublicKey, publicKeyOf } from '../signature/index.ts';
import type { Suite } from '../suite.ts';
import type { LeafIndex, NodeIndex, PlannedSeal, TreeReader } from '../tree/index.ts';
import { directPath, leafNode } from '../tree/index.ts';
import type { SealedNodeContent } from '../wire/index.ts';

export interface OpenPathInput {
  readonly suite: Suite;
  /** After the commit, with its new keys. */
  readonly tree: TreeReader;
  readonly seals: readonly PlannedSeal[];
  /** As in the frame; same order as `seals`. */
  readonly sealed: readonly SealedNodeContent[];
  readonly leaf: LeafIndex;
  /** What the member knew before the commit. */
  readonly known: ReadonlyMap<NodeIndex, SecretScalar>;
}

export interface OpenedPath {
  /** The member's secrets in the new tree: its leaf and every node above it that it knows. */
  readonly secrets: ReadonlyMap<NodeIndex, SecretScalar>;
  /** A slow search was needed. */
  readonly slow: boolean;
}

/** Something that may need slow searches, wherever they run. */
export type Searching<T> = Generator<DigitSearch, T, FoundDigits>;

export function* openPath(input: OpenPathInput): Searching<Result<OpenedPath>> {
  const { suite, tree, seals, leaf, known } = input;
  const own = new Set<NodeIndex>([leafNode(leaf), ...directPath(leafNode(leaf), tree.leafCount)]);
  const sealedNodes = new Set(seals.map(({ node }) => node));
  const secrets = new Map<NodeIndex, SecretScalar>();
  for (const [node, secret] of known) {
    if (!own.has(node) || sealedNodes.has(node) || tree.isBlank(node)) continue;
    // A commit of one's own leaf that one does not know (a store put back, a copied device) has replaced the leaf's key:
    // the secret kept opens nothing any more, and trying it would search for digits that are not there for seconds.
    const isCurrent =
      node !== leafNode(leaf) || equalBytes(publicKeyOf(suite, secret), tree.node(node)!.publicKey);
    if (isCurrent) secrets.set(node, secret);
  }
  let slow = false;
  let below: SecretScalar | undefined;
  for (const [index, { node, kind, recipients }] of seals.entries()) {
    if (!own.has(node)) continue;
    const key = tree.node(node)!.publicKey;
    const hashed = kind === 'path' && below !== undefined ? nextSecret(suite, below) : undefined;
    let secret = hashed !== undefined && equalBytes(publicKeyOf(suite, hashed), key) ? hashed : undefined;
    if (secret === undefined) {
      const recipient = recipients.findIndex((candidate) => secrets.has(candidate));
      if (recipient === -1) return violation('commit/opens', `node ${node}: no recipient`);
      const publicKey = parsePublicKey(suite, key);
      if (publicKey === undefined) return violation('commit/opens', `node ${node}: key`);
      const { commitments, handles } = input.sealed[index]!;
      const sealed: SealedSecret = { publicKey, commitments, handles };
      const opening = { sealed, recipient, secret: secrets.get(recipients[recipient]!)! };
      let opened = openSealed(suite, opening);
      if (!opened.ok && opened.rule === 'sealing/digit-in-table') {
        slow = true;
        opened = yield* openSlowly(suite, opening);
      }
      if (!opened.ok) return violation('commit/opens', `node ${node}: ${opened.rule}`);
      secret = opened.value;
    }
    secrets.set(node, secret);
    if (kind === 'path') below = secret;
  }
  return accept({ secrets, slow });
}

function* openSlowly(suite: Suite, opening: OpeningInput): Searching<Result<SecretScalar>> {
  const search = beginSearch(suite, opening);
  if (!search.ok) return search;
  try {
    return finishSearch(suite, opening.sealed, yield search.value);
  } finally {
    search.value.points.fill(0);
  }
}
