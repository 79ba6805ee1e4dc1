/** `conclave start`: runs until SIGTERM or SIGINT, or until its database belongs to a newer version; then stops in order. */
import {
  BlobError,
  BusError,
  createLog,
  createMetrics,
  LeaseError,
  type Log,
  StoreError,
  systemRandom,
} from '@conclave/platform';
import {
  ConfigError,
  createServer,
  ListenError,
  newProcessId,
  renderConfigProblems,
  SecretsFileError,
} from '@conclave/server';
import { pino } from 'pino';
import { parseCommandLine } from './command-line.ts';
import { readConfig } from './read-config.ts';
import { describeStart } from './start-message.ts';

/** For what closes by itself after everything was stopped. */
const lingerMs = 1_000;

export async function runStart(args: readonly string[]): Promise<number> {
  const read = readConfig(parseCommandLine(args));
  if (!read.ok) return fail(read.message);
  const { config } = read;
  const processId = newProcessId(systemRandom);
  const log = createLog({
    level: config.log.level,
    processId,
    destination: pino.destination({ dest: 2, sync: true }),
  });

  // Asked for before anything is opened: a signal during a slow start must not be lost.
  const stop = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      stop.resolve();
      // A second signal means: now.
      process.once(signal, () => process.exit(1));
    });
  }

  let server;
  try {
    server = await createServer(config, { log, metrics: createMetrics({ process: true }), processId });
  } catch (error) {
    endSoon(log);
    return fail(explain(error));
  }
  try {
    await server.warmUp();
    await server.listen();
    process.stdout.write(describeStart(server, await server.firstAccountToken()));
  } catch (error) {
    await server.close();
    endSoon(log);
    return fail(explain(error));
  }
  const outdated = await Promise.race([stop.promise, server.outdated]);
  process.stdout.write('Stopping: running requests may finish.\n');
  await server.close();
  endSoon(log);
  return outdated === undefined ? 0 : fail(explain(outdated));
}

/** A connection to an engine that hangs may not close in time; it must not keep the process. */
function endSoon(log: Log): void {
  const timer = setTimeout(() => {
    const resources = [...new Set(process.getActiveResourcesInfo())];
    log.warn({ resources }, 'something did not close: ending without it');
    process.exit();
  }, lingerMs);
  timer.unref();
}

function fail(message: string): number {
  process.stderr.write(`conclave: ${message.trimEnd()}\n`);
  return 1;
}

/** An engine that is away, refuses us, or is not what this program needs. */
function isOfEngine(error: unknown): error is Error & { readonly code: string } {
  return [StoreError, BusError, LeaseError, BlobError].some((kind) => error instanceof kind);
}

/** What an operator can do something about; a bug keeps its stack trace. */
function explain(error: unknown): string {
  if (error instanceof ConfigError) return renderConfigProblems(error.problems);
  if (error instanceof SecretsFileError) return `${error.message}\n  Remedy: ${error.remedy}`;
  if (error instanceof ListenError) {
    return `${error.message}\n  Remedy: stop the other program, or start with --listen.port=PORT (and --admin.port=PORT).`;
  }
  if (isOfEngine(error)) return `${error.message} (${error.code})`;
  throw error;
}
