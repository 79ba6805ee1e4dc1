/**
 * A process that holds a lease whenever it can, to be killed and stopped. It prints, synchronously, one line each:
 *
 *   held TOKEN TIME    it believed to hold the lease at or after TIME
 *   over TOKEN         it knows that it does not
 *
 * Times are nanoseconds of the machine's monotonic clock, which all processes share. The process's own idea of the date
 * is off by `skewMs`.
 */
import { writeSync } from 'node:fs';
import { silentLog, systemClock, type Clock } from '@conclave/platform';
import { openPostgresLeases } from '@conclave/platform/postgres';

const { url, passwordFile, leaseMs, skewMs, holder } = JSON.parse(process.argv[2]!) as {
  url: string;
  passwordFile: string;
  leaseMs: number;
  skewMs: number;
  holder: string;
};
const { readFileSync } = await import('node:fs');
const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() + skewMs };
const leases = await openPostgresLeases({
  url,
  password: readFileSync(passwordFile, 'utf8').trim(),
  leaseMs,
  holder,
  clock,
  log: silentLog,
});
writeSync(1, 'ready\n');
for (;;) {
  const lease = await leases.acquire('the-one');
  for (;;) {
    const atNs = process.hrtime.bigint();
    if (!lease.isHeld()) break;
    writeSync(1, `held ${lease.token} ${atNs}\n`);
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
  }
  writeSync(1, `over ${lease.token}\n`);
}
