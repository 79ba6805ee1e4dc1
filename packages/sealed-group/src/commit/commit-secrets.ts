/** What a committer keeps until it knows who won the epoch [F9]: a lost acknowledgement must not lock it out. Prints as nothing. */
import type { EpochKeys } from '../schedule/index.ts';
import type { SecretScalar } from '../signature/index.ts';
import type { LeafIndex, NodeIndex } from '../tree/index.ts';

export interface AddedLeafSecret {
  readonly leaf: LeafIndex;
  readonly secret: SecretScalar;
}

interface CommitSecretParts {
  readonly pathSecrets: ReadonlyMap<NodeIndex, SecretScalar>;
  readonly addedLeaves: readonly AddedLeafSecret[];
  readonly keys: EpochKeys;
}

export class CommitSecrets {
  readonly #parts: CommitSecretParts;

  constructor(parts: CommitSecretParts) {
    this.#parts = parts;
  }

  /** Of the committer's leaf and path in the new epoch. */
  get pathSecrets(): ReadonlyMap<NodeIndex, SecretScalar> {
    return this.#parts.pathSecrets;
  }

  /** In the order of the add operations. */
  get addedLeaves(): readonly AddedLeafSecret[] {
    return this.#parts.addedLeaves;
  }

  /** Of the epoch that the commit makes. */
  get keys(): EpochKeys {
    return this.#parts.keys;
  }

  toString(): string {
    return 'CommitSecrets([secret])';
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}
