/** The ports of a cluster. A folder that is kept keeps them too, so that an address stays right over `down` and `up`. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePort } from '../servers/free-port.ts';

export type PortOf = (name: string) => number;

/** Chooses a port for each name that has none in the folder yet. */
export async function keepPorts(folder: string, names: readonly string[]): Promise<PortOf> {
  const file = join(folder, 'ports.json');
  const ports = await readPorts(file);
  for (const name of names) ports.set(name, ports.get(name) ?? (await findUnused([...ports.values()])));
  await writeFile(file, `${JSON.stringify(Object.fromEntries(ports), undefined, 2)}\n`, { mode: 0o600 });
  return (name) => {
    const port = ports.get(name);
    if (port === undefined) throw new Error(`no port was kept for ${name}`);
    return port;
  };
}

async function readPorts(file: string): Promise<Map<string, number>> {
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as Record<string, number>;
    return new Map(Object.entries(kept));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw error;
  }
}

async function findUnused(used: readonly number[]): Promise<number> {
  for (;;) {
    const port = await findFreePort();
    if (!used.includes(port)) return port;
  }
}
