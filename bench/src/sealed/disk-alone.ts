/**
 * What the disk does when nobody but this measurement uses it: for the share of a latency that is the disk's. Some disks, those of
 * rented machines above all, stop for a tenth of a second now and then, whoever syncs.
 */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../metric.ts';
import { machineMs } from './post-load.ts';

/** As much as a unit of messages writes to the log, as often as units come at half load. */
const writeBytes = 80 * 1_024;
const logBytes = 16 * 1_024 * 1_024;
const pauseMs = 3;
const measuredMs = 5_000;

export interface DiskAlone {
  readonly syncP99Ms: number;
  readonly longestSyncMs: number;
}

/** Takes five seconds. Leaves a file in `folder`. */
export async function measureDiskAlone(folder: string): Promise<DiskAlone> {
  const file = openSync(join(folder, 'disk-alone'), 'w');
  try {
    writeSync(file, Buffer.alloc(logBytes));
    fsyncSync(file);
    const octets = Buffer.alloc(writeBytes, 1);
    const tookMs: number[] = [];
    const endsAtMs = machineMs() + measuredMs;
    for (let at = 0; machineMs() < endsAtMs; at = (at + writeBytes) % (logBytes - writeBytes)) {
      writeSync(file, octets, 0, writeBytes, at);
      const beganAtMs = machineMs();
      fsyncSync(file);
      tookMs.push(machineMs() - beganAtMs);
      await sleep(pauseMs);
    }
    tookMs.sort((a, b) => a - b);
    return { syncP99Ms: percentile(tookMs, 0.99), longestSyncMs: tookMs.at(-1) ?? Number.NaN };
  } finally {
    closeSync(file);
  }
}
