/** A server process of the testkit as something that chaos may break. */
import type { ServerProcess } from '@conclave/testkit';
import type { ServerVictim, Victim } from './target.ts';

/** After which a process that was asked to end is killed. Long after it should have ended (`../check/check-processes.ts`). */
const killAfterMs = 25_000;
/** The same for engines. */
const killEngineAfterMs = 10_000;

export function serverVictim(name: string, server: ServerProcess, skewSeconds: number): ServerVictim {
  return {
    name,
    url: server.url,
    adminUrl: server.adminUrl,
    skewSeconds,
    get pid() {
      return server.pid;
    },
    get isRunning() {
      return server.isRunning;
    },
    get output() {
      return server.output;
    },
    kill: () => server.kill(),
    pause: () => server.pause(),
    resume: () => server.resume(),
    restart: () => server.restart(),
    async stop() {
      const sinceMs = performance.now();
      const exitCode = await server.stop(killAfterMs);
      return { tookMs: performance.now() - sinceMs, wasKilled: exitCode === null, exitCode };
    },
  };
}

/** What the testkit's engines and its load balancer have in common. */
export interface Engine extends Omit<Victim, 'name' | 'stop'> {
  stop(timeoutMs?: number): Promise<void>;
}

export function engineVictim(name: string, engine: Engine): Victim {
  return {
    name,
    get pid() {
      return engine.pid;
    },
    kill: () => engine.kill(),
    pause: () => engine.pause(),
    resume: () => engine.resume(),
    restart: () => engine.restart(),
    async stop() {
      const sinceMs = performance.now();
      await engine.stop(killEngineAfterMs);
      const tookMs = performance.now() - sinceMs;
      return { tookMs, wasKilled: tookMs >= killEngineAfterMs, exitCode: undefined };
    },
  };
}
