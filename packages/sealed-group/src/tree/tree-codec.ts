/**
 * A whole tree as bytes: what newcomers fetch and what members store. At most 48 bytes a node on average for a full tree.
 *
 * ```
 *  format(1) = 1 | log2 of the number of leaf places(1) | nodes in index order
 *  node:  content as in node-codec.ts  |  0x00, length of the run of blank nodes - 1 (LEB128); runs are never adjacent
 * ```
 */
import type { Result, Violation } from '../result.ts';
import { violation } from '../result.ts';
import { ByteReader, ByteWriter } from './byte-stream.ts';
import type { ParseKey } from './node-codec.ts';
import { encodeNode, readNode, tag } from './node-codec.ts';
import { PublicTree } from './public-tree.ts';
import type { NodeIndex } from './tree-math.ts';
import { isLeafCount, nodeCount } from './tree-math.ts';
import type { TreeNode } from './tree-node.ts';

const format = 1;

/** Writes a tree node by node, so that one of a million members never stands in memory as a whole. */
export class TreeEncoder {
  readonly #nodeCount: number;
  #writer = new ByteWriter(1024);
  #next = 0;

  constructor(leafCount: number) {
    this.#nodeCount = nodeCount(leafCount);
    this.#writer.byte(format);
    this.#writer.byte(Math.log2(leafCount));
  }

  /** `content` of a node that is not blank, as `encodeNode` gives it; nodes come in ascending order, blank ones are left out. */
  node(index: number, content: Uint8Array): void {
    this.#blankUpTo(index);
    this.#writer.raw(content);
    this.#next = index + 1;
  }

  /** After the last node. */
  end(): void {
    this.#blankUpTo(this.#nodeCount);
  }

  /** What was written since it was last taken. */
  take(): Uint8Array {
    const written = this.#writer.bytes();
    this.#writer = new ByteWriter(Math.max(1024, written.length));
    return written;
  }

  #blankUpTo(index: number): void {
    if (index === this.#next) return;
    this.#writer.byte(tag.blank);
    this.#writer.number(index - this.#next - 1);
  }
}

export function encodeTree(tree: PublicTree): Uint8Array {
  const encoder = new TreeEncoder(tree.leafCount);
  for (const [index, node] of tree.nodes()) encoder.node(index, encodeNode(node));
  encoder.end();
  return encoder.take();
}

/** A tree from outside: canonical encoding, sound structure and well-formed, unique keys; its hash is the caller's to compare. */
export function decodeTree(bytes: Uint8Array, parseKey: ParseKey): Result<PublicTree> {
  const reader = new ByteReader(bytes);
  if (reader.byte() !== format) return violation('tree/encoding', 'format');
  const leafCount = 2 ** (reader.byte() ?? 31);
  if (!isLeafCount(leafCount)) return violation('tree/leaf-count');
  let broken: Violation | undefined;
  // A generator, so that the nodes of a large tree are never all in memory as objects.
  function* nodes(): Generator<[number, TreeNode]> {
    let afterBlank = false;
    for (let index = 0; index < nodeCount(leafCount);) {
      if (reader.peek() === tag.blank) {
        reader.byte();
        const more = reader.number();
        if (afterBlank || more === undefined || index + more >= nodeCount(leafCount)) {
          broken = violation('tree/encoding', `blank run at ${index}`);
          return;
        }
        index += more + 1;
        afterBlank = true;
      } else {
        const node = readNode(reader, index as NodeIndex, parseKey);
        if (!node.ok) {
          broken = node;
          return;
        }
        yield [index, node.value];
        index += 1;
        afterBlank = false;
      }
    }
    if (!reader.isAtEnd()) broken = violation('tree/encoding', 'trailing bytes');
  }
  const tree = PublicTree.fromNodes(leafCount, nodes());
  return broken ?? tree;
}
