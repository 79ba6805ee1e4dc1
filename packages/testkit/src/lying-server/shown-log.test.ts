import { describe, expect, it } from 'vitest';
import {
  forking,
  replacing,
  rollingBack,
  showLog,
  swapping,
  withholding,
  type Lie,
  type TrueFrame,
} from './shown-log.ts';

const frame = (seq: number, postedBy?: string): TrueFrame => ({
  seq,
  epoch: 0,
  octets: Uint8Array.of(seq),
  postedBy,
});
const log = (length: number): TrueFrame[] => Array.from({ length }, (_, index) => frame(index + 1));
const lie = (tell: Lie['tell'], to?: string[]): Lie => ({
  to: to === undefined ? undefined : new Set(to),
  tell,
});
const seqs = (shown: readonly { seq: number }[]): number[] => shown.map(({ seq }) => seq);

describe('a log as a liar shows it', () => {
  it('withholds frames, with and without a hole', () => {
    expect(seqs(showLog(log(4), [lie(withholding([2], false))], undefined))).toEqual([1, 3, 4]);
    const holed = showLog(log(4), [lie(withholding([2], true))], undefined);
    expect(holed.map(({ isHole }) => isHole === true)).toEqual([false, true, false, false]);
  });

  it('swaps two frames once both are there, and shows nothing in their place before', () => {
    const lies = [lie(swapping(2, 4))];
    expect(seqs(showLog(log(1), lies, undefined))).toEqual([1]);
    expect(seqs(showLog(log(3), lies, undefined))).toEqual([1]);
    expect(seqs(showLog(log(5), lies, undefined))).toEqual([1, 4, 3, 2, 5]);
  });

  it('rolls back, replaces, and lies only to whom it means', () => {
    expect(seqs(showLog(log(4), [lie(rollingBack(2), ['bob'])], 'bob'))).toEqual([1, 2]);
    expect(seqs(showLog(log(4), [lie(rollingBack(2), ['bob'])], 'ada'))).toEqual([1, 2, 3, 4]);
    const replaced = showLog(log(2), [lie(replacing(2, Uint8Array.of(9)))], undefined);
    expect(replaced.map(({ octets }) => octets?.[0])).toEqual([1, 9]);
  });

  it('forks: each side sees what its own people post', () => {
    const posted = [frame(1, 'ada'), frame(2, 'bob'), frame(3, 'ada'), frame(4, 'bob'), frame(5, 'cem')];
    const lies = [lie(forking(2, [['ada', 'cem'], ['bob']]))];
    expect(seqs(showLog(posted, lies, 'ada'))).toEqual([1, 2, 3, 5]);
    expect(seqs(showLog(posted, lies, 'bob'))).toEqual([1, 2, 4]);
  });
});
