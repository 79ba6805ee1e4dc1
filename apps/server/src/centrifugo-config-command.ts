/** `conclave config centrifugo`: the configuration of a Centrifugo that serves this installation's clients. */
import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import {
  readCentrifugoSecrets,
  renderCentrifugoConfig,
  SecretsFileError,
  type Config,
} from '@conclave/server';
import { systemRandom } from '@conclave/platform';
import { parseCommandLine, takeFlag } from './command-line.ts';
import { readConfig } from './read-config.ts';
import { UsageError } from './usage-error.ts';

const usage = `Usage: conclave config centrifugo [--output FILE] [--admin] [--address HOST] [--port PORT]
                                  [--internal-address HOST] [--internal-port PORT]
                                  [--config FILE] [--KEY=VALUE …]

Prints the complete configuration of a Centrifugo v6 for gateway.engine=centrifugo. It holds secrets: --output writes it
into a file that only this user can read. Clients come to --port (8000); the API, metrics, health and the admin pages
(only with --admin, whose password stands in the configuration) are at --internal-port, by default that of gateway.apiUrl.
`;

export function runCentrifugoConfig(args: readonly string[]): number {
  const withAdmin = args.includes('--admin');
  const line = parseCommandLine(args.filter((arg) => arg !== '--admin'));
  if (line.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (line.words.length > 0) throw new UsageError('conclave config centrifugo takes flags only');
  const output = takeFlag(line, 'output');
  const address = takeFlag(output.line, 'address');
  const port = takeFlag(address.line, 'port');
  const internalAddress = takeFlag(port.line, 'internal-address');
  const internalPort = takeFlag(internalAddress.line, 'internal-port');
  const read = readConfig(internalPort.line);
  if (!read.ok) {
    process.stderr.write(`conclave: ${read.message}`);
    return 1;
  }
  const { config } = read;
  if (config.gateway.engine !== 'centrifugo' || config.bus.url === null) {
    process.stderr.write('conclave: set gateway.engine=centrifugo, bus.engine=nats and bus.url first\n');
    return 1;
  }
  const internal = internalOf(config);
  try {
    const secrets = readCentrifugoSecrets(config, { random: systemRandom, withAdmin });
    const text = renderCentrifugoConfig(config, secrets, {
      address: address.value ?? '127.0.0.1',
      port: portOf(port.value, '--port') ?? 8000,
      internalAddress: internalAddress.value ?? internal.address,
      internalPort: portOf(internalPort.value, '--internal-port') ?? internal.port,
    });
    if (output.value === undefined) process.stdout.write(text);
    else writeSecretly(output.value, text);
    return 0;
  } catch (error) {
    if (!(error instanceof SecretsFileError)) throw error;
    process.stderr.write(`conclave: ${error.message}. ${error.remedy}\n`);
    return 1;
  }
}

/** Where this server expects the API, if it says so: on this machine, or on the one that Centrifugo runs on. */
function internalOf({ gateway }: Config): { address: string; port: number } {
  const url = gateway.apiUrl === null ? undefined : new URL(gateway.apiUrl);
  const isLocal = url === undefined || ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  return {
    address: isLocal ? '127.0.0.1' : '0.0.0.0',
    port: url === undefined ? 9000 : Number(url.port || (url.protocol === 'https:' ? 443 : 80)),
  };
}

function portOf(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 65_535) {
    throw new UsageError(`${flag} needs a port from 1 to 65535`);
  }
  return Number(text);
}

/** Whole or not at all, and never readable for others, whoever could read a file of that name before. */
function writeSecretly(file: string, text: string): void {
  const draft = `${file}.${randomBytes(6).toString('hex')}.new`;
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
    chmodSync(draft, 0o600);
    renameSync(draft, file);
  } catch (cause) {
    rmSync(draft, { force: true });
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new UsageError(`${file} cannot be written (${code})`, { cause });
  }
}
