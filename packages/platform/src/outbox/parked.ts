/** What an operator does with rows that the bus kept refusing. Works without a running relay. */
import type { Selectable } from 'kysely';
import type { Store } from '../store/store.ts';
import { enqueueOutbox } from './enqueue-outbox.ts';
import { outboxOf } from './outbox-of.ts';
import type { OutboxParkedTable, OutboxTables } from './outbox-table.ts';

/** A parked row without its payload. */
export type ParkedRow = Omit<
  Selectable<OutboxParkedTable>,
  'payload' | 'trace_parent' | 'accepted_at_ms' | 'slot'
>;

/** Parked rows in the order of their ids, at most `limit`, after `afterId` if given. */
export async function listParked<DB extends OutboxTables>(
  store: Store<DB>,
  page: { afterId?: number; limit: number },
): Promise<ParkedRow[]> {
  return await outboxOf(store)
    .db.selectFrom('outbox_parked')
    .select(['id', 'subject', 'ordering_key', 'message_id', 'attempts', 'error_code', 'parked_at_ms'])
    .where('id', '>', page.afterId ?? 0)
    .orderBy('id')
    .limit(page.limit)
    .execute();
}

/**
 * Puts a parked row back at the end of its key's queue, under its own message id, and returns whether there was
 * one. Its key has gone on without it: it is published out of the order in which it happened.
 */
export async function unpark<DB extends OutboxTables>(store: Store<DB>, id: number): Promise<boolean> {
  return await outboxOf(store).write(async (trx) => {
    const row = await trx.selectFrom('outbox_parked').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined) return false;
    await trx.deleteFrom('outbox_parked').where('id', '=', id).execute();
    await enqueueOutbox(trx, {
      subject: row.subject,
      orderingKey: row.ordering_key,
      messageId: row.message_id,
      payload: row.payload,
    });
    return true;
  });
}

/** Gives a parked row up for good and returns whether there was one. */
export async function discardParked<DB extends OutboxTables>(store: Store<DB>, id: number): Promise<boolean> {
  return await outboxOf(store).write(async (trx) => {
    const { numDeletedRows } = await trx.deleteFrom('outbox_parked').where('id', '=', id).executeTakeFirst();
    return numDeletedRows > 0n;
  });
}
