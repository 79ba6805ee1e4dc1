import { expect, test } from 'vitest';
import { measureNewcomer } from '../../bench/newcomer.ts';
import { suite } from '../group/people.ts';

/** `bench/newcomer.ts` measures 65,536 members; paths are logarithmic, so what holds there by far holds here too. */
test('a newcomer reads long before it has the tree', () => {
  const cost = measureNewcomer(2_048, 4, suite);
  expect(cost.bytesUntilReading).toBeLessThanOrEqual(16 * 1024);
  expect(cost.bytesUntilReading * 8).toBeLessThan(cost.treeBytes);
  expect(cost.treeBytesPerNode).toBeLessThanOrEqual(48);
});
