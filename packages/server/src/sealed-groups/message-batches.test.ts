import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noTracer, openSqliteStore, silentLog, systemClock, systemRandom } from '@conclave/platform';
import type { Store } from '@conclave/platform';
import {
  encodeBody,
  encodeFrame,
  encodeMessageTrailer,
  isMessageFrame,
  parseFrame,
} from '@conclave/sealed-group';
import type { GroupHead, MessageFrame } from '@conclave/sealed-group';
import { serverMigrations } from '../schema/server-migrations.ts';
import type { ServerDatabase } from '../schema/server-database.ts';
import { createMessageBatches } from './message-batches.ts';

const groupId = 'AAAAAAAAAAAAAAAAAAAAAA';
const epoch = 7;
/** What a batch goes by. */
const head = { epoch, lastRemovalEpoch: 2 } as GroupHead;

describe('messages that are ready at the same time', () => {
  let folder: string;
  let store: Store<ServerDatabase>;
  let units: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conclave-batches-'));
    store = await openSqliteStore<ServerDatabase>({
      file: join(folder, 'a.db'),
      migrations: [serverMigrations],
      clock: systemClock,
      log: silentLog,
    });
    await store.write((trx) =>
      trx
        .insertInto('sealed_groups')
        .values({
          group_id: groupId,
          creator: '@a:b',
          created_at_ms: 0,
          epoch,
          last_seq: 10,
          state: '{}',
          reservation: null,
          oldest_epoch: 0,
          collected_epoch: 0,
          collected_node: 0,
          oldest_superseded_at_ms: null,
          blob_bytes: 0,
        })
        .execute(),
    );
    units = 0;
  });

  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });

  const create = (maxFrames = 128) => {
    const counting: Store<ServerDatabase> = {
      ...store,
      write: (unit) => {
        units += 1;
        return store.write(unit);
      },
    };
    return createMessageBatches({ store: counting, tracer: noTracer }, { maxFrames });
  };

  const newBody = () =>
    encodeBody(
      { origin: 'a.b', groupId: new Uint8Array(16), epoch, nonce: systemRandom.bytes(16), nowMs: 1 },
      { kind: 'message', header: new Uint8Array(8), ciphertext: new Uint8Array(9) },
    );
  const frame = (body = newBody(), signature = new Uint8Array(64)): MessageFrame => {
    const trailer = encodeMessageTrailer({ proof: 'epoch', signature });
    const parsed = parseFrame(encodeFrame(body, trailer));
    if (!parsed.ok || !isMessageFrame(parsed.value)) throw new Error('not a message');
    return parsed.value;
  };

  const stored = async () =>
    (await store.db.selectFrom('sealed_frames').select(['seq', 'body_hash']).orderBy('seq').execute()).map(
      ({ seq, body_hash: hash }) => [seq, Buffer.from(hash).toString('hex')],
    );
  const numbered = (frames: readonly MessageFrame[]) =>
    frames.map(({ bodyHash }, index) => [11 + index, Buffer.from(bodyHash).toString('hex')]);

  it('share a unit and have dense numbers, announced in their order', async () => {
    const batches = create();
    const frames = Array.from({ length: 20 }, () => frame());
    const seqs = await Promise.all(frames.map((each) => batches.write(groupId, head, each, 5)));
    expect(seqs).toEqual(frames.map((_, index) => 11 + index));
    expect(await stored()).toEqual(numbered(frames));
    const told = await store.db.selectFrom('outbox').select('message_id').orderBy('id').execute();
    expect(told.map(({ message_id: id }) => id)).toEqual(seqs.map((seq) => `${groupId}.${seq}`));
    expect(units).toBe(1);
  });

  it('are no more in a unit than it may hold', async () => {
    const batches = create(8);
    const frames = Array.from({ length: 20 }, () => frame());
    await Promise.all(frames.map((each) => batches.write(groupId, head, each, 5)));
    expect(await stored()).toEqual(numbered(frames));
    expect(units).toBe(3);
  });

  it('are judged again, all of them, when the epoch is over, and nothing is written', async () => {
    const batches = create();
    const late = { ...head, epoch: epoch - 1 } as GroupHead;
    const seqs = await Promise.all([frame(), frame()].map((each) => batches.write(groupId, late, each, 5)));
    expect(seqs).toEqual([undefined, undefined]);
    expect(await stored()).toEqual([]);
    expect(await store.db.selectFrom('outbox').selectAll().execute()).toEqual([]);
  });

  it('are written once when one comes twice, and the second is judged again', async () => {
    const batches = create();
    const [a, b] = [frame(), frame()];
    const seqs = await Promise.all([a, b, a].map((each) => batches.write(groupId, head, each, 5)));
    expect(seqs).toEqual([11, 12, undefined]);
    expect(await stored()).toEqual(numbered([a, b]));
  });

  it('are stored as the first had them when the second has another trailer', async () => {
    const batches = create();
    const body = newBody();
    const [first, second] = [frame(body), frame(body, new Uint8Array(64).fill(1))];
    const seqs = await Promise.all([first, second].map((each) => batches.write(groupId, head, each, 5)));
    expect(seqs).toEqual([11, undefined]);
    const [row] = await store.db.selectFrom('sealed_frames').select('frame').execute();
    expect(Uint8Array.from(row!.frame)).toEqual(first.bytes);
  });

  it('do not suffer from one whose twin is stored', async () => {
    const batches = create();
    const [twin, a, b] = [frame(), frame(), frame()];
    expect(await batches.write(groupId, head, twin, 5)).toBe(11);
    const seqs = await Promise.all([a, twin, b].map((each) => batches.write(groupId, head, each, 5)));
    expect(seqs).toEqual([12, undefined, 13]);
    expect(await stored()).toEqual(numbered([twin, a, b]));
  });
});
