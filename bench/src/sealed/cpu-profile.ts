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
  ['group arithmetic (the kernel and around it)', /^wasm:|@noble\/curves|packages\/ristretto/],
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

/** Shares of busy time by owner, largest first; idle time is left out. */
export async function readCpuShares(folder: string): Promise<(readonly [owner: string, share: number])[]> {
  const file = (await readdir(folder)).find((name) => name.endsWith('.cpuprofile'));
  if (file === undefined) throw new Error('the server wrote no profile');
  const profile = JSON.parse(await readFile(join(folder, file), 'utf8')) as Profile;
  const ownerById = new Map(profile.nodes.map(({ id, callFrame }) => [id, ownerOf(callFrame)]));
  const timeByOwner = new Map<string, number>();
  profile.samples.forEach((id, index) => {
    const owner = ownerById.get(id);
    if (owner === undefined) return;
    timeByOwner.set(owner, (timeByOwner.get(owner) ?? 0) + (profile.timeDeltas[index] ?? 0));
  });
  const busy = [...timeByOwner.values()].reduce((sum, time) => sum + time, 0);
  return [...timeByOwner].map(([owner, time]) => [owner, time / busy] as const).sort((a, b) => b[1] - a[1]);
}

function ownerOf({ functionName, url }: { functionName: string; url: string }): string | undefined {
  if (functionName === '(idle)') return undefined;
  if (functionName === '(garbage collector)') return 'garbage collection';
  const found = owners.find(([, pattern]) => pattern.test(url));
  if (found !== undefined) return found[0];
  return functionName === '(program)' || url === '' ? 'native code (sockets, SQLite, sync to disk)' : 'other';
}
