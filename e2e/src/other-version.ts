/**
 * The server as the next two releases of it would be: with migrations that this one does not have, and with a use for them.
 * Started like the server's own program; `OTHER_VERSION` says which.
 *
 *     expand     columns on the tables that every message touches; this version works on with them
 *     contract   takes some away that `expand` does not use any more; this version cannot work with that
 *
 * Both count with their columns, all the time and in several processes: what older processes write meanwhile to the same rows must
 * not change it. At the end they print what they found: `later {"uses":…,"frames":…}`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createLog, type Migration, type Store } from '@conclave/platform';
import { allMigrations, createServer, loadConfig, renderConfigProblems } from '@conclave/server';

const [server, ...others] = allMigrations;
const known = server!.migrations.length;

const expand: Migration = {
  id: known + 1,
  name: 'later: columns, an index, a table',
  readableBy: known,
  async up(db, engine) {
    await db.schema.alterTable('sealed_groups').addColumn('later', engine.integer).execute();
    await db.schema.alterTable('sealed_groups').addColumn('draft', 'text').execute();
    await db.schema.alterTable('sealed_frames').addColumn('later', engine.integer).execute();
    await db.schema.alterTable('transfers').addColumn('draft', 'text').execute();
    await db.schema.alterTable('outbox').addColumn('later', 'text').execute();
    await db.schema.createIndex('sealed_frames_by_later').on('sealed_frames').column('later').execute();
    await db.schema
      .createTable('later')
      .addColumn('group_id', 'text', (column) => column.notNull())
      .addColumn('use', engine.integer, (column) => column.notNull())
      .addPrimaryKeyConstraint('later_once', ['group_id', 'use'])
      .execute();
  },
};
const contract: Migration = {
  id: known + 2,
  name: 'later: columns go',
  readableBy: known + 1,
  async up(db) {
    await db.schema.alterTable('sealed_groups').dropColumn('draft').execute();
    await db.schema.alterTable('transfers').dropColumn('draft').execute();
  },
};
const versions: Readonly<Record<string, readonly Migration[]>> = {
  expand: [expand],
  contract: [expand, contract],
};

const more = versions[process.env['OTHER_VERSION'] ?? ''];
if (more === undefined) throw new Error('OTHER_VERSION is neither expand nor contract');
const [, ...args] = process.argv.slice(2);
const flags = args.map((arg) => {
  const equals = arg.indexOf('=');
  return { key: arg.slice(2, equals), value: arg.slice(equals + 1) };
});
const loaded = loadConfig({ flags });
if (!loaded.ok) throw new Error(renderConfigProblems(loaded.problems));

const stop = Promise.withResolvers<void>();
process.once('SIGTERM', () => stop.resolve());
const running = await createServer(loaded.config, {
  log: createLog({ level: loaded.config.log.level, destination: process.stderr }),
  migrations: [{ name: server!.name, migrations: [...server!.migrations, ...more] }, ...others],
});
await running.warmUp();
const { url, adminUrl } = await running.listen();
process.stdout.write(`Conclave is listening at ${url}\nMetrics and readiness: ${adminUrl ?? ''}/metrics\n`);

interface LaterTables {
  sealed_groups: { group_id: string; later: number | null };
  sealed_frames: { group_id: string; seq: number; later: number | null };
  later: { group_id: string; use: number };
}
const store = running.store as unknown as Store<LaterTables>;
const ended = new AbortController();
const using = useColumns();
await stop.promise;
ended.abort();
await using;
process.stdout.write(`later ${JSON.stringify(await useOnce())}\n`);
await running.close();

async function useColumns(): Promise<void> {
  while (!ended.signal.aborted) {
    await useOnce();
    await sleep(100, undefined, { signal: ended.signal }).catch(() => undefined);
  }
}

/** Counts one more use of each group, and marks the frames that came since. Throws when a use is forgotten. */
function useOnce(): Promise<{ uses: number; frames: number }> {
  return store.write(
    async (trx) => {
      const groups = await trx
        .updateTable('sealed_groups')
        .set((eb) => ({ later: eb(eb.fn.coalesce('later', eb.lit(0)), '+', 1) }))
        .returning(['group_id', 'later'])
        .execute();
      for (const { group_id: group, later } of groups) {
        await trx.insertInto('later').values({ group_id: group, use: later! }).execute();
      }
      await trx
        .updateTable('sealed_frames')
        .set((eb) => ({ later: eb.ref('seq') }))
        .where('later', 'is', null)
        .execute();
      const { uses } = await trx
        .selectFrom('later')
        .select((eb) => eb.fn.countAll<number>().as('uses'))
        .executeTakeFirstOrThrow();
      const { frames } = await trx
        .selectFrom('sealed_frames')
        .select((eb) => eb.fn.countAll<number>().as('frames'))
        .whereRef('later', '=', 'seq')
        .executeTakeFirstOrThrow();
      const counted = groups.reduce((sum, { later }) => sum + later!, 0);
      if (counted !== uses) throw new Error(`of ${uses} uses ${counted} are remembered`);
      return { uses, frames };
    },
    // Decided by the rows of the groups, which it changes first.
    { isolation: 'locked-rows' },
  );
}
