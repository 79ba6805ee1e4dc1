/** Histories on disk: JSON lines, each written by the kernel before the client goes on, so that a killed client loses none. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HistoryEntry } from './history.ts';

export interface HistoryFile extends Disposable {
  append(entry: HistoryEntry): void;
}

const suffix = '.history.jsonl';

export function openHistoryFile(folder: string, client: string): HistoryFile {
  const file = openSync(join(folder, `${client}${suffix}`), 'a', 0o600);
  return {
    append: (entry) => void writeSync(file, `${JSON.stringify(entry)}\n`),
    [Symbol.dispose]: () => closeSync(file),
  };
}

/** All histories of a run. Throws on a line that is not JSON: a history is whole or worthless. */
export async function readHistories(folder: string): Promise<HistoryEntry[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(suffix)).sort();
  const entries: HistoryEntry[] = [];
  for (const name of names) {
    const lines = (await readFile(join(folder, name), 'utf8')).split('\n').filter((line) => line !== '');
    for (const line of lines) entries.push(JSON.parse(line) as HistoryEntry);
  }
  return entries;
}
