/**
 * The secret tree (RFC 9420 §9): from one root, a ratchet per leaf, each node's secret deleted once its children exist,
 * so that whoever takes a device cannot recompute the keys of messages already read [F6].
 *
 *     root ──left──> … ──left──> leaf ──start──> ratchet_0 ──next──> ratchet_1 ──next──> …
 *       └───right──> …                              └─> generation_0     └─> generation_1
 *
 * Derivation is lazy, and split in two so that nothing changes before a message proved genuine [F5]:
 * `generationSecret` only looks, `consume` moves on. Deviations from RFC 9420: one ratchet per leaf (commits are not
 * encrypted with it), and the ratchet gives a secret from which `src/message/` derives key and nonce with the frame's nonce.
 *
 * Called by `src/message/`; owned by `EpochKeys`.
 */
import { create } from '@bufbuild/protobuf';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { LeafIndex, NodeIndex } from '../tree/tree-math.ts';
import {
  directPath,
  isLeafCount,
  left,
  leafNode,
  right,
  root,
  toLeafIndex,
  toNodeIndex,
} from '../tree/tree-math.ts';
import type { SecretTreeState } from '../wire/gen/member_pb.js';
import { SecretTreeStateSchema } from '../wire/gen/member_pb.js';
import { expandLabel } from './expand-label.ts';
import { uint32 } from '../hash/index.ts';
import { scheduleLabels } from './labels.ts';

/** How far ahead of the last message of a leaf a message of it may be: more could only be an attempt to make us compute. */
export const maxForwardJump = 1000;
/**
 * Keys kept for messages of one leaf that were skipped; the oldest is dropped. The bound is per leaf, never over all of
 * them: a member who skips generations evicts its own keys, not those of others.
 */
export const maxSkippedPerLeaf = 1000;
/** Generations end one before the largest u32, so that "the next one" always fits. */
export const maxGeneration = 0xffff_fffe;
const secretBytes = 32;

interface Ratchet {
  /** The first generation that was neither consumed nor skipped. */
  next: number;
  /** Ratchet secret of `next`. */
  secret: Uint8Array;
  /** Generation to generation secret, oldest first. */
  readonly skipped: Map<number, Uint8Array>;
}

export class SecretTree {
  readonly leafCount: number;
  /** Secrets of the nodes whose children have not been derived. */
  readonly #secretByNode = new Map<NodeIndex, Uint8Array>();
  readonly #ratchetByLeaf = new Map<LeafIndex, Ratchet>();

  private constructor(leafCount: number) {
    this.leafCount = leafCount;
  }

  /** Takes ownership of `rootSecret` (32 bytes): it is overwritten once its children exist. */
  static fromRoot(rootSecret: Uint8Array, leafCount: number): SecretTree {
    if (!isLeafCount(leafCount)) throw new RangeError('leaf count');
    const tree = new SecretTree(leafCount);
    tree.#secretByNode.set(root(leafCount), rootSecret);
    return tree;
  }

  /** The secret of one message, without changing anything. The caller wipes it. */
  generationSecret(leafIndex: number, generation: number): Result<Uint8Array> {
    const leaf = this.#find(leafIndex);
    if (leaf === undefined) return violation('message/leaf-in-tree');
    const ratchet = this.#ratchetByLeaf.get(leaf);
    const next = ratchet?.next ?? 0;
    if (generation < next) {
      const skipped = ratchet?.skipped.get(generation);
      return skipped === undefined
        ? violation('message/generation-unused', `leaf ${leaf}, generation ${generation}`)
        : accept(Uint8Array.from(skipped));
    }
    if (generation - next > maxForwardJump || generation > maxGeneration) {
      return violation(
        'message/generation-in-window',
        `leaf ${leaf}, generation ${generation}, next ${next}`,
      );
    }
    let secret = ratchet === undefined ? this.#peekRatchetStart(leaf) : Uint8Array.from(ratchet.secret);
    for (let at = next; at < generation; at++) secret = stepRatchet(secret, at);
    const result = deriveGeneration(secret, generation);
    secret.fill(0);
    return accept(result);
  }

