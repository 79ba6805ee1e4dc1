import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { systemRandom } from '@conclave/platform';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openServerSecrets, readServerSecrets, SecretsFileError } from './server-secrets.ts';

describe("the server's secrets", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'conclave-secrets-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const file = () => join(directory, 'secrets.json');

  it('are made once, for their owner only, and are the same ever after', () => {
    expect(readServerSecrets(join(directory, 'secrets.json'))).toBeUndefined();
    const first = openServerSecrets(join(directory, 'secrets.json'), systemRandom);
    const second = openServerSecrets(join(directory, 'secrets.json'), systemRandom);
    expect(second.key('gateway-tokens')).toEqual(first.key('gateway-tokens'));
    expect(readServerSecrets(join(directory, 'secrets.json'))?.key('operator')).toEqual(
      first.key('operator'),
    );
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['secrets.json']);
  });

  it('differ by purpose and by server', () => {
    const secrets = openServerSecrets(join(directory, 'secrets.json'), systemRandom);
    const other = openServerSecrets(
      join(mkdtempSync(join(directory, 'other-')), 'secrets.json'),
      systemRandom,
    );
    const keys = [
      secrets.key('gateway-tokens'),
      secrets.key('operator'),
      secrets.key('sealed-group-challenges'),
      other.key('gateway-tokens'),
    ].map((key) => Buffer.from(key).toString('hex'));
    expect(new Set(keys).size).toBe(4);
    expect(keys.every((key) => key.length === 64)).toBe(true);
  });

  it('do not print themselves', () => {
    const secrets = openServerSecrets(join(directory, 'secrets.json'), systemRandom);
    const { rootKey } = JSON.parse(readFileSync(file(), 'utf8')) as { rootKey: string };
    const hex = Buffer.from(rootKey, 'base64url').toString('hex');
    for (const shown of [
      inspect(secrets, { depth: 9, showHidden: true }),
      JSON.stringify({ secrets }),
      String(secrets),
    ]) {
      expect(shown).toContain('[redacted]');
      expect(shown).not.toContain(rootKey);
      expect(shown).not.toContain(hex);
    }
  });

  it('are not replaced when the file is damaged, and the message does not quote it', () => {
    openServerSecrets(join(directory, 'secrets.json'), systemRandom);
    const good = readFileSync(file(), 'utf8');
    for (const bad of [
      '',
      '{',
      good.slice(0, -5),
      good.replace('"version":1', '"version":2'),
      '{"version":1}',
    ]) {
      writeFileSync(file(), bad);
      let caught: unknown;
      try {
        openServerSecrets(join(directory, 'secrets.json'), systemRandom);
      } catch (error) {
        caught = error;
      }
      expect(caught).toBeInstanceOf(SecretsFileError);
      expect((caught as SecretsFileError).message).toBe(`${file()} is damaged`);
      expect(readFileSync(file(), 'utf8')).toBe(bad);
    }
  });

  it('are an error with a remedy where they cannot be made', () => {
    symlinkSync('/nowhere/at-all', join(directory, 'gone'));
    const open = () => openServerSecrets(join(directory, 'gone', 'secrets.json'), systemRandom);
    expect(open).toThrow(SecretsFileError);
    expect(open).toThrow(/cannot be made \(E[A-Z]+\)/);
  });

  it('are refused when others can read them', () => {
    openServerSecrets(join(directory, 'secrets.json'), systemRandom);
    chmodSync(file(), 0o644);
    expect(() => openServerSecrets(join(directory, 'secrets.json'), systemRandom)).toThrow(
      'can be read by other users',
    );
  });
});
