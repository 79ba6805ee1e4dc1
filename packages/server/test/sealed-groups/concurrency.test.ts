/** Many at once: nothing lost, nothing doubled, one order for all. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { createServer, parseConfig } from '../../src/index.ts';
import { ask } from '@conclave/testkit';
import type { ServerAnswer, TestMember } from '@conclave/testkit';
import { Centrifuge } from 'centrifuge';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { startSealedWorld, type SealedWorld } from './sealed-world.ts';

let world: SealedWorld;
beforeAll(async () => {
  world = await startSealedWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** Sequence numbers as a subscriber hears them. */
async function listen(member: TestMember): Promise<number[]> {
  const grant = await member.subscribe();
  const client = new Centrifuge(`${world.url.replace('http', 'ws')}/connection/websocket`, {
    token: grant.connection_token,
    websocket: WebSocket,
  });
  onTestFinished(() => client.disconnect());
  const heard: number[] = [];
  const subscription = client.newSubscription(grant.channel, { token: grant.subscription_token });
  subscription.on('publication', ({ data }) => void heard.push(data.seq));
  const subscribed = new Promise((resolve) => {
    subscription.once('subscribed', resolve);
  });
  subscription.subscribe();
  client.connect();
  await subscribed;
  return heard;
}

describe('at the same time', () => {
  it('messages of several members and commits make one dense log, heard in its order', async () => {
    const alice = await world.createGroup();
    const members = [alice, await alice.welcome('bob')];
    const heard = await listen(alice);
    const before = alice.group.lastSeq;
    const accepted = new Map<number, string>();
    const note = (kind: string, { status, body }: ServerAnswer): void => {
      expect([kind, status, body.errcode]).toEqual([kind, 200, undefined]);
      expect(accepted.has(body.seq)).toBe(false);
      accepted.set(body.seq, kind);
    };
    for (let round = 0; round < 2; round++) {
      const frames = members.flatMap((member) =>
        Array.from({ length: 15 }, (_, index) => member.prepareText(`${round}.${index}`).frame),
      );
      const commit = alice.prepareCommit().frame;
      const posting = frames.map((frame) => ['message', frame] as const);
      const posts = [...posting.slice(0, 15), ['commit', commit] as const, ...posting.slice(15)].map(
        async ([kind, frame]) => note(kind, await alice.post(frame)),
      );
      await Promise.all(posts);
      for (const member of members) await member.sync();
    }
    // Each commit wins, and messages posted around it are in its grace: nothing is lost.
    expect(accepted.size).toBe(2 * 31);
    const seqs = [...accepted.keys()].sort((a, b) => a - b);
    expect(seqs).toEqual(Array.from({ length: 62 }, (_, index) => before + 1 + index));
    await expect.poll(() => heard.length).toBe(62);
    expect(heard).toEqual(seqs);
    const texts = members.map((member) => member.texts().length);
    expect(texts).toEqual([30, 30]);
    expect(new Set(members.map(({ group }) => group.authenticator!.join())).size).toBe(1);
  });

  it('of commits of one epoch exactly one wins, and the others are told the epoch', async () => {
    const alice = await world.createGroup();
    const bob = await alice.welcome('bob');
    await world.clock.advance(1_000);
    const frames = [alice, bob].map((member) => member.prepareCommit().frame);
    const answers = await Promise.all(frames.map((frame) => alice.post(frame)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status, body } of answers.filter((answer) => answer.status !== 200)) {
      expect([status, body.errcode, body.epoch]).toEqual([409, 'CONCLAVE_WRONG_EPOCH', 3]);
    }
    await Promise.all([alice, bob].map((member) => member.sync()));
    expect(bob.group.authenticator).toEqual(alice.group.authenticator);
  });

  it('the same frame is stored once, and all are told the same', async () => {
    const alice = await world.createGroup();
    const text = alice.prepareText('once').frame;
    const commit = alice.prepareCommit().frame;
    for (const [frame, expected] of [
      [text, { seq: 2, epoch: 0 }],
      [commit, { seq: 3, epoch: 1 }],
    ] as const) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => alice.post(frame)));
      for (const { status, body } of answers) expect([status, body]).toEqual([200, expected]);
    }
    await alice.sync();
    expect(alice.group.lastSeq).toBe(3);
  });

  it('a group with too many waiting frames says so, and goes on', async () => {
    await using narrow = await startSealedWorld({ sealedGroups: { maxWaitingPerGroup: 1 } });
    const alice = await narrow.createGroup();
    // Pipelined in one segment: they are read in one turn of the event loop.
    const requests = Array.from({ length: 8 }, (_, index) => {
      const { frame } = alice.prepareText(`${index}`);
      const head = `POST ${alice.path}/frames HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\n`;
      const last = index === 7 ? 'connection: close\r\n' : '';
      return Buffer.concat([Buffer.from(`${head}${last}content-length: ${frame.length}\r\n\r\n`), frame]);
    });
    const socket = connect(narrow.running.server.port, '127.0.0.1');
    let answers = '';
    socket.setEncoding('utf8').on('data', (part: string) => (answers += part));
    socket.write(Buffer.concat(requests));
    await once(socket, 'close');
    const statuses = [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]);
    expect(statuses).toHaveLength(8);
    const accepted = statuses.filter((status) => status === '200').length;
    expect(statuses.filter((status) => status === '429')).toHaveLength(8 - accepted);
    expect(accepted).toBeLessThan(8);
    expect(answers).toContain('"errcode":"CONCLAVE_OVERLOADED"');
    expect(answers).toContain('"retry_after_ms":1000');
    await alice.sync();
    expect(alice.group.lastSeq).toBe(1 + accepted);
    expect((await alice.say('calm again')).status).toBe(200);
  });

  it('two servers are refused on one database, if that is a file', async ({ skip }) => {
    const { dataDirectory, server } = world.running;
    skip(server.store.engine !== 'sqlite');
    await expect(createServer(parseConfig({ dataDirectory }))).rejects.toMatchObject({
      code: 'STORE_IN_USE',
    });
  });
});

