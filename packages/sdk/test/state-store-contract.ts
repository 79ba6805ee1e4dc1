/** What every StateStore adapter must do; run by the tests of each (house rule 7). Works in Node and in browsers. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StateStore } from '../src/store/state-store.ts';

export interface StoreUnderTest {
  /** Opens the same store again, as after a restart; undefined for stores that do not outlive their process. */
  reopen?: () => Promise<StateStore>;
  store: StateStore;
  cleanUp: () => Promise<void>;
}

export function describeStateStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`StateStore: ${name}`, () => {
    let subject: StoreUnderTest;
    let store: StateStore;
    beforeEach(async () => {
      subject = await open();
      store = subject.store;
    });
    afterEach(async () => {
      await store.close();
      await subject.cleanUp();
    });
    const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

    test('what was put is got, and a missing key is undefined', async () => {
      await store.transact([
        { put: 'a', value: bytes(1, 2) },
        { put: 'empty', value: bytes() },
      ]);
      expect(await store.get('a')).toEqual(bytes(1, 2));
      expect(await store.get('empty')).toEqual(bytes());
      expect(await store.get('b')).toBeUndefined();
    });

    test('operations apply in order, later ones win', async () => {
      await store.transact([
        { put: 'a', value: bytes(1) },
        { delete: 'a' },
        { put: 'b', value: bytes(1) },
        { put: 'b', value: bytes(2) },
        { delete: 'never-there' },
      ]);
      expect(await store.get('a')).toBeUndefined();
      expect(await store.get('b')).toEqual(bytes(2));
    });

    test('lists a prefix in key order within exclusive bounds, both ways, limited', async () => {
      const keys = ['p/1', 'p/3', 'p/2', 'p/10', 'p', 'q/1', 'p0'];
      await store.transact(keys.map((key, index) => ({ put: key, value: bytes(index) })));
      const names = async (options: Omit<Parameters<StateStore['list']>[0], 'prefix'>): Promise<string[]> =>
        (await store.list({ prefix: 'p/', ...options })).map(({ key }) => key);
      expect(await names({})).toEqual(['p/1', 'p/10', 'p/2', 'p/3']);
      expect(await names({ reverse: true, limit: 2 })).toEqual(['p/3', 'p/2']);
      expect(await names({ after: 'p/1', before: 'p/3' })).toEqual(['p/10', 'p/2']);
      expect(await names({ after: 'p/3' })).toEqual([]);
      expect(await names({ after: 'a', limit: 1 })).toEqual(['p/1']);
      expect(await names({ limit: 0 })).toEqual([]);
      expect(await store.list({ prefix: 'nothing/' })).toEqual([]);
    });

    test('neither given nor returned arrays are shared with the store', async () => {
      const given = bytes(1);
      const written = store.transact([{ put: 'a', value: given }]);
      given[0] = 9;
      await written;
      (await store.get('a'))![0] = 8;
      (await store.list({ prefix: 'a' }))[0]!.value[0] = 7;
      expect(await store.get('a')).toEqual(bytes(1));
    });

    test('a transaction with an operation that fails leaves nothing', async () => {
      await store.transact([{ put: 'a', value: bytes(1) }]);
      const broken = {
        put: 'b',
        get value(): Uint8Array {
          throw new Error('broken value');
        },
      };
      await expect(store.transact([{ put: 'a', value: bytes(2) }, broken])).rejects.toBeInstanceOf(Error);
      expect(await store.get('b')).toBeUndefined();
      expect(await store.get('a')).toEqual(bytes(1));
    });

    test('after close every operation is refused with CLIENT_CLOSED, and closing again is harmless', async () => {
      await store.close();
      await store.close();
      await expect(store.get('a')).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
      await expect(store.list({ prefix: '' })).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
      await expect(store.transact([])).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
    });

    test('what was written is there after reopening, and only one may have it open', async () => {
      if (subject.reopen === undefined) return;
      await store.transact([{ put: 'a', value: bytes(5) }]);
      await expect(subject.reopen()).rejects.toMatchObject({ code: 'STORE_LOCKED' });
      await store.close();
      store = await subject.reopen();
      expect(await store.get('a')).toEqual(bytes(5));
    });
  });
}
