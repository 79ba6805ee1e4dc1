/** What the server says of itself at its operator listener. Reading resets the delays of its event loop: they are those since the last reading. */
import type { ServerProcess } from '@conclave/testkit';

export interface ServerHealth {
  readonly isReady: boolean;
  readonly residentMiB: number;
  /** Of all threads since the start. */
  readonly cpuSeconds: number;
  /** Longest delay of the event loop. */
  readonly maxLagMs: number;
  /** Rows that wait to be published, and those that were given up. */
  readonly outboxPending: number;
  readonly outboxParked: number;
}

export async function readServerHealth({ adminUrl }: Pick<ServerProcess, 'adminUrl'>): Promise<ServerHealth> {
  const [ready, metrics] = await Promise.all([
    fetch(`${adminUrl}/ready`),
    fetch(`${adminUrl}/metrics`).then((answer) => answer.text()),
  ]);
  await ready.arrayBuffer();
  const read = (name: string): number =>
    Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1] ?? Number.NaN);
  return {
    isReady: ready.status === 200,
    residentMiB: read('process_resident_memory_bytes') / 2 ** 20,
    cpuSeconds: read('process_cpu_seconds_total'),
    maxLagMs: read('nodejs_eventloop_lag_max_seconds') * 1_000,
    outboxPending: read('conclave_outbox_pending'),
    outboxParked: read('conclave_outbox_parked'),
  };
}
