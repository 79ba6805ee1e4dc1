import { expect, it } from 'vitest';
import { systemRandom } from '@conclave/platform';
import { createRequestIds } from './request-ids.ts';

it('ids of requests have twelve characters and do not repeat, over any number of supplies', () => {
  const nextId = createRequestIds(systemRandom);
  const ids = Array.from({ length: 2_000 }, () => nextId());
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.filter((id) => !/^[\w-]{12}$/.test(id))).toEqual([]);
});
