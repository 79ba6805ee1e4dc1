/**
 * Requests all the time over connections that are kept alive, none of which is ever repeated: what a rolling restart
 * must not let anybody notice.
 *
 * Each worker posts a transfer of its own and reads the one before it, so a lost or doubled change shows as well as a
 * failed request.
 */
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

export interface SteadyLoad {
  /** Requests answered as they should be, so far. */
  readonly answered: number;
  /** What went wrong, one line each. */
  readonly failures: readonly string[];
  /** Ends every worker after its request. Rejects never; look at `failures`. */
  stop(): Promise<void>;
}

/** Between two transfers of a worker: processes that start have a share of the machine. */
const pauseMs = 20;

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export function startSteadyLoad(url: string, workers: number): SteadyLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: workers });
  const stopped = new AbortController();
  const failures: string[] = [];
  let answered = 0;

  const ask = (path: string, body: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const posted = request(`${url}${path}`, {
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/octet-stream', 'content-length': Buffer.byteLength(body) },
        timeout: 20_000,
      });
      posted.on('timeout', () => posted.destroy(new Error('no answer for 20 s')));
      posted.on('error', reject);
      posted.on('response', (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }));
      });
      posted.end(body);
    });

  const expectStatus = async (what: string, wanted: number, path: string, body: string): Promise<Answer> => {
    const answer = await ask(path, body);
    if (answer.status !== wanted)
      throw new Error(`${what} was answered ${answer.status} ${answer.body.toString()}`);
    answered += 1;
    return answer;
  };

  async function work(worker: number): Promise<void> {
    for (let count = 0; !stopped.signal.aborted; count++) {
      const text = `worker ${worker}, ${count}`;
      try {
        const posted = await expectStatus('posting', 201, '/_conclave/transfer/v1', text);
        const { id } = JSON.parse(posted.body.toString()) as { id: string };
        const read = await expectStatus('reading', 200, `/_conclave/transfer/v1/${id}/read`, '');
        if (read.body.toString() !== text) throw new Error('another transfer was read');
      } catch (error) {
        failures.push(`${text}: ${String(error)}`);
      }
      await delay(pauseMs);
    }
  }

  const working = Array.from({ length: workers }, (_, worker) => work(worker));
  return {
    get answered() {
      return answered;
    },
    failures,
    async stop() {
      stopped.abort();
      await Promise.all(working);
      agent.destroy();
    },
  };
}
