/** Where the server's time goes: V8's sampling profile, self time summed by what the code belongs to. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** First match counts. */
const owners: readonly (readonly [owner: string, pattern: RegExp])[] = [
  ['group arithmetic and hashing (the kernel and around it)', /^wasm:|@noble\/curves|packages\/ristretto/],
  ['hashing (@noble/hashes)', /@noble\/hashes/],
  ['protobuf', /@bufbuild|\/wire\//],
  ['sealed-group rules', /packages\/sealed-group/],
  ['SQL (kysely, better-sqlite3)', /kysely|better-sqlite3|packages\/platform\/src\/(store|outbox)/],
  ['outbox relay and bus', /packages\/platform\/src\/(relay|bus)/],
  ['gateway', /packages\/gateway|node_modules\/ws\//],
  [
    'HTTP (node, fastify)',
    /fastify|node:_?http|node:net|node:internal\/(stream|http|net)|find-my-way|node:internal\/timers/,
  ],
  ['server features', /packages\/server/],
  ['starting (modules, stripping of types)', /node:internal\/(modules|process|bootstrap|deps)|node:vm/],
];

/** Shares of the busy time of all threads by owner, largest first; idle time is left out. Workers are one owner. */
export async function readCpuShares(folder: string): Promise<(readonly [owner: string, share: number])[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile'));
  if (files.length === 0) throw new Error('the server wrote no profile');
  const timeByOwner = new Map<string, number>();
  for (const file of files) {
    const profile = JSON.parse(await readFile(join(folder, file), 'utf8')) as Profile;
    addTimes(timeByOwner, profile, isOfWorker(file) ? 'worker threads (proofs)' : undefined);
  }
  const busy = [...timeByOwner.values()].reduce((sum, time) => sum + time, 0);
  return [...timeByOwner].map(([owner, time]) => [owner, time / busy] as const).sort((a, b) => b[1] - a[1]);
}

/** Node names profiles CPU.DATE.TIME.PROCESS.THREAD.NUMBER.cpuprofile; thread 0 is the main one. */
function isOfWorker(file: string): boolean {
  return file.split('.')[4] !== '0';
}

function addTimes(timeByOwner: Map<string, number>, profile: Profile, owner: string | undefined): void {
  const ownerById = new Map(
    profile.nodes.map(({ id, callFrame }) => {
      const found = ownerOf(callFrame);
      return [id, found === undefined ? undefined : (owner ?? found)];
    }),
  );
  profile.samples.forEach((id, index) => {
    const of = ownerById.get(id);
    if (of !== undefined) timeByOwner.set(of, (timeByOwner.get(of) ?? 0) + (profile.timeDeltas[index] ?? 0));
  });
}

function ownerOf({ functionName, url }: { functionName: string; url: string }): string | undefined {
  if (functionName === '(idle)') return undefined;
  if (functionName === '(garbage collector)') return 'garbage collection';
  const found = owners.find(([, pattern]) => pattern.test(url));
  if (found !== undefined) return found[0];
  return functionName === '(program)' || url === '' ? 'native code (sockets, SQLite, sync to disk)' : 'other';
}
