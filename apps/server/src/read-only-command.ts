/** `conclave admin read-only`: the running server takes no changes for a while. */
import type { OperatorClient } from '@conclave/server';
import { UsageError } from './usage-error.ts';

const maxSeconds = 600;

/** `on` for `seconds` (60 unless given; asked again, it is prolonged), `off`, or nothing: how it stands. */
export async function runReadOnly(
  client: OperatorClient,
  action: 'on' | 'off' | undefined,
  seconds: number | null,
): Promise<number> {
  switch (action) {
    case undefined:
      break;
    case 'on':
      if (seconds !== null && seconds > maxSeconds) {
        throw new UsageError(`--seconds is at most ${maxSeconds}: ask again to prolong it`);
      }
      await client.beginReadOnly((seconds ?? 60) * 1_000);
      break;
    case 'off': {
      const { session } = await client.readOnly();
      if (session !== null && !(await client.endReadOnly(session))) {
        process.stderr.write('the database was moved away: this server stays read-only\n');
        return 1;
      }
      break;
    }
    default:
      return action satisfies never;
  }
  const { readOnly, endsInMs } = await client.readOnly();
  const until = endsInMs === null ? 'for good' : `for ${Math.ceil(endsInMs / 1_000)} more seconds`;
  process.stdout.write(readOnly ? `read-only, ${until}\n` : 'not read-only\n');
  return 0;
}
