/** `conclave cluster`: the whole installation on this machine, for trying it and for tests. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ClusterStateError } from './cluster-state.ts';
import { down } from './down.ts';
import { status } from './status.ts';
import { supervise, type SuperviseOptions } from './supervise.ts';
import { up } from './up.ts';

const usage = `Usage: conclave cluster up      [--processes N] [--gateway embedded|centrifugo] [--server-name NAME] [--folder DIR]
       conclave cluster status  [--folder DIR] [--json]
       conclave cluster down    [--folder DIR] [--drop-data]

Starts PostgreSQL, NATS, Redis, an S3 server, N server processes (3 by default) and a load balancer on this machine, on
free ports of 127.0.0.1 and with generated secrets, in the background. Data stays in the folder (data/cluster by
default) and is used again by the next up, unless down is told to drop it. For an installation that serves people see
deploy/README.md.
`;

process.exitCode = await main();

async function main(): Promise<number> {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        processes: { type: 'string', default: '3' },
        gateway: { type: 'string', default: 'embedded' },
        'server-name': { type: 'string', default: 'localhost' },
        folder: { type: 'string', default: 'data/cluster' },
        'drop-data': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return misused(error instanceof Error ? error.message : String(error));
  }
  const { values, positionals } = parsed;
  const [command, ...rest] = positionals;
  if (values.help || command === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  if (rest.length > 0) return misused(`not understood: ${rest.join(' ')}`);
  const processes = Number(values.processes);
  if (!Number.isInteger(processes) || processes < 1 || processes > 16) {
    return misused('--processes needs a whole number from 1 to 16');
  }
  const { gateway } = values;
  if (gateway !== 'embedded' && gateway !== 'centrifugo')
    return misused('--gateway is embedded or centrifugo');
  const folder = resolve(values.folder);
  const options: SuperviseOptions = { folder, processes, gateway, serverName: values['server-name'] };
  try {
    switch (command) {
      case 'up':
        return await up(options);
      case 'status':
        return await status(folder, values.json);
      case 'down':
        return await down(folder, values['drop-data']);
      case 'supervise':
        return await supervise(options);
      case undefined:
        return misused('a command is missing');
      default:
        return misused(`unknown command: ${command}`);
    }
  } catch (error) {
    if (!(error instanceof ClusterStateError)) throw error;
    process.stderr.write(`conclave cluster: ${error.message} (${error.code})\n`);
    return 1;
  }
}

function misused(what: string): number {
  process.stderr.write(`conclave cluster: ${what}\n\n${usage}`);
  return 2;
}
