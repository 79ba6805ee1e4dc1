import type { RandomSource } from '@conclave/platform';

/**
 * Tells the processes of an installation apart in logs and traces, and ends the name under which they hold leases. Another one
 * for every start of a process; says nothing of its machine.
 */
export function newProcessId(random: RandomSource): string {
  return Buffer.from(random.bytes(4)).toString('hex');
}
