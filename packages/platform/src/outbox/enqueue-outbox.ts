import type { Transaction } from 'kysely';
import type { Store } from '../store/store.ts';
import { outboxOf } from './outbox-of.ts';
import type { OutboxTables } from './outbox-table.ts';
import { slotOf } from './slot.ts';

/** One event to be told once the unit that enqueued it is durable. */
export interface OutboxEntry {
  /** Where it goes: `events.<kind>.<id>`. No wildcards. */
  readonly subject: string;
  /** Entries of one key are published in the order they were enqueued; different keys do not wait for each other. */
  readonly orderingKey: string;
  /** Identifies the event for ever; whoever receives it twice knows it by this. */
  readonly messageId: string;
  readonly payload: Uint8Array;
  /** W3C `traceparent` of the work that it is part of, if that is traced: the relay and the gateway go on below it. */
  readonly traceParent?: string | undefined;
}

/** Enqueues `entry` in the unit of `trx`. The relay publishes it after, and only if, that unit commits. */
export async function enqueueOutbox<DB extends OutboxTables>(
  trx: Transaction<DB>,
  entry: OutboxEntry,
): Promise<void> {
  // Kysely's types are invariant in DB: a database with more tables is not assignable to one with these only.
  await (trx as unknown as Transaction<OutboxTables>).insertInto('outbox').values(rowOf(entry)).execute();
}

/** The same for many entries in their order, compiled once for `store`: for hot paths. */
export function prepareEnqueue<DB extends OutboxTables>(
  store: Store<DB>,
): (trx: Transaction<DB>, entries: readonly OutboxEntry[]) => Promise<void> {
  const insert = outboxOf(store).prepare((db, row: ReturnType<typeof rowOf>) =>
    db.insertInto('outbox').values({
      subject: row.subject,
      ordering_key: row.ordering_key,
      message_id: row.message_id,
      payload: row.payload,
      trace_parent: row.trace_parent,
      slot: row.slot,
    }),
  );
  return (trx, entries) => insert.runEach(trx as unknown as Transaction<OutboxTables>, entries.map(rowOf));
}

function rowOf(entry: OutboxEntry) {
  return {
    subject: entry.subject,
    ordering_key: entry.orderingKey,
    message_id: entry.messageId,
    payload: entry.payload,
    trace_parent: entry.traceParent ?? null,
    slot: slotOf(entry.orderingKey),
  };
}