  /**
   * Deletes what could open this message again, keeping the secrets of the generations skipped on the way. Refuses exactly
   * what `generationSecret` refuses, so consuming twice is refused.
   */
  consume(leafIndex: number, generation: number): Result<void> {
    const leaf = this.#find(leafIndex);
    if (leaf === undefined) return violation('message/leaf-in-tree');
    const known = this.#ratchetByLeaf.get(leaf);
    const next = known?.next ?? 0;
    if (generation < next) {
      const skipped = known?.skipped.get(generation);
      if (known === undefined || skipped === undefined) return violation('message/generation-unused');
      skipped.fill(0);
      known.skipped.delete(generation);
      return accept(undefined);
    }
    if (generation - next > maxForwardJump || generation > maxGeneration) {
      return violation('message/generation-in-window');
    }
    const ratchet = known ?? this.#takeRatchet(leaf);
    for (; ratchet.next < generation; ratchet.next++) {
      ratchet.skipped.set(ratchet.next, deriveGeneration(ratchet.secret, ratchet.next));
      ratchet.secret = stepRatchet(ratchet.secret, ratchet.next);
    }
    ratchet.secret = stepRatchet(ratchet.secret, generation);
    ratchet.next = generation + 1;
    dropOldest(ratchet.skipped);
    return accept(undefined);
  }

  /** For sending: the next generation of one's own leaf and its secret, at once consumed. The caller wipes the secret. */
  takeNext(leaf: LeafIndex): Result<{ generation: number; secret: Uint8Array }> {
    const generation = this.#ratchetByLeaf.get(leaf)?.next ?? 0;
    const secret = this.generationSecret(leaf, generation);
    if (!secret.ok) return secret;
    const consumed = this.consume(leaf, generation);
    return consumed.ok ? accept({ generation, secret: secret.value }) : consumed;
  }

  /** Overwrites everything. */
  wipe(): void {
    for (const secret of this.#secretByNode.values()) secret.fill(0);
    for (const ratchet of this.#ratchetByLeaf.values()) {
      ratchet.secret.fill(0);
      for (const skipped of ratchet.skipped.values()) skipped.fill(0);
    }
    this.#secretByNode.clear();
    this.#ratchetByLeaf.clear();
  }

  /** Secrets included: for `EpochKeys.encode`, whose caller encrypts at rest. */
  toState(): SecretTreeState {
    return create(SecretTreeStateSchema, {
      leafCount: this.leafCount,
      nodes: [...this.#secretByNode].map(([node, secret]) => ({ node, secret: Uint8Array.from(secret) })),
      ratchets: [...this.#ratchetByLeaf].map(([leaf, ratchet]) => ({
        leaf,
        next: ratchet.next,
        secret: Uint8Array.from(ratchet.secret),
        skipped: [...ratchet.skipped].map(([generation, secret]) => ({
          generation,
          secret: Uint8Array.from(secret),
        })),
      })),
    });
  }

  /** Undefined when the state could not have come from `toState`. */
  static fromState(state: SecretTreeState): SecretTree | undefined {
    if (!isLeafCount(state.leafCount)) return undefined;
    const tree = new SecretTree(state.leafCount);
    for (const { node, secret } of state.nodes) {
      const index = toNodeIndex(node, state.leafCount);
      if (index === undefined || secret.length !== secretBytes) return undefined;
      tree.#secretByNode.set(index, Uint8Array.from(secret));
    }
    for (const { leaf: leafIndex, next, secret, skipped } of state.ratchets) {
      const leaf = toLeafIndex(leafIndex, state.leafCount);
      if (leaf === undefined || secret.length !== secretBytes) return undefined;
      const skippedSecrets = new Map<number, Uint8Array>();
      for (const entry of skipped) {
        if (entry.generation >= next || entry.secret.length !== secretBytes) return undefined;
        skippedSecrets.set(entry.generation, Uint8Array.from(entry.secret));
      }
      tree.#ratchetByLeaf.set(leaf, { next, secret: Uint8Array.from(secret), skipped: skippedSecrets });
    }
    return tree;
  }

