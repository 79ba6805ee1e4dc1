/** PostgreSQL whose disk is full: who is told so, and that nothing else happens. Needs root, which mounts a small disk for its tables. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { contractMigrations } from '@conclave/testkit/contracts';
import {
  createSmallDisk,
  missingPostgres,
  missingSmallDisk,
  startPostgres,
  unprivilegedUser,
} from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { createPostgresDatabase } from './postgres-database.ts';

const missing = missingSmallDisk();
if (missing !== undefined)
  process.stderr.write(`not run, for want of ${missing}: PostgreSQL whose disk is full\n`);

(missing === undefined ? requireServer(missingPostgres()) : describe.skip)(
  'PostgreSQL whose disk is full',
  () => {
    test('refuses units with STORE_FULL, keeps what it acknowledged, and goes on when there is room again', async () => {
      await using disk = await createSmallDisk({ mebibytes: 40, owner: unprivilegedUser('postgres') });
      await using server = await startPostgres();
      const { url, password } = server.superuser;
      const superuser = new pg.Client({
        connectionString: Object.assign(new URL(url), { password }).href,
      });
      await superuser.connect();
      await superuser.query(`create tablespace small location '${disk.path}'`);
      await superuser.query('grant create on tablespace small to conclave');
      await superuser.query('alter role conclave set default_tablespace = small');
      // What somebody else has there, and takes away.
      await superuser.query('create table other (octets bytea) tablespace small');
      const database = await createPostgresDatabase(server);
      const store = await database.open({ migrations: [contractMigrations] });
      await superuser.query('alter table other alter octets set storage external');
      await superuser.query('insert into other select $1 from generate_series(1, 10)', [
        randomBytes(1_000_000),
      ]);

      const insert = (id: string, bytes: number) =>
        store.write((trx) =>
          trx
            .insertInto('account')
            .values({ id, balance: 0, photo: randomBytes(bytes) })
            .execute(),
        );
      const kept: string[] = [];
      const codes = new Set<unknown>();
      for (let round = 0; codes.size === 0; round += 1) {
        const ids = Array.from({ length: 8 }, (_, index) => `id-${round}-${index}`);
        const outcomes = await Promise.allSettled(ids.map((id) => insert(id, 400_000)));
        for (const [index, outcome] of outcomes.entries()) {
          if (outcome.status === 'fulfilled') kept.push(ids[index]!);
          else codes.add((outcome.reason as { code?: unknown }).code);
        }
      }
      expect([...codes]).toEqual(['STORE_FULL']);
      const ids = async () =>
        (await store.db.selectFrom('account').select('id').execute()).map(({ id }) => id).toSorted();
      expect(await ids()).toEqual(kept.toSorted());
      // Reads, and what needs no room, go on.
      await store.write((trx) =>
        trx.updateTable('account').set({ balance: 1 }).where('id', '=', kept[0]!).execute(),
      );

      await superuser.query('drop table other');
      await superuser.query('checkpoint');
      await insert('afterwards', 400_000);
      expect(await ids()).toEqual([...kept, 'afterwards'].toSorted());
      await store.close();
      await superuser.end();
    });
  },
);
