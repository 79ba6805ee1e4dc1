/**
 * Whether an engine answers, without a password: what `pg_isready` and the health checks of deploy/compose.yaml ask. A server that
 * hangs keeps its sockets open and says nothing, so a connection alone is no answer.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { identityOf } from './process-identity.ts';

export type PartStatus = 'ready' | 'not ready' | 'no answer' | 'not running';

const patienceMs = 3_000;

/** Of a part of the cluster: whether its process is there, and what it answers. */
export async function probePart(part: {
  readonly pid: number;
  readonly probeUrl: string;
}): Promise<PartStatus> {
  return identityOf(part.pid) === undefined ? 'not running' : await probe(part.probeUrl);
}

/** By the scheme of the URL: `postgres:`, `redis:`, or `http:`, where the answer has to be one of success. Never rejects. */
export async function probe(url: string): Promise<PartStatus> {
  const { protocol, hostname, port } = new URL(url);
  try {
    switch (protocol) {
      case 'postgres:':
        // R: it asks for the password. E: it starts, stops, or takes no more connections.
        return (await exchange(hostname, Number(port), startupMessage)).startsWith('R')
          ? 'ready'
          : 'not ready';
      case 'redis:':
        return /^(?:\+PONG|-NOAUTH)/.test(await exchange(hostname, Number(port), Buffer.from('PING\r\n')))
          ? 'ready'
          : 'not ready';
      default: {
        const answer = await fetch(url, { signal: AbortSignal.timeout(patienceMs) });
        await answer.body?.cancel();
        return answer.ok ? 'ready' : 'not ready';
      }
    }
  } catch {
    return 'no answer'; // nobody listens, or nobody says anything: which of them the list of processes tells
  }
}

/** Protocol 3.0: length, version, names and values that end with zeros (PostgreSQL, "Message Formats"). */
const startupMessage = (() => {
  const words = Buffer.from('user\0conclave\0database\0conclave\0\0');
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + words.length, 0);
  head.writeInt32BE(0x0003_0000, 4);
  return Buffer.concat([head, words]);
})();

/** The first octets of the answer. */
async function exchange(host: string, port: number, message: Buffer): Promise<string> {
  const signal = AbortSignal.timeout(patienceMs);
  const socket = connect({ host, port, signal });
  try {
    socket.write(message);
    const [first] = (await once(socket, 'data', { signal })) as [Buffer];
    return first.toString('latin1');
  } finally {
    socket.destroy();
  }
}
