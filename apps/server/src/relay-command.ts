/** `conclave relay`: how the relaying of the installation stands, and what becomes of rows that the bus kept refusing. */
import { createOperatorClient, OperatorError, type RelayStatusAnswer } from '@conclave/server';
import { parseCommandLine } from './command-line.ts';
import { readConfig } from './read-config.ts';
import { UsageError } from './usage-error.ts';

const usage = `Usage: conclave relay status [--json]      each shard of the outbox: who relays it, and how far behind it is
       conclave relay parked [--json]      rows that the bus kept refusing
       conclave relay unpark ID            put one back: it is told after what its key has told since
       conclave relay discard ID           give one up for good

The server must be running on this machine. Give the same --config and flags as to conclave start.
`;

export async function runRelay(args: readonly string[]): Promise<number> {
  const asJson = args.includes('--json');
  const line = parseCommandLine(args.filter((argument) => argument !== '--json'));
  const [action, id] = line.words;
  if (line.help || action === undefined) {
    process.stdout.write(usage);
    return 0;
  }
  const read = readConfig(line);
  if (!read.ok) {
    process.stderr.write(`conclave: ${read.message}`);
    return 1;
  }
  try {
    const client = createOperatorClient(read.config);
    switch (action) {
      case 'status': {
        const status = await client.relayStatus();
        process.stdout.write(asJson ? `${JSON.stringify(status)}\n` : describe(status));
        return 0;
      }
      case 'parked': {
        const rows = await client.listParked();
        if (asJson) process.stdout.write(`${JSON.stringify({ rows })}\n`);
        else {
          for (const row of rows) {
            const since = new Date(row.parked_at_ms).toISOString();
            process.stdout.write(
              `${row.id}  ${row.error_code} after ${row.attempts} attempts  ${since}  ${row.message_id}\n`,
            );
          }
        }
        return 0;
      }
      case 'unpark':
        return say(await client.unpark(needed(id)), 'put back', 'there is no such parked row');
      case 'discard':
        return say(await client.discardParked(needed(id)), 'discarded', 'there is no such parked row');
      default:
        throw new UsageError(`unknown command: relay ${action}`);
    }
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    process.stderr.write(`conclave: ${error.message}\n`);
    return 1;
  }
}

function describe({ shards, parked_rows }: RelayStatusAnswer): string {
  const rows = shards.map(({ shard, holder, token, expires_in_ms, pending_rows, oldest_age_ms }) => [
    String(shard),
    holder ?? 'nobody',
    token === null ? '' : String(token),
    expires_in_ms === null ? '' : `${(expires_in_ms / 1_000).toFixed(1)} s`,
    String(pending_rows),
    oldest_age_ms === null ? '' : `${(oldest_age_ms / 1_000).toFixed(1)} s`,
  ]);
  const table = [['shard', 'holder', 'token', 'lease', 'rows', 'oldest'], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n${parked_rows} rows are parked${parked_rows > 0 ? ': see conclave relay parked' : ''}\n`;
}

function say(done: boolean, yes: string, no: string): number {
  (done ? process.stdout : process.stderr).write(`${done ? yes : no}\n`);
  return done ? 0 : 1;
}

function needed(id: string | undefined): number {
  if (id === undefined || !/^[1-9]\d{0,15}$/.test(id))
    throw new UsageError('the ID of a parked row is a number');
  return Number(id);
}
