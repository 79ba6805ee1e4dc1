/** The embedded gateway keeps the promises that Centrifugo keeps. */
import { gatewayContract, gatewayContractSettings } from '@conclave/testkit/contracts';
import { afterAll, beforeAll } from 'vitest';
import { serveGateway, TOKEN_SECRET, type Served } from './serve-gateway.ts';

const { historySize, historyTtlMs, allowedOrigin } = gatewayContractSettings;
let served: Served;

beforeAll(async () => {
  served = await serveGateway({
    namespaces: { group: { historySize, historyTtlMs, forceRecovery: true }, personal: {} },
    allowedOrigins: [allowedOrigin],
  });
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
});

gatewayContract('the embedded gateway', () => ({
  url: served.url,
  tokenKey: TOKEN_SECRET,
  async command(_group, method, payload) {
    served.gateway.handleCommand(Buffer.from(JSON.stringify({ method, payload })));
  },
}));
