/**
 * A store that dies at a chosen write, as a process does that is killed there: either just before the transaction (nothing of
 * it is on disk) or just after it (all of it is, and nobody was told). From then on every operation fails, as for a dead process.
 */
import type { Vault } from '../src/store/vault.ts';

export interface CrashPlan {
  /** The write at which it dies, counted from 0; Infinity: never. */
  at: number;
  when: 'before' | 'after';
}

export interface CrashingVault {
  readonly wrap: (vault: Vault) => Vault;
  readonly crashed: () => boolean;
  /** Writes so far. */
  readonly writes: () => number;
  /** Counts from now on. */
  arm(plan: CrashPlan): void;
}

export function createCrashingVault(): CrashingVault {
  let plan: CrashPlan = { at: Number.POSITIVE_INFINITY, when: 'before' };
  let writes = 0;
  let crashed = false;
  const alive = (): void => {
    if (crashed) throw new Error('the process is dead');
  };
  return {
    crashed: () => crashed,
    writes: () => writes,
    arm(next) {
      plan = next;
      writes = 0;
    },
    wrap: (vault) => ({
      get: async (path) => {
        alive();
        return await vault.get(path);
      },
      list: async (options) => {
        alive();
        return await vault.list(options);
      },
      transact: async (operations) => {
        alive();
        const isLast = writes++ === plan.at;
        if (!isLast || plan.when === 'after') await vault.transact(operations);
        if (!isLast) return;
        crashed = true;
        alive();
      },
      changeUnlock: (unlock) => vault.changeUnlock(unlock),
      close: () => vault.close(),
    }),
  };
}
