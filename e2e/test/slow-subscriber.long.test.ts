/**
 * A subscriber that stops reading is let go of; the server's memory stays bounded, and nobody else notices. Of all that,
 * the log says when and how long, never which group or by what token.
 */
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServerProcess, TestMember, type ServerProcess } from '@conclave/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { followGroup } from '../src/follower.ts';
import { registerAccount } from '../src/register-account.ts';

let dataDirectory: string;
let server: ServerProcess;

beforeAll(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'conclave-e2e-'));
  server = await startServerProcess({
    dataDirectory,
    flags: { 'accounts.registration': 'open', 'log.level': 'debug' },
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(dataDirectory, { recursive: true });
});

/** Bytes that the server process holds in memory. */
async function residentBytes(): Promise<number> {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024;
}

it('is disconnected, while the group goes on and others hear everything', async () => {
  const { url } = server;
  const accessToken = await registerAccount(url, 'ada');
  const alice = await TestMember.create({ url, name: 'alice', accessToken, origin: 'conclave.test' });
  using follower = await followGroup(alice, 0);

  const grant = await alice.subscribe();
  const slow: WebSocket[] = [];
  for (let count = 0; count < 10; count++) {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/connection/websocket`);
    await once(socket, 'open');
    const connect = { id: 1, connect: { token: grant.connection_token } };
    const subscribe = { id: 2, subscribe: { channel: grant.channel, token: grant.subscription_token } };
    const answered = once(socket, 'message');
    socket.send(`${JSON.stringify(connect)}\n${JSON.stringify(subscribe)}`);
    await answered;
    socket.pause();
    slow.push(socket);
  }
  const before = await residentBytes();

  // 120 MB for the slow ones together, in publications of 40 KiB.
  const content = { kind: 'application', type: 'x/y', content: new Uint8Array(28_000) } as const;
  let last = 0;
  for (let count = 0; count < 300; count++) {
    const message = alice.group.encryptMessage({ content, nowMs: alice.nowMs() });
    if (!message.ok) throw new Error(message.rule);
    const answer = await alice.post(message.value.frame);
    expect(answer.status).toBe(200);
    last = answer.body.seq;
  }
  await follower.reached(last);
  expect(follower.seqs).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  expect((await residentBytes()) - before).toBeLessThan(150 * 1024 * 1024);

  const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
  const closed = /gateway_connections_closed_total\{transport="websocket",code="3008"\} (\d+)/.exec(metrics);
  expect([closed?.[1], metrics.match(/gateway_connections_closed_total\{.*/g)]).toEqual([
    '10',
    expect.anything(),
  ]);
  for (const socket of slow) socket.terminate();

  expect(server.output).toContain('/_conclave/sealed/v1/groups/:groupId/frames');
  const secrets = [alice.groupId, accessToken, alice.readToken!, grant.subscription_token, '127.0.0.1:'];
  const listening = /^.*(listening at|readiness:|listening").*$/gim;
  const said = server.output.replace(listening, '');
  expect(secrets.filter((secret) => said.includes(secret))).toEqual([]);
});
