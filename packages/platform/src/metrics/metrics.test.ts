import { describe, expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('values that are read when metrics are asked for', () => {
  test('are read each time, with and without labels', async () => {
    const metrics = createMetrics({ prefix: '' });
    let depth = 3;
    metrics.observe('depth', 'Things that wait.', () => depth);
    metrics.observeEach('held', 'Shards held.', ['shard'], () =>
      Array.from({ length: depth - 2 }, (_, shard) => ({ labels: { shard: String(shard) }, value: 1 })),
    );
    expect(linesOf(await metrics.exposition())).toEqual(['depth 3', 'held{shard="0"} 1']);
    depth = 2;
    expect(linesOf(await metrics.exposition())).toEqual(['depth 2']);
  });

  test('that fail, hang or are unknown leave the rest readable, and have no value meanwhile', async () => {
    const metrics = createMetrics({ prefix: '', maxReadMs: 20 });
    const hang = Promise.withResolvers<number>();
    let broken = false;
    let reads = 0;
    metrics.observe('fails', 'Fails.', () => (broken ? Promise.reject(new Error('away')) : 1));
    metrics.observe('hangs', 'Hangs.', () => {
      reads += 1;
      return broken ? hang.promise : 1;
    });
    metrics.observe('unknown', 'Unknown.', () => (broken ? undefined : 1));
    metrics.observe('fine', 'Fine.', () => 7);
    const values = (lines: readonly string[]) =>
      lines.filter((line) => !line.startsWith('metrics_unread_total'));
    expect(values(linesOf(await metrics.exposition()))).toEqual([
      'fails 1',
      'hangs 1',
      'unknown 1',
      'fine 7',
    ]);

    broken = true;
    for (let i = 0; i < 3; i++) expect(values(linesOf(await metrics.exposition()))).toEqual(['fine 7']);
    expect(reads).toBe(2);
    expect(linesOf(await metrics.exposition())).toEqual(
      expect.arrayContaining([expect.stringMatching(/^metrics_unread_total\{metric="fails"} \d$/)]),
    );

    broken = false;
    hang.resolve(5);
    await expect.poll(async () => values(linesOf(await metrics.exposition()))).toContain('hangs 1');
  });
});
