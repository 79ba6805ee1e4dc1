/**
 * How many messages a server accepts from one client process, and what one costs it. Not a test: run it on a quiet machine.
 *
 *     node e2e/src/measure-posting.ts [messages=4000] [connections=64] [folder for a CPU profile]
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { startServerProcess, TestMember } from '@conclave/testkit';
import { registerAccount } from './register-account.ts';

const [messages = 4_000, connections = 64] = process.argv.slice(2, 4).map(Number);
const profileFolder = process.argv[4];

const dataDirectory = await mkdtemp(join(tmpdir(), 'conclave-measure-'));
const server = await startServerProcess({
  dataDirectory,
  flags: { 'accounts.registration': 'open' },
  nodeArguments: profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`],
});
try {
  const accessToken = await registerAccount(server.url, 'ada');
  const { url } = server;
  const alice = await TestMember.create({ url, name: 'alice', accessToken, origin: 'conclave.test' });
  await alice.welcome('bob');
  const frames = Array.from({ length: messages }, (_, index) => alice.prepareText(`message ${index}`).frame);
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const post = (frame: Uint8Array): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/octet-stream', 'content-length': frame.length };
      const posted = request(`${url}${alice.path}/frames`, { method: 'POST', agent, headers }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode ?? 0));
      });
      posted.once('error', reject).end(frame);
    });
  const statuses = new Map<number, number>();
  const left = frames.values();
  const poster = async (): Promise<void> => {
    for (const frame of left) {
      const status = await post(frame);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const cpuBefore = await cpuSeconds(server.pid);
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: connections }, poster));
  const seconds = (performance.now() - startedMs) / 1_000;
  const cpu = (await cpuSeconds(server.pid)) - cpuBefore;
  agent.destroy();
  process.stdout.write(
    `${JSON.stringify({
      messages,
      connections,
      statuses: Object.fromEntries(statuses),
      perSecond: Math.round(messages / seconds),
      serverCpuMicrosecondsPerMessage: Math.round((cpu / messages) * 1e6),
      frameBytes: frames[0]?.length,
    })}\n`,
  );
  await server.stop();
} finally {
  await server[Symbol.asyncDispose]();
  await rm(dataDirectory, { recursive: true });
}

/** User and system time of the process, all threads. */
async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
