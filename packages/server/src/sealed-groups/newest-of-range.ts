/**
 * For each node of a range its newest version up to an epoch, by the primary key: the one query of trees whose text differs
 * between the engines. Each gets the text that its planner runs as one step down the key for each node.
 */
import { sql } from 'kysely';
import type { QueryCreator } from 'kysely';
import type { PreparedQuery, Store } from '@conclave/platform';
import type { ServerDatabase } from '../schema/server-database.ts';

export interface RangeAt {
  readonly groupId: string;
  readonly first: number;
  readonly last: number;
  readonly epoch: number;
}

export interface VersionOfRange {
  readonly node: number;
  readonly content: Uint8Array | undefined;
  readonly hash: Uint8Array | undefined;
}

/** Octets are pooled `Buffer`s, for callers that copy. In no particular order. */
export function prepareNewestOfRange(
  store: Store<ServerDatabase>,
): (range: RangeAt) => Promise<VersionOfRange[]> {
  return store.engine === 'sqlite'
    ? reading(store.prepare(newestOfRange), octetsOfDigits)
    : reading(store.prepare(newestOfRangeOnPostgres), (octets) => octets ?? undefined);
}

function reading<Octets>(
  query: PreparedQuery<ServerDatabase, RangeAt, { node: number; content: Octets; hash: Octets }>,
  octetsOf: (octets: Octets) => Uint8Array | undefined,
): (range: RangeAt) => Promise<VersionOfRange[]> {
  return async (range) =>
    (await query.read(range)).map(({ node, content, hash }) => ({
      node,
      content: octetsOf(content),
      hash: octetsOf(hash),
    }));
}

/**
 * On SQLite. Octets come as text: the driver makes an object outside the heap of each blob, and collecting hundreds of thousands
 * of those halts the event loop for tens of milliseconds.
 */
export function newestOfRange(db: QueryCreator<ServerDatabase>, { groupId, first, last, epoch }: RangeAt) {
  return db
    .withRecursive('wanted(node)', (numbers) =>
      numbers.selectNoFrom(sql<number>`${first}`.as('node')).unionAll((more) =>
        more
          .selectFrom('wanted')
          .select(sql<number>`node + 1`.as('node'))
          .where('node', '<', last),
      ),
    )
    .selectFrom('wanted')
    .crossJoin('sealed_subtrees as version')
    .select([
      'version.node',
      sql<string>`hex(version.content)`.as('content'),
      sql<string>`hex(version.hash)`.as('hash'),
    ])
    .where('version.group_id', '=', groupId)
    .whereRef('version.node', '=', 'wanted.node')
    .where('version.epoch', '=', (newest) =>
      newest
        .selectFrom('sealed_subtrees as newest')
        .select(({ fn }) => fn.max('newest.epoch').as('epoch'))
        .where('newest.group_id', '=', groupId)
        .whereRef('newest.node', '=', 'wanted.node')
        .where('newest.epoch', '<=', epoch),
    );
}

/** On PostgreSQL, which gives octets as pooled buffers. */
export function newestOfRangeOnPostgres(
  db: QueryCreator<ServerDatabase>,
  { groupId, first, last, epoch }: RangeAt,
) {
  const wanted = sql<{ node: number }>`generate_series(cast(${first} as bigint), cast(${last} as bigint))`;
  return db
    .selectFrom(wanted.as<'wanted'>(sql`wanted(node)`))
    .crossJoinLateral((from) =>
      from
        .selectFrom('sealed_subtrees')
        .select(['content', 'hash'])
        .where('sealed_subtrees.group_id', '=', groupId)
        .whereRef('sealed_subtrees.node', '=', 'wanted.node')
        .where('sealed_subtrees.epoch', '<=', epoch)
        .orderBy('sealed_subtrees.epoch', 'desc')
        .limit(1)
        .as('version'),
    )
    .select(['wanted.node', 'version.content', 'version.hash']);
}

/** Of hexadecimal digits as SQLite writes them; it writes none for null. */
function octetsOfDigits(digits: string): Uint8Array | undefined {
  return digits === '' ? undefined : Buffer.from(digits, 'hex');
}
