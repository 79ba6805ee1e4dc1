/**
 * The one place where a group's state machine changes, and the rule that makes crashes harmless: a change and everything
 * that follows from it are one transaction, and nobody hears of it before that is durable.
 *
 *     queue ─▶ work(group) ─▶ ONE transaction: state + records ─▶ afterwards (events, posting)
 *                   └─ anything fails ─▶ forget the memory, read the state back from disk ─▶ the caller gets the error
 */
import { SealedGroup, type MemberDeps } from '@conclave/sealed-group';
import { ConclaveError } from '../errors/conclave-error.ts';
import { paths } from '../store/paths.ts';
import type { Vault, VaultOperation } from '../store/vault.ts';
import { createSerialQueue } from '../time/serial-queue.ts';

export interface Change<T> {
  readonly value: T;
  readonly operations?: readonly VaultOperation[];
  /** Set when tree, roster or mode may have changed; messages change only the secret part. */
  readonly withPublic?: boolean;
  /** Runs once the change is durable, before the next change begins. Must not throw. */
  readonly afterwards?: () => void;
}

export interface GroupStateDeps {
  readonly vault: Vault;
  readonly member: MemberDeps;
  /** Base64url. */
  readonly groupId: string;
}

export class GroupState {
  readonly #deps: GroupStateDeps;
  readonly #queue = createSerialQueue();
  #group: SealedGroup;
  #closed = false;

  constructor(deps: GroupStateDeps, group: SealedGroup) {
    this.#deps = deps;
    this.#group = group;
  }

  /** `undefined` when this store has no state for the group. Rejects with `STORE_CORRUPT`. */
  static async load(deps: GroupStateDeps): Promise<GroupState | undefined> {
    const group = await readGroup(deps);
    return group === undefined ? undefined : new GroupState(deps, group);
  }

  /** For looking only; it may be replaced by any change. */
  get group(): SealedGroup {
    return this.#group;
  }

  /** Runs `work` alone. Whatever it did to the group counts only together with its operations. */
  async change<T>(work: (group: SealedGroup) => Change<T> | Promise<Change<T>>): Promise<T> {
    return await this.#queue.run(async () => {
      if (this.#closed) throw new ConclaveError('CLIENT_CLOSED', 'The group is closed');
      let change: Change<T>;
      try {
        change = await work(this.#group);
        const state = stateOperations(this.#deps.groupId, this.#group, change.withPublic ?? false);
        await this.#deps.vault.transact([...state, ...(change.operations ?? [])]);
      } catch (error) {
        // Memory is ahead of the disk, or half-way: the disk is right.
        this.#group = (await readGroup(this.#deps)) ?? this.#group;
        throw error;
      }
      change.afterwards?.();
      return change.value;
    });
  }

  /** Waits for changes under way; later ones are refused. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#queue.idle();
  }
}

/** What stores a state machine; for its first storing, and for every change. */
export function stateOperations(groupId: string, group: SealedGroup, withPublic: boolean): VaultOperation[] {
  const secret = { put: paths.secretState(groupId), value: group.encodeSecret() };
  return withPublic ? [{ put: paths.publicState(groupId), value: group.encodePublic() }, secret] : [secret];
}

async function readGroup({ vault, member, groupId }: GroupStateDeps): Promise<SealedGroup | undefined> {
  const [publicPart, secretPart] = await Promise.all([
    vault.get(paths.publicState(groupId)),
    vault.get(paths.secretState(groupId)),
  ]);
  if (publicPart === undefined || secretPart === undefined) return undefined;
  const decoded = SealedGroup.decode(member, { public: publicPart, secret: secretPart });
  if (decoded.ok) return decoded.value;
  throw new ConclaveError('STORE_CORRUPT', 'The stored group cannot be read', {
    details: { rule: decoded.rule },
  });
}
