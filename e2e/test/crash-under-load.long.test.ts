/**
 * The server is killed in the middle of its work, again and again: what it acknowledged is in the log exactly once, what it
 * stored is published, and clients come back without gap or duplicate.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServerProcess, TestMember, type ServerProcess } from '@conclave/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { followGroup } from '../src/follower.ts';
import { persistently } from '../src/persistent.ts';
import { registerAccount } from '../src/register-account.ts';
import { seededFraction, seedOfRun } from '../src/seeded.ts';

const kills = 6;
let dataDirectory: string;
let server: ServerProcess;

beforeAll(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'conclave-e2e-'));
  server = await startServerProcess({ dataDirectory, flags: { 'accounts.registration': 'open' } });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(dataDirectory, { recursive: true });
});

const digest = (frame: Uint8Array): string => createHash('sha256').update(frame).digest('hex');

it('keeps every acknowledged frame exactly once through kills at random moments under load', async () => {
  const seed = seedOfRun();
  const fraction = seededFraction(seed);
  const { url } = server;
  const accessToken = await registerAccount(url, 'ada');
  const alice = await TestMember.create({ url, name: 'alice', accessToken, origin: 'conclave.test' });
  const writers = [await alice.welcome('bob'), await alice.welcome('carol'), await alice.welcome('dave')];
  for (const writer of writers) await writer.sync();
  using follower = await followGroup(await alice.welcome('eve'), 0);

  /** Sequence numbers as the server acknowledged them, by frame. */
  const acknowledged = new Map<string, number>();
  const load = { isOver: false };
  const post = async (member: TestMember, frame: Uint8Array): Promise<boolean> => {
    const { status, body } = await persistently(() => member.post(frame));
    const outcome = status === 200 ? 'accepted' : body.errcode;
    expect({ seed, outcome }).toEqual({
      seed,
      outcome: expect.stringMatching(/^(accepted|CONCLAVE_WRONG_EPOCH)$/),
    });
    if (status === 200) acknowledged.set(digest(frame), body.seq);
    return status === 200;
  };
  const write = async (member: TestMember): Promise<void> => {
    for (let count = 0; !load.isOver; count++) {
      if (!(await post(member, member.prepareText(`message ${count}`).frame))) {
        await persistently(() => member.sync());
      }
    }
  };
  const commit = async (): Promise<void> => {
    while (!load.isOver) {
      await sleep(400);
      await post(alice, alice.prepareCommit().frame);
      await persistently(() => alice.sync());
    }
  };
  const kill = async (): Promise<void> => {
    for (let count = 0; count < kills; count++) {
      // Under load: some way into what this process has accepted.
      const until = acknowledged.size + 25 + Math.floor(50 * fraction());
      while (acknowledged.size < until) await sleep(1 + 4 * fraction());
      await server.kill();
      await server.restart();
    }
    load.isOver = true;
  };
  await Promise.all([kill(), commit(), ...writers.map(write)]);

  const members = [alice, ...writers];
  for (const member of members) await member.sync();
  const last = (await alice.say('the end')).body.seq;
  await follower.reached(last);

  const log: { seq: number; frame: Uint8Array }[] = [];
  for (let page = await alice.readLog(0, 500); page.frames.length > 0;) {
    log.push(...page.frames);
    page = await alice.readLog(log.length, 500);
  }
  expect(log.map(({ seq }) => seq)).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  expect(new Set(log.map(({ frame }) => digest(frame))).size).toBe(last);
  for (const [frame, seq] of acknowledged) {
    expect([seed, frame, digest(log[seq - 1]!.frame)]).toEqual([seed, frame, frame]);
  }
  expect(acknowledged.size).toBeGreaterThan(100);

  // All the same group, and nobody missed anything.
  for (const member of members) await member.sync();
  expect(new Set(members.map(({ group }) => Buffer.from(group.authenticator!).toString('hex'))).size).toBe(1);
  expect(follower.seqs).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  expect(follower.live).toBeGreaterThan(0);
  expect(follower.subscriptions).toBe(1 + kills);

  // What the killed processes had stored and not yet published was published by their successors.
  expect(await server.stop()).toBe(0);
  using database = new DatabaseSync(join(dataDirectory, 'conclave.db'), { readOnly: true });
  expect(database.prepare('select count(*) as n from outbox').get()).toEqual({ n: 0 });
  expect(database.prepare('select count(*) as n from outbox_parked').get()).toEqual({ n: 0 });
  expect(database.prepare('pragma integrity_check').get()).toEqual({ integrity_check: 'ok' });
});
