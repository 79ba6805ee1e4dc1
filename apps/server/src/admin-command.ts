/** `conclave admin`: what an operator asks of the running server. */
import { createOperatorClient, OperatorError, type OperatorClient } from '@conclave/server';
import { parseCommandLine, takeFlag } from './command-line.ts';
import { readConfig } from './read-config.ts';
import { runBlobKeys } from './blob-keys-command.ts';
import { runReadOnly } from './read-only-command.ts';
import { UsageError } from './usage-error.ts';

const usage = `Usage: conclave admin registration-token create [--uses N] [--days N]
       conclave admin registration-token list
       conclave admin registration-token revoke ID
       conclave admin account deactivate NAME
       conclave admin blob-keys create | add | promote ID | status | remove ID
                                                             the master keys that encrypt blobs at rest
       conclave admin gateway [disconnect CLIENT]            how the real-time gateway stands; end one connection
       conclave admin read-only [on [--seconds N] | off]     take no changes for a while, and say how it stands

The server must be running on this machine. Give the same --config and flags as to conclave start
(--dataDirectory and --admin.port say which server is meant).
`;

const dayMs = 86_400_000;

export async function runAdmin(args: readonly string[]): Promise<number> {
  const whole = parseCommandLine(args);
  const [subject, action, argument] = whole.words;
  if (whole.help || subject === undefined) {
    process.stdout.write(usage);
    return 0;
  }
  const uses = takeFlag(whole, 'uses');
  const days = takeFlag(uses.line, 'days');
  const seconds = takeFlag(days.line, 'seconds');
  const read = readConfig(seconds.line);
  if (!read.ok) {
    process.stderr.write(`conclave: ${read.message}`);
    return 1;
  }
  try {
    if (subject === 'blob-keys') return await runBlobKeys(read.config, action, argument);
    const client = createOperatorClient(read.config);
    switch (`${subject} ${action ?? ''}`) {
      case 'registration-token create':
        return await createToken(client, positive(uses.value, '--uses'), positive(days.value, '--days'));
      case 'registration-token list':
        return await listTokens(client);
      case 'registration-token revoke':
        return say(
          await client.revokeRegistrationToken(needed(argument, 'ID')),
          'revoked',
          'there is no such token',
        );
      case 'account deactivate':
        return say(
          await client.deactivateAccount(needed(argument, 'NAME')),
          'deactivated',
          'there is no such account',
        );
      case 'gateway ':
        return await describeGateway(client);
      case 'gateway disconnect':
        await client.disconnectClient(needed(argument, 'CLIENT'));
        return say(true, 'disconnected', '');
      case 'read-only ':
        return await runReadOnly(client, undefined, null);
      case 'read-only on':
        return await runReadOnly(client, 'on', positive(seconds.value, '--seconds'));
      case 'read-only off':
        return await runReadOnly(client, 'off', null);
      default:
        throw new UsageError(`unknown command: admin ${subject} ${action ?? ''}`);
    }
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    process.stderr.write(`conclave: ${error.message}\n`);
    return 1;
  }
}

async function createToken(
  client: OperatorClient,
  uses: number | null,
  days: number | null,
): Promise<number> {
  const { id, token } = await client.createRegistrationToken({
    usesAllowed: uses,
    lifetimeMs: days === null ? null : days * dayMs,
  });
  const limit = uses === null ? 'any number of accounts' : uses === 1 ? 'one account' : `${uses} accounts`;
  process.stdout.write(`${token}\n`);
  process.stderr.write(
    `Token ${id}, for ${limit}, ${days === null ? 'until revoked' : `for ${days} days`}. It is shown only now.\n`,
  );
  return 0;
}

async function listTokens(client: OperatorClient): Promise<number> {
  for (const token of await client.listRegistrationTokens()) {
    const used = `${token.uses}/${token.usesAllowed ?? '∞'} used`;
    const until =
      token.expiresAtMs === null ? 'until revoked' : `until ${new Date(token.expiresAtMs).toISOString()}`;
    process.stdout.write(`${token.id}  ${token.purpose}  ${used}  ${until}\n`);
  }
  return 0;
}

async function describeGateway(client: OperatorClient): Promise<number> {
  const { engine, nodes } = await client.describeGateway();
  process.stdout.write(`${engine}\n`);
  for (const { name, clients, channels, subscriptions } of nodes) {
    process.stdout.write(
      `${name}: ${clients} clients, ${channels} channels, ${subscriptions} subscriptions\n`,
    );
  }
  return 0;
}

function say(done: boolean, yes: string, no: string): number {
  (done ? process.stdout : process.stderr).write(`${done ? yes : no}\n`);
  return done ? 0 : 1;
}

function needed(argument: string | undefined, name: string): string {
  if (argument === undefined) throw new UsageError(`${name} is missing`);
  return argument;
}

function positive(text: string | undefined, flag: string): number | null {
  if (text === undefined) return null;
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new UsageError(`${flag} needs a whole number above 0`);
  return Number(text);
}
