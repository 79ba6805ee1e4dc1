/** Running counts of leaves by role and by whether they joined: the state behind `TreeReader.roleCounts`. */
import type { Role } from './roles.ts';
import type { LeafNode } from './tree-node.ts';
import { isPending } from './tree-node.ts';
import type { RoleCounts } from './tree-reader.ts';

const nobody: Readonly<Record<Role, number>> = { owner: 0, admin: 0, member: 0, reader: 0 };

export class RoleCensus {
  readonly #joined: Record<Role, number>;
  readonly #pending: Record<Role, number>;

  constructor(start: RoleCounts = { joined: nobody, pending: nobody }) {
    this.#joined = { ...start.joined };
    this.#pending = { ...start.pending };
  }

  /** One leaf changed from `before` to `after`; undefined is blank. */
  change(before: LeafNode | undefined, after: LeafNode | undefined): void {
    if (before !== undefined) this.#group(before)[before.role] -= 1;
    if (after !== undefined) this.#group(after)[after.role] += 1;
  }

  /** A copy. */
  counts(): RoleCounts {
    return { joined: { ...this.#joined }, pending: { ...this.#pending } };
  }

  #group(leaf: LeafNode): Record<Role, number> {
    return isPending(leaf) ? this.#pending : this.#joined;
  }
}
