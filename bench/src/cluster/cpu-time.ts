/** CPU time that processes have used, from /proc: what a message costs each component, whoever else has the cores meanwhile. */
import { readdir, readFile } from 'node:fs/promises';

/** The kernel's unit of these counters on Linux, whatever the kernel was built with. */
const ticksPerSecond = 100;

export interface Component {
  readonly name: string;
  /** Its processes; what they started counts too. */
  readonly pids: readonly number[];
}

/** CPU seconds by component since their start, children that have ended included. */
export async function readCpuSeconds(components: readonly Component[]): Promise<Map<string, number>> {
  const stats = await readAll();
  const seconds = new Map<string, number>();
  for (const { name, pids } of components) {
    let ticks = 0;
    const open = [...pids];
    for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
      ticks += stats.get(pid)?.ticks ?? 0;
      for (const [child, { parent }] of stats) if (parent === pid) open.push(child);
    }
    seconds.set(name, ticks / ticksPerSecond);
  }
  return seconds;
}

/** Resident memory of one process, in bytes. */
export async function readResidentBytes(pid: number): Promise<number> {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kibibytes === undefined) throw new Error(`process ${pid} has no memory`);
  return Number(kibibytes) * 1_024;
}

async function readAll(): Promise<Map<number, { parent: number; ticks: number }>> {
  const stats = new Map<number, { parent: number; ticks: number }>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => undefined);
    // It ended between the listing and the reading.
    if (text === undefined) continue;
    // After the name, which may hold anything: state, parent, …; user, system, and both of waited-for children are 14 to 17.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    stats.set(Number(name), { parent: Number(fields[1]), ticks });
  }
  return stats;
}
