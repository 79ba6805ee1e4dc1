import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { missingProgram } from './find-program.ts';
import { onFreePort } from './free-port.ts';
import { startRealServer, type RealServer } from './real-server.ts';
import { requireServer } from './require-server.ts';
import { createServerFolder, type ServerFolder } from './server-folder.ts';

const disposables: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of disposables.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

async function folderOf(name: string): Promise<ServerFolder> {
  const folder = await createServerFolder({ name });
  disposables.push(folder);
  return folder;
}

/** A plain command of Redis and its answer's first line. */
async function ask(port: number, line: string, signal: AbortSignal): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', signal });
  try {
    socket.write(`${line}\r\n`);
    const [answer] = (await once(socket, 'data', { signal })) as [Buffer];
    return answer.toString('utf8').trim();
  } finally {
    socket.destroy();
  }
}

requireServer(missingProgram('redis-server'))('a real server', () => {
  async function startRedis(): Promise<{ server: RealServer; port: number }> {
    const folder = await folderOf('redis');
    return onFreePort(async (port) => {
      const server = await startRealServer({
        name: 'redis',
        program: 'redis-server',
        arguments: ['--port', String(port), '--bind', '127.0.0.1', '--appendonly', 'yes'],
        folder: folder.path,
        probe: async (signal) => {
          if ((await ask(port, 'PING', signal)) !== '+PONG') throw new Error('not ready');
        },
      });
      disposables.push(server);
      return { server, port };
    });
  }

  it('keeps its port and data when it is killed and started again', async () => {
    const { server, port } = await startRedis();
    const first = server.pid;
    expect(await ask(port, 'SET key value', AbortSignal.timeout(2_000))).toBe('+OK');
    await server.kill();
    await expect(ask(port, 'PING', AbortSignal.timeout(2_000))).rejects.toThrow('ECONNREFUSED');
    await server.restart();
    expect(server.pid).not.toBe(first);
    expect(await ask(port, 'GET key', AbortSignal.timeout(2_000))).toContain('value');
  });

  it('says nothing while it is paused, and goes on after', async () => {
    const { server, port } = await startRedis();
    server.pause();
    await expect(ask(port, 'PING', AbortSignal.timeout(300))).rejects.toThrow('aborted');
    server.resume();
    expect(await ask(port, 'PING', AbortSignal.timeout(5_000))).toBe('+PONG');
    server.pause();
    await server.stop();
    await expect(ask(port, 'PING', AbortSignal.timeout(2_000))).rejects.toThrow('ECONNREFUSED');
  });
});

describe('a program that is started as a server', () => {
  it('is reported with what it printed when it ends at once, and its folder is removed', async () => {
    let disposed = false;
    const folder = await folderOf('short');
    const start = startRealServer({
      name: 'short',
      program: process.execPath,
      arguments: ['-e', 'console.error("no such setting"); process.exit(3)'],
      folder: folder.path,
      probe: () => Promise.reject(new Error('nobody listens')),
      dispose: async () => void (disposed = true),
    });
    await expect(start).rejects.toThrow(/short ended at start \(3\):\nno such setting/);
    expect(disposed).toBe(true);
  });

  it('is killed, with its children, when it never answers', async () => {
    const folder = await folderOf('mute');
    const program = `
      const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
      require('node:fs').writeFileSync('child', String(child.pid));
      setInterval(() => {}, 1000);`;
    const start = startRealServer({
      name: 'mute',
      program: process.execPath,
      arguments: ['-e', program],
      folder: folder.path,
      startTimeoutMs: 1_000,
      probe: () => Promise.reject(new Error('nobody listens')),
    });
    await expect(start).rejects.toThrow('mute did not answer in time');
    const child = Number(execFileSync('cat', [join(folder.path, 'child')], { encoding: 'utf8' }));
    await expect.poll(() => isRunning(child)).toBe(false);
  });

  it('dies with the process that started it', async () => {
    const folder = await folderOf('orphan');
    const starter = join(folder.path, 'starter.ts');
    await writeFile(
      starter,
      `import { startRealServer } from ${JSON.stringify(new URL('./real-server.ts', import.meta.url).href)};
       const server = await startRealServer({
         name: 'orphan', program: process.execPath, arguments: ['-e', 'setInterval(() => {}, 1000)'],
         folder: ${JSON.stringify(folder.path)}, probe: async () => {},
       });
       console.log(server.pid);`,
    );
    const parent = spawn(process.execPath, [starter], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const orphan = Number(line.toString('utf8'));
    expect(isRunning(orphan)).toBe(true);
    parent.kill('SIGKILL');
    await expect.poll(() => isRunning(orphan), { timeout: 5_000 }).toBe(false);
  });
});

/** Whether the process is there and not a zombie that nobody has asked after. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(
      execFileSync('cat', [`/proc/${pid}/status`], { encoding: 'utf8', stdio: 'pipe' }),
    );
  } catch {
    return false;
  }
}
