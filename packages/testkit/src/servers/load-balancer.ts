/**
 * HAProxy in front of several server processes, configured as `deploy/load-balancers/haproxy.cfg` recommends.
 *
 * ```
 *   clients ──▶ HAProxy ──▶ A   /ready 200: takes new requests
 *                     └──▶ B   /ready 503 or silence, three times: none; what runs may end
 * ```
 *
 * It is known to be ours by its control socket, which lies in its own folder, and by its process, which ends when it
 * cannot bind its port.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { missingProgram } from './find-program.ts';
import { findFreePort } from './free-port.ts';
import { startRealServer, type LauncherOptions, type RealServer } from './real-server.ts';
import { createServerFolder } from './server-folder.ts';

export interface Backend {
  /** Letters, digits, `-`. */
  readonly name: string;
  readonly port: number;
}

export interface LoadBalancerOptions extends LauncherOptions {
  /** Server processes on 127.0.0.1. */
  readonly backends: readonly Backend[];
}

export interface LoadBalancer extends RealServer {
  /** The origin for clients. */
  readonly url: string;
  /** The names of the backends that take requests now. */
  listReady(): Promise<string[]>;
}

export function missingLoadBalancer(): string | undefined {
  return missingProgram('haproxy');
}

/** Between two questions for `/ready`: a process that drains is left alone after about three of them. */
export const checkIntervalMs = 500;

/** Resolves when HAProxy listens; backends may come later. */
export async function startLoadBalancer(options: LoadBalancerOptions): Promise<LoadBalancer> {
  const folder = await createServerFolder({ name: 'haproxy', folder: options.folder });
  const port = options.port ?? (await findFreePort());
  const control = join(folder.path, 'control');
  const config = await folder.write(
    'haproxy.cfg',
    renderConfig({ port, control, backends: options.backends }),
  );
  const server = await startRealServer({
    name: 'haproxy',
    program: 'haproxy',
    arguments: ['-db', '-f', config],
    folder: folder.path,
    probe: () => askControl(control, 'show info'),
    dispose: async () => folder[Symbol.asyncDispose](),
  });
  return Object.defineProperties(server, {
    url: { value: `http://127.0.0.1:${port}`, enumerable: true },
    listReady: {
      value: async () => readyOf(await askControl(control, 'show stat')),
    },
  }) as LoadBalancer;
}

interface ConfigInput {
  readonly port: number;
  readonly control: string;
  readonly backends: readonly Backend[];
}

export function renderConfig({ port, control, backends }: ConfigInput): string {
  const servers = backends.map(({ name, port }) => `  server ${name} 127.0.0.1:${port}`);
  return `# Written by @conclave/testkit; changes are lost at the next start.
global
  stats socket ${control} mode 600 level operator

defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  # Real-time connections: silent for as long as nobody writes, but the gateway pings every 25 seconds.
  timeout tunnel 90s
  timeout http-keep-alive 30s
  # For an answer from /ready: a process that is merely busy is not taken out. Without it the time between two questions counts.
  timeout check 2s
  # A connection that could not be made lost nothing: the request goes to another process.
  option redispatch 1
  retries 3

frontend clients
  bind 127.0.0.1:${port}
  # What clients claim about themselves is not passed on: limits by address count what arrived here.
  http-request set-header X-Forwarded-For %[src]
  default_backend processes

backend processes
  balance leastconn
  option httpchk GET /ready
  http-check expect status 200
  default-server check inter ${checkIntervalMs} fastinter ${checkIntervalMs / 2} downinter ${checkIntervalMs} fall 3 rise 1
${servers.join('\n')}
`;
}

async function askControl(path: string, command: string): Promise<string> {
  const socket = connect(path);
  try {
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    socket.write(`${command}\n`);
    await once(socket, 'end', { signal: AbortSignal.timeout(2_000) });
    return answer;
  } finally {
    socket.destroy();
  }
}

/** From HAProxy's CSV: the names of servers that are up. At first it takes all to be up: only what was checked counts. */
function readyOf(csv: string): string[] {
  const [head = '', ...lines] = csv.split('\n');
  const columns = head.replace(/^# /, '').split(',');
  const at = (name: string): number => columns.indexOf(name);
  return lines
    .map((line) => line.split(','))
    .filter((cells) => cells[at('pxname')] === 'processes' && cells[at('svname')] !== 'BACKEND')
    .filter((cells) => cells[at('status')]?.startsWith('UP') && !cells[at('check_status')]?.includes('INI'))
    .map((cells) => cells[at('svname')] ?? '');
}
