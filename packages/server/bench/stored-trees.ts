/**
 * Trees out of their rows: time to load one, to write its octets, to read a path; and the longest that the event loop was
 * held meanwhile, which is what other groups' messages wait.
 *
 *   node packages/server/bench/stored-trees.ts [members ...]        one JSON line for each
 */
import { loadTree, readPath, requireEpoch, streamTree } from '../src/sealed-groups/stored-tree.ts';
import { createTreeRows } from '../src/sealed-groups/tree-rows.ts';
import { fullTree, insertFullGroup, openBenchStore } from './full-group.ts';

interface Measured {
  readonly ms: number;
  /** Time of the processor, with that of garbage collection in other threads. */
  readonly cpuMs: number;
  /** Longest step between two turns of the event loop, by the clock and by the thread's own time on the processor. */
  readonly longestStepMs: number;
  readonly longestStepCpuMs: number;
}

async function measure(work: () => Promise<unknown>): Promise<Measured> {
  const longest = { ms: 0, cpu: 0 };
  const now = () => ({ ms: performance.now(), cpu: threadCpuMs() });
  let last = now();
  let over = false;
  const look = (): void => {
    const at = now();
    longest.ms = Math.max(longest.ms, at.ms - last.ms);
    longest.cpu = Math.max(longest.cpu, at.cpu - last.cpu);
    last = at;
    if (!over) setImmediate(look);
  };
  setImmediate(look);
  const start = performance.now();
  const cpuBefore = process.cpuUsage();
  await work();
  const ms = performance.now() - start;
  const cpu = process.cpuUsage(cpuBefore);
  over = true;
  const round = (value: number): number => Number(value.toFixed(2));
  return {
    ms: Math.round(ms),
    cpuMs: Math.round((cpu.user + cpu.system) / 1_000),
    longestStepMs: round(longest.ms),
    longestStepCpuMs: round(longest.cpu),
  };
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

for (const members of process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1_024, 65_536]) {
  await using opened = await openBenchStore();
  const rows = createTreeRows(opened.store);
  const groupId = await insertFullGroup(opened.store, fullTree(members), 0);
  const load = (): Promise<unknown> => loadTree(rows, groupId, 0);
  await load();
  const loading = await measure(load);
  let octets = 0;
  const streaming = await measure(async () => {
    const made = await requireEpoch(rows, groupId, 0);
    for await (const piece of streamTree(rows, groupId, 0, made)) octets += piece.length;
  });
  const paths = 500;
  const start = performance.now();
  for (let count = 0; count < paths; count++) await readPath(rows, groupId, 0, (count * 7919) % members);
  const pathMs = Number(((performance.now() - start) / paths).toFixed(3));
  process.stdout.write(`${JSON.stringify({ members, loading, streaming, octets, pathMs })}\n`);
}
