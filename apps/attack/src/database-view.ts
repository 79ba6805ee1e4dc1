/** What the server has of a group, read from its database beside the running server: to see that a refusal left nothing. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface DatabaseView extends Disposable {
  /** A digest of every row of the group in every table. */
  ofGroup(groupId: string): string;
  /** A digest of every row of these tables. */
  ofTables(...tables: readonly string[]): string;
  /** How many of the frames with these SHA-256 (hexadecimal) are stored. */
  countFrames(hashes: ReadonlySet<string>): number;
  /** What SQLite says of the file, and how many rows wait to be published or were given up. */
  health(): { readonly integrity: string; readonly outbox: number; readonly parked: number };
  /** Groups whose newest sequence number is not the number of their frames, or whose epoch has no row. */
  brokenGroups(): number;
}

export function hashOfFrame(frame: Uint8Array): string {
  return createHash('sha256').update(frame).digest('hex');
}

export function openDatabaseView(dataDirectory: string): DatabaseView {
  const database = new DatabaseSync(join(dataDirectory, 'conclave.db'), { readOnly: true });
  const tables = database
    .prepare(`select name from sqlite_master where type = 'table' order by name`)
    .all()
    .map(({ name }) => String(name));
  const groupTables = tables.filter((table) =>
    database
      .prepare(`select name from pragma_table_info('${table}')`)
      .all()
      .some(({ name }) => name === 'group_id'),
  );
  if (!groupTables.includes('sealed_frames')) throw new Error('the database has no frames');

  const digestOf = (rows: Iterable<unknown>): string => {
    // Sorted: the order in which rows lie there says nothing.
    const lines = Array.from(rows, (row) => JSON.stringify(row, plain)).sort();
    return createHash('sha256').update(lines.join('\n')).digest('hex');
  };
  const count = (query: string): number => Number(database.prepare(query).get()?.['n']);

  return {
    ofGroup(groupId) {
      return groupTables
        .map((table) => {
          const rows = database.prepare(`select * from "${table}" where group_id = ?`);
          return `${table} ${digestOf(rows.iterate(groupId))}`;
        })
        .join('\n');
    },
    ofTables(...names) {
      return names.map((name) => digestOf(database.prepare(`select * from "${name}"`).iterate())).join('\n');
    },
    countFrames(hashes) {
      let found = 0;
      for (const { frame } of database.prepare('select frame from sealed_frames').iterate()) {
        if (hashes.has(hashOfFrame(frame as Uint8Array))) found++;
      }
      return found;
    },
    health() {
      return {
        integrity: String(database.prepare('pragma integrity_check').get()?.['integrity_check']),
        outbox: count('select count(*) as n from outbox'),
        parked: count('select count(*) as n from outbox_parked'),
      };
    },
    brokenGroups() {
      return count(`select count(*) as n from sealed_groups g where
        g.last_seq <> (select count(*) from sealed_frames f where f.group_id = g.group_id) or
        g.last_seq <> (select max(seq) from sealed_frames f where f.group_id = g.group_id) or
        not exists (select 1 from sealed_epochs e where e.group_id = g.group_id and e.epoch = g.epoch)`);
    },
    [Symbol.dispose]() {
      database.close();
    },
  };
}

function plain(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return typeof value === 'bigint' ? String(value) : value;
}
