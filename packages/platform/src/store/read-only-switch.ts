/**
 * Read-only mode: for a bounded time, nothing in the database changes, while everything can be read. Whoever copies
 * the database (`conclave migrate-store`) asks for it.
 *
 *     write write │begin          write            end│ write
 *     ────────────┼─ running units end ─ STORE_READ_ONLY ┼──────▶
 *                 └─ resolves ─▶ nothing changes until endsAtMs, or for ever after `retire`
 *
 * A *session* is one unbroken time without writes. It ends by itself when nobody prolongs it, so that a mover that
 * died leaves a server that writes again; and a mover that was held up learns, by another session's name, that something
 * may have been written in between.
 */
import type { Transaction } from 'kysely';
import type { RandomSource } from '@conclave/ristretto';
import type { Clock } from '../clock/clock.ts';
import { wrapWrites } from './gate-writes.ts';
import { StoreError } from './store-error.ts';
import type { Store, WriteOptions } from './store.ts';

export interface ReadOnlySession {
  /** Another one whenever a unit may have run in between. */
  readonly session: string;
  /** When it ends by itself; `undefined`: never, the store was retired. */
  readonly endsAtMs: number | undefined;
}

export interface ReadOnlySwitch<DB> {
  /** The store with the switch in its way. */
  readonly store: Store<DB>;
  readonly current: ReadOnlySession | undefined;
  /**
   * Begins, or prolongs to `forMs` from now. Resolves when every unit that was running has ended: from then on nothing
   * changes as long as the session lasts.
   */
  begin(forMs: number): Promise<ReadOnlySession>;
  /** Lets units in again; false if that is not the current session, or the store is retired. */
  end(session: string): boolean;
  /** Nothing is ever written through this store again; false if that is not the current session. */
  retire(session: string): boolean;
}

export interface ReadOnlySwitchDeps<DB> {
  readonly store: Store<DB>;
  readonly clock: Clock;
  readonly random: RandomSource;
}

export function createReadOnlySwitch<DB>({
  store,
  clock,
  random,
}: ReadOnlySwitchDeps<DB>): ReadOnlySwitch<DB> {
  let current: ReadOnlySession | undefined;
  let timer: Disposable | undefined;
  let running = 0;
  let idle: PromiseWithResolvers<void> | undefined;

  const unitEnded = (): void => {
    running -= 1;
    if (running > 0) return;
    idle?.resolve();
    idle = undefined;
  };
  const unitsEnded = async (): Promise<void> => {
    if (running === 0) return;
    idle ??= Promise.withResolvers<void>();
    await idle.promise;
  };
  const stop = (): void => {
    timer?.[Symbol.dispose]();
    timer = undefined;
    current = undefined;
  };
  const isCurrent = (session: string): boolean => current?.session === session;

  const write = <T>(unit: (trx: Transaction<DB>) => Promise<T>, options?: WriteOptions): Promise<T> => {
    if (current !== undefined) {
      return Promise.reject(new StoreError('STORE_READ_ONLY', 'the database is read-only at the moment'));
    }
    const outcome = store.write(unit, options);
    running += 1;
    outcome.then(unitEnded, unitEnded);
    return outcome;
  };

  return {
    store: wrapWrites(store, write),
    get current() {
      return current;
    },
    async begin(forMs) {
      if (current === undefined || current.endsAtMs !== undefined) {
        timer?.[Symbol.dispose]();
        const session = current?.session ?? Buffer.from(random.bytes(9)).toString('base64url');
        current = { session, endsAtMs: clock.nowMs() + forMs };
        timer = clock.schedule(forMs, stop);
      }
      const begun = current;
      await unitsEnded();
      return begun;
    },
    end(session) {
      if (!isCurrent(session) || current?.endsAtMs === undefined) return false;
      stop();
      return true;
    },
    retire(session) {
      if (!isCurrent(session)) return false;
      timer?.[Symbol.dispose]();
      current = { session, endsAtMs: undefined };
      return true;
    },
  };
}
