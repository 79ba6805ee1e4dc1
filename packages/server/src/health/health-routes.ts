/**
 * `/health`: the process runs and answers (liveness). `/ready`: it can do its work (readiness): the database
 * takes a unit, nobody else has it who must not, its gateway hears the bus if another's does (../gateway/hearing-watch.ts), and
 * the server is not stopping. Neither tells anything else to strangers.
 */
import type { FastifyInstance } from 'fastify';
import type { Log } from '@conclave/platform';

/** One thing that readiness depends on; resolves when it works, rejects when it does not. */
export interface ReadinessCheck {
  readonly name: string;
  readonly run: () => Promise<void>;
}

export interface HealthDeps {
  readonly checks: readonly ReadinessCheck[];
  readonly isStopping: () => boolean;
  readonly log: Log;
}

export function addHealthRoutes(app: FastifyInstance, { checks, isStopping, log }: HealthDeps): void {
  app.get('/health', async () => ({ status: 'ok' }));

  app.get('/ready', async (_request, reply) => {
    const outcomes = await Promise.allSettled(checks.map((check) => check.run()));
    const failed = checks.filter((check, index) => {
      const outcome = outcomes[index];
      if (outcome?.status !== 'rejected') return false;
      log.warn({ check: check.name, err: outcome.reason as unknown }, 'not ready');
      return true;
    });
    if (failed.length === 0 && !isStopping()) return { status: 'ready' };
    return reply
      .code(503)
      .send({ status: isStopping() ? 'stopping' : 'not ready', failed: failed.map((check) => check.name) });
  });
}