describe('a database without room', () => {
  it('refuses with a clear error, keeps what it has, and goes on when there is room', async ({ skip }) => {
    await using full = await startSealedWorld();
    const { store } = full.running.server;
    skip(store.engine !== 'sqlite', 'only SQLite can be told how large its file may be');
    const alice = await full.createGroup();
    const limitPages = (pages: number) =>
      store.write(async (trx) => {
        await sql`pragma max_page_count = ${sql.lit(pages)}`.execute(trx);
      });
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(store.db);
    await limitPages(rows[0]!.page_count + 8);
    const content = { kind: 'application', type: 'x/y', content: new Uint8Array(50_000) } as const;
    const message = alice.group.encryptMessage({ content, nowMs: alice.nowMs() });
    if (!message.ok) throw new Error(message.rule);
    const { frame } = message.value;
    await full.refused(() => alice.post(frame), 507, 'CONCLAVE_STORAGE_FULL');
    expect((await alice.readLog(0)).lastSeq).toBe(1);
    await limitPages(1_000_000);
    expect((await alice.post(frame)).body).toEqual({ seq: 2, epoch: 0 });
  });
});

describe('limits by address', () => {
  it('are their own for creating, posting, proving, reading and uploading', async () => {
    const few = { burst: 10, perMinute: 1 };
    const one = { burst: 1, perMinute: 1 };
    await using strict = await startSealedWorld({
      rateLimits: { groupCreate: one, framePost: few, readProof: few, groupRead: few, blobPut: one },
    });
    const member = await strict.createGroup();
    await expect(strict.createGroup()).rejects.toThrow('M_LIMIT_EXCEEDED');
    const octets = new Uint8Array(10);
    const { path, headers } = member.proveBlob(octets);
    const token = await member.newReadToken();
    const acts: (() => Promise<ServerAnswer>)[] = [
      () => member.post(new Uint8Array(1)),
      () => ask(strict.url, 'POST', `${member.path}/challenge`),
      () => ask(strict.url, 'GET', `${member.path}/leaves`, { token }),
      () => ask(strict.url, 'PUT', path, { octets, headers }),
    ];
    for (const act of acts) {
      const answers = [];
      for (let count = 0; count <= 10; count++) answers.push(await act());
      const limited = answers.filter(({ status }) => status === 429);
      expect(limited.length).toBeGreaterThan(0);
      expect(answers[0]!.status).not.toBe(429);
      for (const { body } of limited) {
        expect([body.errcode, body.retry_after_ms > 0]).toEqual(['M_LIMIT_EXCEEDED', true]);
      }
    }
  });
});
