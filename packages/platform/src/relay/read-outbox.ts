/** The relay's reads, compiled once. */
import { sql } from 'kysely';
import type { OutboxTables } from '../outbox/outbox-table.ts';
import type { PreparedQuery } from '../store/prepared-query.ts';
import type { Store } from '../store/store.ts';
import type { OutboxRow } from './key-queues.ts';

/** Rows after an id in ascending order, at most `limit`; of the given slots, or of all. */
export type ReadBySlots = (
  slots: readonly number[] | undefined,
  afterId: number,
  limit: number,
) => Promise<OutboxRow[]>;

export function readBySlots(store: Store<OutboxTables>): ReadBySlots {
  const ofAll = store.prepare((db, after: { readonly id: number; readonly limit: number }) =>
    db.selectFrom('outbox').selectAll().where('id', '>', after.id).orderBy('id').limit(after.limit),
  );
  // One text for any number of slots: a list of parameters would be another statement for every length.
  const isAmong =
    store.engine === 'postgres'
      ? (slots: string) => sql<boolean>`slot = any(${slots}::integer[])`
      : (slots: string) => sql<boolean>`slot in (select value from json_each(${slots}))`;
  const ofSome = store.prepare(
    (db, after: { readonly slots: string; readonly id: number; readonly limit: number }) =>
      db
        .selectFrom('outbox')
        .selectAll()
        .where('id', '>', after.id)
        .where(isAmong(after.slots))
        .orderBy('id')
        .limit(after.limit),
  );
  return (slots, id, limit) => {
    if (slots === undefined) return ofAll.read({ id, limit });
    const list = slots.join(',');
    return ofSome.read({ slots: store.engine === 'postgres' ? `{${list}}` : `[${list}]`, id, limit });
  };
}

/** Rows of one key after an id, in ascending order. */
export function readByKey(
  store: Store<OutboxTables>,
): PreparedQuery<OutboxTables, { key: string; id: number; limit: number }, OutboxRow> {
  return store.prepare((db, after: { key: string; id: number; limit: number }) =>
    db
      .selectFrom('outbox')
      .selectAll()
      .where('ordering_key', '=', after.key)
      .where('id', '>', after.id)
      .orderBy('id')
      .limit(after.limit),
  );
}
