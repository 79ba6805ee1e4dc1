import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../src/node/sqlite-store.ts';
import { createMemoryStore } from '../src/store/memory-store.ts';
import { describeStateStore } from './state-store-contract.ts';

describeStateStore('memory', async () => ({ store: createMemoryStore(), cleanUp: async () => {} }));

describeStateStore('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-store-'));
  const reopen = () => openSqliteStore({ path: join(folder, 'state.db') });
  return { store: await reopen(), reopen, cleanUp: () => rm(folder, { recursive: true }) };
});
