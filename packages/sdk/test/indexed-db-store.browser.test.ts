import { deleteDB } from 'idb';
import { expect, test } from 'vitest';
import { openBrowserStore, openIndexedDbStore } from '../src/browser/index.ts';
import { utf8 } from '../src/encoding/bytes.ts';
import { describeStateStore } from './state-store-contract.ts';

let count = 0;

describeStateStore('IndexedDB', async () => {
  const name = `contract-${count++}`;
  const reopen = () => openIndexedDbStore({ name });
  return { store: await reopen(), reopen, cleanUp: () => deleteDB(name) };
});

test('a store without passphrase opens again with the key that the browser keeps', async () => {
  const name = 'wrapped';
  const first = await openBrowserStore({ name });
  await first.transact([{ put: ['a'], value: utf8('secret') }]);
  await first.close();
  const second = await openBrowserStore({ name });
  expect(await second.get(['a'])).toEqual(utf8('secret'));
  await second.close();
  await expect(openBrowserStore({ name, passphrase: 'x' })).rejects.toMatchObject({
    code: 'STORE_WRONG_KEY',
  });
  await deleteDB(name);
  await deleteDB(`${name}:wrapping-key`);
});
