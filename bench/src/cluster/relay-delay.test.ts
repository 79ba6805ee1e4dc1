import { describe, expect, it } from 'vitest';
import { medianRelayDelayMs, parseRelayDelays } from './relay-delay.ts';

const metric = 'conclave_relay_delay_seconds';

describe('the delay of the relay', () => {
  it('is read from the metrics of all processes, and of those that relay nothing', () => {
    const text = (one: number, all: number): string =>
      [
        `# TYPE ${metric} histogram`,
        `${metric}_bucket{le="0.001"} ${one}`,
        `${metric}_bucket{le="+Inf"} ${all}`,
        `${metric}_sum 1.5`,
        `${metric}_count ${all}`,
        'conclave_bus_publish_duration_seconds_bucket{le="0.001"} 7',
      ].join('\n');
    expect([...parseRelayDelays([text(1, 3), '', text(2, 5)])]).toEqual([
      [0.001, 3],
      [Infinity, 8],
    ]);
    expect(() => parseRelayDelays(['', '# nothing'])).toThrow(/no process has the metric/);
  });

  it('has its median where half of the rows since the first reading lie, evenly within the bucket', () => {
    const before = new Map([
      [0.001, 100],
      [0.005, 100],
      [Infinity, 100],
    ]);
    const after = (within1: number, within5: number, all: number) =>
      new Map([
        [Infinity, 100 + all],
        [0.005, 100 + within5],
        [0.001, 100 + within1],
      ]);
    expect(medianRelayDelayMs(before, after(10, 10, 10))).toBeCloseTo(0.5);
    expect(medianRelayDelayMs(before, after(0, 10, 10))).toBeCloseTo(3);
    expect(medianRelayDelayMs(before, after(4, 8, 10))).toBeCloseTo(2);
    expect(medianRelayDelayMs(before, after(1, 2, 10))).toBe(Infinity);
    expect(() => medianRelayDelayMs(before, before)).toThrow(/nothing was relayed/);
  });
});
