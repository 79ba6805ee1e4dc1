import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readSecretFile } from './secret-file.ts';

let file: string;
beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), 'conclave-secret-')), 'password');
});
afterEach(() => rmSync(join(file, '..'), { recursive: true }));

it('is one line, whose end does not belong to it', () => {
  for (const text of ['pass word', 'pass word\n', 'pass word\r\n']) {
    writeFileSync(file, text);
    expect(readSecretFile(file)).toBe('pass word');
  }
});

it('refuses what is no secret, and quotes nothing of it', () => {
  for (const text of ['', '\n', 'canary\ncanary', 'canary\0', 'canary'.repeat(1_000)]) {
    writeFileSync(file, text);
    expect(() => readSecretFile(file)).toThrow('does not hold one secret');
    expect(() => readSecretFile(file)).not.toThrow('canary');
  }
  expect(() => readSecretFile(`${file}.missing`)).toThrow('cannot be read');
});
