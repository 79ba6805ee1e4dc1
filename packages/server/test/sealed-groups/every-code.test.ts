/** No code of the delivery service is without a test that provokes it: `refused` in the files beside this one checks it. */
import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { sealedGroupErrorCodes } from '../../src/sealed-groups/sealed-group-error-codes.ts';

it('every code of the registry is provoked by a test over a real socket', async () => {
  const names = (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.test.ts'));
  const sources = await Promise.all(names.map((name) => readFile(`${import.meta.dirname}/${name}`, 'utf8')));
  const provoked = new Set(sources.join('').match(/(?<=')CONCLAVE_[A-Z_]+(?=')/g));
  const missing = Object.keys(sealedGroupErrorCodes).filter((code) => !provoked.has(code));
  expect(missing).toEqual([]);
});
