/**
 * Looks for words in everything the server wrote: its database with write-ahead log, its attachments, its output. Each
 * word is looked for as UTF-8, UTF-16, hexadecimal and base64 (at its three alignments), so that an encoding hides nothing.
 */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

export interface Leak {
  readonly word: string;
  readonly place: string;
}

/** Shorter words would be found by accident. */
export const minWordLength = 6;

export async function scanFolder(folder: string, words: readonly string[]): Promise<Leak[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const leaks: Leak[] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    leaks.push(...scanBytes(await readFile(path), words, path.slice(folder.length + 1)));
  }
  return leaks;
}

export function scanBytes(bytes: Buffer, words: readonly string[], place: string): Leak[] {
  return words
    .filter((word) => word.length >= minWordLength)
    .filter((word) => disguises(word).some((disguise) => bytes.includes(disguise)))
    .map((word) => ({ word, place }));
}

function disguises(word: string): Buffer[] {
  const utf8 = Buffer.from(word, 'utf8');
  const hex = utf8.toString('hex');
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), utf8]).toString('base64');
    // The characters that also hold bits of neighbours differ from place to place.
    const end = text.length - [4, 3, 2][(shift + utf8.length) % 3]!;
    return text.slice(shift === 0 ? 0 : shift + 1, (shift + utf8.length) % 3 === 0 ? text.length : end);
  });
  return [
    utf8,
    Buffer.from(word, 'utf16le'),
    Buffer.from(hex),
    Buffer.from(hex.toUpperCase()),
    ...base64.flatMap((text) => [
      Buffer.from(text),
      Buffer.from(text.replaceAll('+', '-').replaceAll('/', '_')),
    ]),
  ];
}
