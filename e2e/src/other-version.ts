/**
 * The server as another version of it would be: with migrations that this one does not have. Started like the server's own
 * program; `OTHER_VERSION` says which.
 *
 *     expand     one migration more, which this version can work with
 *     contract   and a second one, which it cannot
 */
import { createLog, type Migration } from '@conclave/platform';
import { allMigrations, createServer, loadConfig, renderConfigProblems } from '@conclave/server';

const [server, ...others] = allMigrations;
const known = server!.migrations.length;

const expand: Migration = {
  id: known + 1,
  name: 'later: a column, an index, a table',
  readableBy: known,
  async up(db) {
    await db.schema.alterTable('transfers').addColumn('later', 'text').execute();
    await db.schema.createIndex('transfers_by_later').on('transfers').column('later').execute();
    await db.schema
      .createTable('later')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .execute();
  },
};
const contract: Migration = {
  id: known + 2,
  name: 'later: a column goes',
  async up(db) {
    await db.schema.alterTable('transfers').dropColumn('later').execute();
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
await stop.promise;
await running.close();
