import { expect, it } from 'vitest';
import { parsePublication } from './parse-publication.ts';

it('gives number and octets', () => {
  expect(parsePublication({ seq: 7, epoch: 2, frame: 'AAEC' })).toEqual({
    seq: 7,
    frame: Uint8Array.of(0, 1, 2),
  });
  expect(parsePublication({ seq: 7, epoch: 2 })).toEqual({ seq: 7, frame: undefined });
});

it.each([
  '%',
  'AAE',
  'A',
  'A===',
  '=',
  'AA=A',
  'AA EC',
  'AAEC\n',
  'A-_C',
  'ÄAEC',
  7,
  null,
  ['AAEC'],
  { toString: 'AAEC' },
])('leaves out a frame that is no base64, and keeps the number: %j', (frame) => {
  expect(parsePublication({ seq: 7, frame })).toEqual({ seq: 7, frame: undefined });
});

it.each([
  undefined,
  null,
  'seq',
  7,
  [],
  {},
  { seq: '7' },
  { seq: 7.5 },
  { seq: 2 ** 53 },
  { seq: Number.NaN },
  { frame: 'AAEC' },
])('is nothing without a number: %j', (data) => {
  expect(parsePublication(data)).toBeUndefined();
});
