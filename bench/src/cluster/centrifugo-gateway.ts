/** A real Centrifugo with what the comparison needs and nothing else: one namespace, one token secret, the HTTP API. */
import { randomBytes } from 'node:crypto';
import { missingCentrifugo, startCentrifugo } from '@conclave/testkit/servers';
import type { GatewayUnderTest } from './fan-out.ts';

/** What is missing to start one. */
export const missingCentrifugoGateway = missingCentrifugo;

export async function startCentrifugoGateway(): Promise<GatewayUnderTest> {
  const tokenSecret = randomBytes(32).toString('hex');
  const server = await startCentrifugo({
    render: ({ address, port, internalAddress, internalPort }) =>
      JSON.stringify({
        http_server: {
          address,
          port: String(port),
          internal_address: internalAddress,
          internal_port: String(internalPort),
        },
        log: { level: 'error' },
        client: { token: { hmac_secret_key: tokenSecret } },
        http_api: { key: randomBytes(32).toString('hex') },
        channel: {
          namespaces: [
            { name: 'bench', allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true },
          ],
        },
      }),
  });
  return {
    name: 'Centrifugo',
    pid: server.pid,
    port: Number(new URL(server.url).port),
    apiUrl: server.apiUrl,
    apiHeaders: { 'x-api-key': server.apiKey },
    tokenSecret: new TextEncoder().encode(tokenSecret),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
