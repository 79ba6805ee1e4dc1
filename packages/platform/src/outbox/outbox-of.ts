import type { Store } from '../store/store.ts';
import type { OutboxTables } from './outbox-table.ts';

/** The same store, seen through the outbox's tables alone. Kysely's types are invariant in `DB`. */
export function outboxOf<DB extends OutboxTables>(store: Store<DB>): Store<OutboxTables> {
  return store as unknown as Store<OutboxTables>;
}
