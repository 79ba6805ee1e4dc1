/** The embedded gateway alone in a process, with an HTTP API for publishing as Centrifugo has it: what is compared is the same. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGateway } from '@conclave/gateway';
import { systemClock } from '@conclave/platform';

export interface GatewayReady {
  readonly port: number;
}

const gateway = createGateway(
  { clock: systemClock, random: { bytes: (length) => randomBytes(length) } },
  {
    tokenSecret: Buffer.from(process.env['TOKEN_SECRET'] ?? '', 'hex'),
    namespaces: { bench: { subscribeWithoutToken: true } },
    limits: { maxConnectionsPerAddress: 100_000 },
  },
);
const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const payload: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'));
    gateway.handleCommand(Buffer.from(JSON.stringify({ method: 'publish', payload })));
    response.setHeader('content-type', 'application/json');
    response.end('{"result":{}}');
  });
});
server.on('upgrade', (request, socket, head) => gateway.handleUpgrade(request, socket, head));
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 });
await once(server, 'listening');
process.send?.({ port: (server.address() as AddressInfo).port } satisfies GatewayReady);
process.on('disconnect', () => process.exit(0));
