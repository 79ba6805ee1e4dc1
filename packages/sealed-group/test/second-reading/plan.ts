/**
 * §3 and §5.5 read a second time: whole trees, their hash, resolutions, and what a commit does to them. Who may do it is left
 * out; so is what only false frames do.
 */
import type { TreeStepOperation } from '../vectors/make-tree-vectors.ts';
import { bytes, hashTuple, u32 } from './primitives.ts';

export interface Leaf {
  key: string;
  role: number;
  epoch: number;
  device: boolean;
  /** Leaf and epoch. */
  addedBy: readonly [number, number] | undefined;
  expiresAtMs: number | undefined;
}
export interface Parent {
  key: string;
  unmerged: readonly number[];
}
export interface Tree {
  places: number;
  /** By leaf index. */
  readonly leaves: Map<number, Leaf>;
  /** By node index. */
  readonly parents: Map<number, Parent>;
}

const roles = ['owner', 'admin', 'member', 'reader'];
const levelOf = (node: number): number => {
  let level = 0;
  while ((node >> level) % 2 === 1) level++;
  return level;
};
const childrenOf = (node: number): [number, number] => {
  const step = 2 ** (levelOf(node) - 1);
  return [node - step, node + step];
};
/** The nodes above, lowest first. */
function ancestorsOf(node: number, places: number): number[] {
  const above: number[] = [];
  for (let level = levelOf(node) + 1; 2 ** level <= places; level++) {
    const width = 2 ** level;
    above.push(Math.floor(node / (2 * width)) * 2 * width + width - 1);
  }
  return above;
}
const isUnder = (leaf: number, node: number): boolean =>
  2 * leaf >= node - 2 ** levelOf(node) + 1 && 2 * leaf <= node + 2 ** levelOf(node) - 1;
const leavesUnder = (tree: Tree, node: number): number[] =>
  [...tree.leaves.keys()].filter((leaf) => isUnder(leaf, node));

/** §3.2, §3.4. */
export function encodeTree({ places, leaves, parents }: Tree): Buffer {
  const parts: Uint8Array[] = [Buffer.of(1, Math.log2(places))];
  let blanks = 0;
  const endRun = (): void => {
    if (blanks > 0) parts.push(Buffer.of(0), leb128(blanks - 1));
    blanks = 0;
  };
  for (let node = 0; node < 2 * places - 1; node++) {
    const content = contentOf({ places, leaves, parents }, node);
    if (content === undefined) blanks++;
    else {
      endRun();
      parts.push(content);
    }
  }
  endRun();
  return Buffer.concat(parts);
}

function contentOf({ leaves, parents }: Tree, node: number): Buffer | undefined {
  const leaf = node % 2 === 0 ? leaves.get(node / 2) : undefined;
  if (leaf !== undefined) {
    const { key, role, epoch, device, addedBy = [], expiresAtMs } = leaf;
    const flags = (device ? 4 : 0) | (addedBy.length > 0 ? 8 : 0) | (expiresAtMs === undefined ? 0 : 16);
    const numbers = [epoch, ...addedBy, ...(expiresAtMs === undefined ? [] : [expiresAtMs])];
    return Buffer.concat([Buffer.of(0x40 | role | flags), bytes(key), ...numbers.map(leb128)]);
  }
  const parent = node % 2 === 1 ? parents.get(node) : undefined;
  if (parent === undefined) return undefined;
  const { key, unmerged } = parent;
  if (unmerged.length === 0) return Buffer.concat([Buffer.of(1), bytes(key)]);
  const gaps = unmerged.map((leaf, i) => (i === 0 ? leaf : leaf - unmerged[i - 1]! - 1));
  return Buffer.concat([Buffer.of(2), bytes(key), ...[unmerged.length, ...gaps].map(leb128)]);
}

/** §3.2. */
function leb128(value: number): Buffer {
  const octets: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) octets.push((rest % 128) | 128);
  return Buffer.of(...octets, rest);
}

/** §3.3. */
export function treeHash(tree: Tree, node = tree.places - 1): Buffer {
  if (leavesUnder(tree, node).length === 0) return hashTuple('tree blank', u32(levelOf(node)));
  const content = contentOf(tree, node) ?? Buffer.alloc(0);
  if (node % 2 === 0) return hashTuple('tree leaf', u32(node), content);
  const [left, right] = childrenOf(node);
  return hashTuple('tree parent', u32(node), content, treeHash(tree, left), treeHash(tree, right));
}

