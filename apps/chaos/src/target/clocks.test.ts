import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { countSkewed, readClocks, secondsAhead, wantedSkews } from './clocks.ts';
import type { ClockReading } from './clocks.ts';
import type { ServerVictim } from './target.ts';

const reading = (setSeconds: number, seenSeconds: number | undefined): ClockReading => ({
  server: 'p1',
  setSeconds,
  seenSeconds,
});

it('reads how far ahead a clock is from the header of an answer', () => {
  const nowMs = Date.parse('2026-01-01T00:00:30Z');
  expect(secondsAhead('Thu, 01 Jan 2026 00:00:50 GMT', nowMs)).toBe(20);
  expect(secondsAhead('Thu, 01 Jan 2026 00:00:10 GMT', nowMs)).toBe(-20);
  expect(secondsAhead(null, nowMs)).toBe(undefined);
  expect(secondsAhead('yesterday', nowMs)).toBe(undefined);
});

it('counts clocks that are as wrong as they were set, every time that they are read', () => {
  const good = [reading(0, 0.4), reading(20, 19.1), reading(-20, -21.3)];
  expect(countSkewed([good, good])).toBe(2);
  expect(countSkewed([good, [reading(0, 0), reading(20, 19), reading(-20, 0)]])).toBe(1);
  expect(countSkewed([[reading(20, undefined), reading(-20, 20), reading(0, 20)]])).toBe(0);
  expect(countSkewed([])).toBe(0);
});

it('wants a wrong clock of each process that has one set, and one where the machine cannot', () => {
  const servers = [0, 20, -20].map((skewSeconds) => ({ skewSeconds }) as ServerVictim);
  expect(wantedSkews({ skew: 'wanted', servers })).toBe(2);
  expect(wantedSkews({ skew: 'impossible', servers: [] })).toBe(1);
  expect(wantedSkews({ skew: 'unwanted', servers })).toBe(undefined);
});

it('asks the processes themselves', async () => {
  const http = createServer((_, answer) => {
    answer.setHeader('date', new Date(Date.now() + 20_000).toUTCString()).end('{}');
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  try {
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const skewed = { name: 'p2', url, skewSeconds: 20 } as ServerVictim;
    expect(countSkewed([await readClocks([skewed])])).toBe(1);
    expect(countSkewed([await readClocks([{ ...skewed, skewSeconds: -20 }])])).toBe(0);
  } finally {
    http.close();
    http.closeAllConnections();
  }
});
