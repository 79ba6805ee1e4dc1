import { expect, it } from 'vitest';
import { haveHeardAll } from './crowd.ts';

const seat = (lastSeq: number, ackedSeq = 0, isRemoved = false) => ({ lastSeq, ackedSeq, isRemoved });

it('everybody who is a member has heard the newest place', () => {
  expect(haveHeardAll([])).toBe(true);
  expect(haveHeardAll([seat(7), seat(7, 7), seat(3, 2, true)])).toBe(true);
  expect(haveHeardAll([seat(7), seat(6)])).toBe(false);
});

it('what was acknowledged counts before anybody has heard it, and when its author is gone', () => {
  expect(haveHeardAll([seat(6), seat(6, 7)])).toBe(false);
  expect(haveHeardAll([seat(6), seat(6), seat(6, 7, true)])).toBe(false);
  expect(haveHeardAll([seat(7), seat(7), seat(6, 7, true)])).toBe(true);
});