  toString(): string {
    return `SecretTree(${this.leafCount} leaves)`;
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  /** The leaf, if it has a ratchet, or an ancestor whose secret is still here (after `wipe` there is none). */
  #find(leaf: number): LeafIndex | undefined {
    const index = toLeafIndex(leaf, this.leafCount);
    if (index === undefined) return undefined;
    return this.#ratchetByLeaf.has(index) || this.#lowestKnown(this.#pathTo(index)) >= 0 ? index : undefined;
  }

  /** Nodes from the root down to the leaf. */
  #pathTo(leaf: LeafIndex): NodeIndex[] {
    return [leafNode(leaf), ...directPath(leafNode(leaf), this.leafCount)].reverse();
  }

  /** Where on the path from the root the lowest secret lies; -1 only after `wipe`. */
  #lowestKnown(path: readonly NodeIndex[]): number {
    return path.findLastIndex((node) => this.#secretByNode.has(node));
  }

  #peekRatchetStart(leaf: LeafIndex): Uint8Array {
    const path = this.#pathTo(leaf);
    const from = this.#lowestKnown(path);
    let secret: Uint8Array = Uint8Array.from(this.#secretByNode.get(path[from]!)!);
    for (let at = from; at + 1 < path.length; at++) {
      const label = path[at + 1]! < path[at]! ? scheduleLabels.treeLeft : scheduleLabels.treeRight;
      const child = expandLabel(secret, label, [], secretBytes);
      secret.fill(0);
      secret = child;
    }
    const start = expandLabel(secret, scheduleLabels.ratchetStart, [], secretBytes);
    secret.fill(0);
    return start;
  }

  /** Derives the leaf's ratchet for good: every node on the way is replaced by its children. */
  #takeRatchet(leaf: LeafIndex): Ratchet {
    const path = this.#pathTo(leaf);
    for (let at = this.#lowestKnown(path); at + 1 < path.length; at++) {
      const node = path[at]!;
      const secret = this.#secretByNode.get(node)!;
      this.#secretByNode.set(left(node), expandLabel(secret, scheduleLabels.treeLeft, [], secretBytes));
      this.#secretByNode.set(right(node), expandLabel(secret, scheduleLabels.treeRight, [], secretBytes));
      secret.fill(0);
      this.#secretByNode.delete(node);
    }
    const leafSecret = this.#secretByNode.get(leafNode(leaf))!;
    const start = expandLabel(leafSecret, scheduleLabels.ratchetStart, [], secretBytes);
    leafSecret.fill(0);
    this.#secretByNode.delete(leafNode(leaf));
    const ratchet: Ratchet = { next: 0, secret: start, skipped: new Map() };
    this.#ratchetByLeaf.set(leaf, ratchet);
    return ratchet;
  }
}

/** Overwrites the secret it is given. */
function stepRatchet(secret: Uint8Array, generation: number): Uint8Array {
  const next = expandLabel(secret, scheduleLabels.ratchetNext, [uint32(generation)], secretBytes);
  secret.fill(0);
  return next;
}

function deriveGeneration(secret: Uint8Array, generation: number): Uint8Array {
  return expandLabel(secret, scheduleLabels.generation, [uint32(generation)], secretBytes);
}

function dropOldest(skipped: Map<number, Uint8Array>): void {
  for (const [generation, secret] of skipped) {
    if (skipped.size <= maxSkippedPerLeaf) return;
    secret.fill(0);
    skipped.delete(generation);
  }
}
