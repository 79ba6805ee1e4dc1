import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanBytes, scanFolder } from './leak-scan.ts';

const encodings = ['utf8', 'utf16le', 'hex', 'base64', 'base64url'] as const;

describe('the search for leaks', () => {
  it('finds a word in every encoding, wherever it stands', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 8, maxLength: 40 }),
        fc.uint8Array({ maxLength: 7 }),
        fc.uint8Array({ maxLength: 7 }),
        fc.constantFrom(...encodings),
        (word, before, after, encoding) => {
          const bytes = encoding === 'utf16le' ? Buffer.from(word, 'utf16le') : Buffer.from(word, 'utf8');
          const whole = Buffer.concat([before, bytes, after]);
          const stored = encoding.startsWith('utf') ? whole : Buffer.from(whole.toString(encoding));
          expect(scanBytes(stored, [word], 'here')).toEqual([{ word, place: 'here' }]);
        },
      ),
      { seed: 1, numRuns: 300 },
    );
  });

  it('finds nothing where nothing is', () => {
    expect(scanBytes(Buffer.alloc(10_000, 7), ['Adalheid'], 'here')).toEqual([]);
  });

  it('reads every file of a folder and names it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'conclave-leak-'));
    await writeFile(join(folder, 'a.db'), 'nothing');
    await writeFile(join(folder, 'b.db'), 'here is Bohumila');
    expect(await scanFolder(folder, ['Bohumila'])).toEqual([{ word: 'Bohumila', place: 'b.db' }]);
    await rm(folder, { recursive: true });
  });
});