/** §3.1; `awaiting` nodes count as keyed. */
function resolution(tree: Tree, node: number, awaiting: ReadonlySet<number>): number[] {
  if (node % 2 === 0) return tree.leaves.has(node / 2) ? [node] : [];
  if (awaiting.has(node)) return [node];
  const parent = tree.parents.get(node);
  const found =
    parent === undefined
      ? childrenOf(node).flatMap((child) => resolution(tree, child, awaiting))
      : [node, ...parent.unmerged.map((leaf) => 2 * leaf)];
  return found.toSorted((a, b) => a - b);
}

export interface Commit {
  readonly committer: number;
  readonly operations: readonly TreeStepOperation[];
  readonly fills: readonly number[];
  /** That it makes. */
  readonly epoch: number;
}

/** Changes `tree` up to the point where the new keys come in; gives what is sealed to whom. */
export function plan(tree: Tree, { committer, operations, fills, epoch }: Commit) {
  const { leaves, parents } = tree;
  const me = leaves.get(committer)!;
  const instance = [committer, me.epoch] as const;

  // 3: roles; devices go down with their adder; the committer is joined.
  const lowered: number[] = [];
  const given = new Map(
    operations.flatMap((operation) =>
      operation.kind === 'set-role' ? [[operation.leaf, roles.indexOf(operation.role)] as const] : [],
    ),
  );
  for (const [leaf, role] of given) {
    const node = leaves.get(leaf)!;
    if (role > node.role) lowered.push(leaf);
    for (const [index, device] of leaves) {
      const isOurs = device.device && device.addedBy?.[0] === leaf && device.addedBy[1] === node.epoch;
      if (isOurs && device.expiresAtMs === undefined && !given.has(index) && device.role < role) {
        lowered.push(index);
        device.role = role;
      }
    }
    node.role = role;
  }
  me.expiresAtMs = undefined;

  // 4: removals with their cascade, blanking upwards; then the tree is halved.
  const explicit = operations.flatMap((operation) => (operation.kind === 'remove' ? [operation.leaf] : []));
  const gone = new Set(explicit);
  const open = [...explicit, ...lowered];
  for (let adder = open.pop(); adder !== undefined; adder = open.pop()) {
    const { epoch: since } = leaves.get(adder)!;
    for (const [index, { addedBy, expiresAtMs }] of leaves) {
      const isPendingOf = expiresAtMs !== undefined && addedBy?.[0] === adder && addedBy[1] === since;
      if (!isPendingOf || gone.has(index)) continue;
      gone.add(index);
      open.push(index);
    }
  }
  for (const leaf of gone) {
    leaves.delete(leaf);
    for (const above of ancestorsOf(2 * leaf, tree.places)) parents.delete(above);
  }
  while (tree.places > 1 && [...leaves.keys()].every((leaf) => leaf < tree.places / 2)) tree.places /= 2;

  // 5: adds on the leftmost blank places.
  const added: number[] = [];
  for (const operation of operations) {
    if (operation.kind !== 'add') continue;
    if (leaves.size === tree.places) tree.places *= 2;
    const place = Array.from({ length: tree.places }, (_, leaf) => leaf).find((leaf) => !leaves.has(leaf))!;
    const { key, role, expiresAtMs, device } = operation;
    leaves.set(place, { key, role: roles.indexOf(role), epoch, device, addedBy: instance, expiresAtMs });
    for (const above of ancestorsOf(2 * place, tree.places)) {
      const parent = parents.get(above);
      if (parent !== undefined) parent.unmerged = [...parent.unmerged, place].toSorted((a, b) => a - b);
    }
    added.push(place);
  }

  // 7 to 9: the filtered direct path, what awaits keys, and who receives them.
  const path = ancestorsOf(2 * committer, tree.places).filter((node) => {
    const side = childrenOf(node).find((child) => !isUnder(committer, child))!;
    return leavesUnder(tree, side).length > 0;
  });
  const sealed = [...fills, ...path];
  const awaiting = new Set(sealed);
  const seals = sealed.map((node) => ({
    node,
    recipients: childrenOf(node).flatMap((child) => resolution(tree, child, awaiting)),
  }));
  return { seals, added, removed: [...gone].toSorted((a, b) => a - b), head: path.at(-1) ?? 2 * committer };
}
