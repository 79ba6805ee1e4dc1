/** A real Centrifugo with what the comparison needs and nothing else: one namespace, one token secret, the HTTP API. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createServerFolder, findProgram, onFreePort, startRealServer } from '@conclave/testkit/servers';
import type { GatewayUnderTest } from './fan-out.ts';

/** The name of the program when it is not on PATH. */
export function missingCentrifugoGateway(): string | undefined {
  return findProgram('centrifugo') === undefined ? 'centrifugo' : undefined;
}

export async function startCentrifugoGateway(): Promise<GatewayUnderTest> {
  const folder = await createServerFolder({ name: 'centrifugo' });
  const tokenSecret = randomBytes(32).toString('hex');
  const apiKey = randomBytes(32).toString('hex');
  const configFile = join(folder.path, 'centrifugo.json');
  try {
    return await onFreePort(async (port) => {
      const config = {
        http_server: { address: '127.0.0.1', port: String(port) },
        log: { level: 'error' },
        client: { token: { hmac_secret_key: tokenSecret }, connection_limit: 0 },
        http_api: { key: apiKey },
        channel: {
          namespaces: [
            { name: 'bench', allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true },
          ],
        },
        health: { enabled: true },
      };
      await writeFile(configFile, JSON.stringify(config), { mode: 0o600 });
      const server = await startRealServer({
        name: 'centrifugo',
        program: 'centrifugo',
        arguments: ['-c', configFile],
        folder: folder.path,
        // Only ours knows this key.
        async probe(signal) {
          const answer = await fetch(`http://127.0.0.1:${port}/api/info`, {
            method: 'POST',
            headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
            body: '{}',
            signal,
          });
          if (!answer.ok) throw new Error(`Centrifugo answered ${answer.status}`);
        },
        dispose: async () => folder[Symbol.asyncDispose](),
      });
      return {
        name: 'Centrifugo',
        pid: server.pid,
        port,
        apiUrl: `http://127.0.0.1:${port}`,
        apiHeaders: { 'x-api-key': apiKey },
        tokenSecret: new TextEncoder().encode(tokenSecret),
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    });
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}
