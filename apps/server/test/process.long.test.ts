/** The program as an operator runs it: separate processes, signals, exit codes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

describe('the program', () => {
  let directory: string;
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'conclave-app-'));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    }
    await rm(directory, { recursive: true });
  });

  function run(args: readonly string[], environment: Record<string, string> = {}) {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
      cwd: directory,
      env: { PATH: process.env['PATH'] ?? '', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    const output = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.err += text));
    const exited = once(child, 'close').then(([code]) => code as number | null);
    return { child, output, exited };
  }

  async function start(...args: string[]) {
    const process = run(['start', '--listen.port=0', '--admin.port=0', '--shutdown.graceMs=1000', ...args]);
    await expect.poll(() => process.output.out, { timeout: 20_000 }).toContain('Stop with Ctrl-C.');
    const url = /listening at (\S+)/.exec(process.output.out)?.[1] ?? '';
    const adminPort = /127\.0\.0\.1:(\d+)\/metrics/.exec(process.output.out)?.[1] ?? '';
    return { ...process, url, adminPort };
  }

  it('starts without configuration, tells what to do next, and stops in order on SIGTERM', async () => {
    const server = await start();
    expect((await fetch(`${server.url}/ready`)).status).toBe(200);
    expect(server.output.out).toMatch(/first account \(works once\): [a-z2-7-]{27}/);
    const files = await readdir(join(directory, 'data'));
    expect(files).toContain('secrets.json');
    server.child.kill('SIGTERM');
    expect(await server.exited).toBe(0);
    expect(
      server.output.err
        .split('\n')
        .filter((line) => line !== '')
        .every((line) => line.startsWith('{')),
    ).toBe(true);
    // A write-ahead log beside the database would mean that it was not closed.
    expect(await readdir(join(directory, 'data'))).not.toContain('conclave.db-wal');
  });

  it('takes operator commands while it runs', async () => {
    const server = await start();
    const at = [`--admin.port=${server.adminPort}`];
    const created = run(['admin', 'registration-token', 'create', '--uses=2', ...at]);
    expect(await created.exited).toBe(0);
    expect(created.output.out).toMatch(/^[a-z2-7-]{27}\n$/);
    const listed = run(['admin', 'registration-token', 'list', ...at]);
    expect(await listed.exited).toBe(0);
    expect(listed.output.out).toContain('operator  0/2 used  until revoked');
    const unknown = run(['admin', 'account', 'deactivate', 'nobody', ...at]);
    expect(await unknown.exited).toBe(1);
    server.child.kill('SIGINT');
    expect(await server.exited).toBe(0);
  });

  it('shows every problem of a configuration at once and does not start', async () => {
    await writeFile(join(directory, 'conclave.yaml'), 'listen:\n  prot: 1\nsecret: hunter2\n');
    const server = run(['start', '--admin.port=x'], { CONCLAVE_LOG_LEVEL: 'loud' });
    expect(await server.exited).toBe(1);
    for (const text of [
      '4 problems',
      'listen.prot',
      'Did you mean port?',
      'CONCLAVE_LOG_LEVEL',
      '--admin.port',
    ]) {
      expect(server.output.err).toContain(text);
    }
    expect(server.output.err).not.toContain('hunter2');
    expect(await readdir(directory)).toEqual(['conclave.yaml']);
  });

  it('prints a sample configuration that it accepts', async () => {
    const sample = run(['config', 'sample']);
    expect(await sample.exited).toBe(0);
    await writeFile(join(directory, 'sample.yaml'), sample.output.out);
    const good = run(['config', 'check', 'sample.yaml']);
    expect(await good.exited).toBe(0);
    await writeFile(join(directory, 'bad.yaml'), 'jobs: {sweepIntervalMs: 1}\n');
    const bad = run(['config', 'check', 'bad.yaml']);
    expect(await bad.exited).toBe(1);
    expect(bad.output.err).toContain('jobs.sweepIntervalMs = 1');
  });

  it('waits for a bus that does not answer yet, and says so', async () => {
    const server = run([
      'start',
      '--listen.port=0',
      '--admin.port=0',
      '--bus.engine=nats',
      '--bus.url=nats://127.0.0.1:1',
    ]);
    await expect
      .poll(() => server.output.err, { timeout: 20_000 })
      .toContain('the bus server does not answer yet');
    expect(await Promise.race([server.exited, new Promise((resolve) => setTimeout(resolve, 2_000))])).toBe(
      undefined,
    );
    // The first asks it to stop when it has started, the second ends it.
    server.child.kill('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 500));
    server.child.kill('SIGTERM');
    expect(await server.exited).toBe(1);
  });

  it('names what keeps it from the database, and ends', async () => {
    const server = run(['start', '--store.engine=postgres', '--store.url=postgres://x@127.0.0.1:1/x']);
    expect(await server.exited).toBe(1);
    expect(server.output.err).toBe(
      'conclave: the database cannot be reached: ECONNREFUSED (STORE_UNAVAILABLE)\n',
    );
  });

  it('explains a port that is taken and a command line that it does not understand', async () => {
    const server = await start();
    const { port } = new URL(server.url);
    const second = run(['start', `--listen.port=${port}`, '--admin.port=0', '--dataDirectory=other']);
    expect(await second.exited).toBe(1);
    expect(second.output.err).toContain('another program listens there already');
    const same = run(['start', '--listen.port=0', '--admin.port=0']);
    expect(await same.exited).toBe(1);
    expect(same.output.err).toContain('STORE_IN_USE');
    const wrong = run(['strat']);
    expect(await wrong.exited).toBe(2);
    expect(wrong.output.err).toContain('unknown command: strat');
  });
});
