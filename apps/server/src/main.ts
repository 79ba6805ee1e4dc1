/**
 * The server's process: `start`, `config`, `admin`, `relay`, `migrate-store` and `migrate-blobs`. Everything it does stands in @conclave/server; here are the
 * command line, the configuration file, the words for people, and signals.
 */
import { runAdmin } from './admin-command.ts';
import { runConfig } from './config-command.ts';
import { runMigrateBlobs } from './migrate-blobs-command.ts';
import { runRelay } from './relay-command.ts';
import { runStart } from './start-command.ts';
import { UsageError } from './usage-error.ts';

const usage = `Usage: conclave start  [--config FILE] [--KEY=VALUE …]   run the server
       conclave config sample|reference|check [FILE]     the annotated settings, or check yours
       conclave config centrifugo [--output FILE]        the configuration of a Centrifugo for this installation
       conclave migrate-store --to postgres://USER@HOST/DATABASE [--password-file FILE] [--config FILE] [--json]
                                                         move a running server from SQLite to PostgreSQL
       conclave migrate-blobs [--concurrency N] [--config FILE] [--json]
                                                         move attachments to S3, or to encryption, while the server runs
       conclave relay status|parked|unpark|discard       how events get to clients, and what stopped on the way
       conclave admin  COMMAND [--config FILE]           operate a running server (conclave admin --help)

Every setting is a flag: --listen.port=9000. See docs/configuration.md.
`;

async function main([command, ...rest]: readonly string[]): Promise<number> {
  switch (command) {
    case 'start':
      return runStart(rest);
    case 'config':
      return runConfig(rest);
    case 'admin':
      return runAdmin(rest);
    case 'relay':
      return runRelay(rest);
    case 'migrate-store':
      // Loads the client of PostgreSQL, which nothing else here needs.
      return (await import('./migrate-store-command.ts')).runMigrateStore(rest);
    case 'migrate-blobs':
      return runMigrateBlobs(rest);
    case undefined:
    case 'help':
    case '--help':
    case '-h':
      process.stdout.write(usage);
      return 0;
    default:
      throw new UsageError(`unknown command: ${command}`);
  }
}

// The clock's timers keep no process alive. A command that waits for an engine has to end by its own decision.
const running = setInterval(() => {}, 60_000);
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`conclave: ${error.message}\n\n${usage}`);
  process.exitCode = 2;
} finally {
  clearInterval(running);
}
