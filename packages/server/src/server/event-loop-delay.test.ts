import { createMetrics } from '@conclave/platform';
import { expect, it } from 'vitest';
import { measureEventLoopDelay } from './event-loop-delay.ts';

it('shows that the event loop was held', async () => {
  const metrics = createMetrics({ prefix: '' });
  using _measuring = measureEventLoopDelay(metrics);
  const untilMs = performance.now() + 60;
  while (performance.now() < untilMs);
  const above = async (bound: string): Promise<number> => {
    const text = await metrics.exposition();
    const read = (le: string) =>
      Number(new RegExp(`_bucket\\{le="${le.replace('+', '\\+')}"\\} (\\d+)`).exec(text)?.[1]);
    return read('+Inf') - read(bound);
  };
  await expect.poll(() => above('0.05'), { timeout: 10_000 }).toBeGreaterThan(0);
});
