/**
 * What encryption at rest costs: blobs on a disk, plain and encrypted in turn, `node packages/platform/bench/blob-encryption.ts`.
 *
 * Both get the same body in chunks of 64 KiB, as uploads arrive, and both are warmed. Each round puts and gets both, the second
 * round the other one first; the figures are medians of rounds, and the ratio is one of rounds too, so that what else the machine
 * does concerns both. `--folder=DIR` says where; without it, the folder for temporary files.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDiskBlobStore, type BlobStore } from '@conclave/platform';
import { createTestEncryption } from '../test/encrypted-store.ts';

const MiB = 1024 * 1024;
const sizes = [64 * MiB, MiB, 16 * 1024];
const warmUps = 3;
const { values } = parseArgs({
  options: { folder: { type: 'string', default: tmpdir() }, rounds: { type: 'string', default: '9' } },
});
const rounds = Number(values.rounds);

await using encryption = await createTestEncryption();
const folder = await mkdtemp(join(values.folder, 'conclave-bench-'));
const plain = await openDiskBlobStore({ folder: join(folder, 'plain') });
const sealed = await encryption.encrypt(await openDiskBlobStore({ folder: join(folder, 'sealed') }));

for (const size of sizes) {
  const times = {
    put: { plain: [] as number[], sealed: [] as number[] },
    get: { plain: [] as number[], sealed: [] as number[] },
  };
  for (let round = -warmUps; round < rounds; round++) {
    const order = [['plain', plain] as const, ['sealed', sealed] as const];
    if (round % 2 !== 0) order.reverse();
    for (const [name, blobs] of order) {
      const put = await timed(() => putAll(blobs, size));
      const get = await timed(() => getAll(blobs, size));
      if (round < 0) continue;
      times.put[name].push(put);
      times.get[name].push(get);
    }
  }
  for (const operation of ['put', 'get'] as const) {
    const { plain: ofPlain, sealed: ofSealed } = times[operation];
    const ratio = median(ofPlain.map((ms, round) => ms / ofSealed[round]!));
    const line =
      `plain ${rate(median(ofPlain))}, encrypted ${rate(median(ofSealed))}, ` +
      `${ratio.toFixed(2)} of it (median of ${rounds})`;
    process.stdout.write(`${operation}, ${size / 1024} KiB`.padEnd(20) + `${line}\n`);
  }
}
await rm(folder, { recursive: true });

/** 64 MiB in all, or a hundred blobs. */
function countOf(size: number): number {
  return Math.min(100, (64 * MiB) / size);
}

async function putAll(blobs: BlobStore, size: number): Promise<number> {
  for (let n = 0; n < countOf(size); n++) await blobs.put(`blob-${n}`, body(size), { maxBytes: size });
  return countOf(size) * size;
}

async function getAll(blobs: BlobStore, size: number): Promise<number> {
  let read = 0;
  for (let n = 0; n < countOf(size); n++) {
    await using reader = await blobs.get(`blob-${n}`);
    for await (const chunk of reader!.body) read += chunk.length;
  }
  if (read !== countOf(size) * size) throw new Error('not all was read');
  return read;
}

/** Chunks of their own, as from a socket. */
async function* body(size: number) {
  for (let sent = 0; sent < size; sent += 65_536) {
    yield Buffer.allocUnsafe(Math.min(65_536, size - sent)).fill(sent % 251);
  }
}

/** Milliseconds for a MiB. */
async function timed(run: () => Promise<number>): Promise<number> {
  const startedAtMs = performance.now();
  const bytes = await run();
  return (performance.now() - startedAtMs) / (bytes / MiB);
}

function rate(msPerMiB: number): string {
  return `${Math.round(1_000 / msPerMiB)} MiB/s`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
