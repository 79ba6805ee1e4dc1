/** `conclave migrate-blobs`: has the running server move attachments to where its settings say, and tells how far it is. */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '@conclave/platform';
import {
  createOperatorClient,
  OperatorError,
  type BlobMoveStatus,
  type OperatorClient,
} from '@conclave/server';
import { parseCommandLine, takeFlag } from './command-line.ts';
import { readConfig } from './read-config.ts';
import { UsageError } from './usage-error.ts';

const usage = `Usage: conclave migrate-blobs [--concurrency N] [--config FILE] [--KEY=VALUE …] [--json]

Has the running server move its attachments while it serves them: from the disk to S3 (blobs.engine: s3 with
blobs.previous: disk), and to encryption at rest (blobs.masterKeysFile). Each is read back and compared with the size and
SHA-256 that its uploader has proven. The server goes on with it by itself, also after a restart or crash; this command
begins it, prints how far it is, and ends with it. Broken off, it is run again. N attachments at once, 4 unless given.
`;

const askEveryMs = 1_000;
const tellEveryMs = 2_000;
/** How long the server may be away, for a restart, until this gives up watching. */
const patienceMs = 60_000;

export async function runMigrateBlobs(args: readonly string[]): Promise<number> {
  const asJson = args.includes('--json');
  const whole = parseCommandLine(args.filter((argument) => argument !== '--json'));
  if (whole.help) {
    process.stdout.write(usage);
    return 0;
  }
  const { value: concurrency = '4', line } = takeFlag(whole, 'concurrency');
  if (!/^(?:[1-9]|[1-5]\d|6[0-4])$/.test(concurrency)) {
    throw new UsageError('--concurrency needs a whole number from 1 to 64');
  }
  const read = readConfig(line);
  if (!read.ok) return fail(read.message);
  const { blobs } = read.config;
  if (blobs.previous === null && blobs.masterKeysFile === null) {
    return fail(
      'nothing is to be moved: set blobs.previous or blobs.masterKeysFile, and start the server so',
    );
  }
  try {
    const client = createOperatorClient(read.config);
    const status = await watch(client, await client.beginBlobMove(Number(concurrency)));
    process.stdout.write(asJson ? `${JSON.stringify(jsonOf(status))}\n` : describe(status));
    return status.problems === 0 ? 0 : 1;
  } catch (error) {
    if (error instanceof OperatorError) return fail(error.message);
    throw error;
  }
}

/** Resolves when the move is over. Rejects with OperatorError when the server has been away for too long. */
async function watch(client: OperatorClient, first: BlobMoveStatus): Promise<BlobMoveStatus> {
  let status = first;
  let told = '';
  let toldAtMs = -Infinity;
  let heardAtMs = systemClock.monotonicMs();
  while (status.finishedAtMs === null) {
    const { verified, total, problems } = status;
    const text =
      `${verified.attachments} of ${total.attachments} attachments are verified, ` +
      `${mib(verified.bytes)} of ${mib(total.bytes)} MiB${problems === 0 ? '' : `, ${problems} cannot be moved`}\n`;
    const nowMs = systemClock.monotonicMs();
    if (text !== told && nowMs - toldAtMs >= tellEveryMs) {
      process.stderr.write(text);
      told = text;
      toldAtMs = nowMs;
    }
    await sleep(askEveryMs);
    try {
      status = await client.blobMove();
      heardAtMs = systemClock.monotonicMs();
    } catch (error) {
      if (!(error instanceof OperatorError) || systemClock.monotonicMs() - heardAtMs > patienceMs)
        throw error;
    }
  }
  return status;
}

function mib(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1);
}

function jsonOf(status: BlobMoveStatus): unknown {
  return {
    ok: status.problems === 0,
    engine: status.engine,
    previous: status.previous,
    encrypted: status.isEncrypted,
    seconds: ((status.finishedAtMs ?? 0) - (status.begunAtMs ?? 0)) / 1_000,
    total: status.total,
    verified: status.verified,
    problems: status.problems,
    some_problems: status.someProblems,
  };
}

function describe(status: BlobMoveStatus): string {
  const { engine, previous, isEncrypted, total, verified, problems, someProblems } = status;
  const lines = [
    `${verified.attachments} of ${total.attachments} attachments (${mib(verified.bytes)} MiB) were read back from ` +
      `${engine}${isEncrypted ? ', encrypted at rest,' : ''} with their size and SHA-256.`,
    ...someProblems.map(({ storageKey, problem }) => `  ${problem.padEnd(7)}  ${storageKey}`),
  ];
  if (problems > 0) {
    lines.push(
      `${problems} could not be moved: they were lost or damaged before. Restore them where they were and run this again` +
        (previous === null ? '.' : `, or keep the old folder for what may be saved from it.`),
    );
  } else if (previous === 'disk') {
    lines.push(
      'Remove blobs.previous from the configuration and restart the server. Then the folder attachments in dataDirectory may be removed.',
    );
  }
  return `${lines.join('\n')}\n`;
}

function fail(message: string): number {
  process.stderr.write(`conclave: ${message.trimEnd()}\n`);
  return 1;
}
