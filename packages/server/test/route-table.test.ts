import diagnostics from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { expect, it } from 'vitest';
import { startTestServer } from './test-server.ts';

/** `POST …/frames framePost`: method, path with parameters in braces, and the allowance that it draws on. */
type Route = string;

it('the routes of the delivery service are those of docs/sealed-groups.md §16.2', async () => {
  const registered = await routesOfAServer();
  expect(registered.length).toBeGreaterThan(10);
  expect(registered).toEqual(routesInTheSpecification());
});

/** Fastify says when an instance is made, before anything is added to it: what is seen is what the real server serves. */
async function routesOfAServer(): Promise<Route[]> {
  const routes = new Set<Route>();
  const note = ({ url, method, config }: RouteOptions): void => {
    if (!/^\/_conclave\/(?:sealed|transfer)\b/.test(url)) return;
    for (const name of [method].flat()) {
      // Fastify adds it to every GET.
      if (name !== 'HEAD')
        routes.add(`${name} ${url.replaceAll(/:(\w+)/g, '{$1}')} ${config?.rateLimit ?? '–'}`);
    }
  };
  const watch = (made: unknown): void => {
    (made as { readonly fastify: FastifyInstance }).fastify.addHook('onRoute', note);
  };
  diagnostics.subscribe('fastify.initialization', watch);
  try {
    await using _server = await startTestServer();
  } finally {
    diagnostics.unsubscribe('fastify.initialization', watch);
  }
  return [...routes].toSorted();
}

function routesInTheSpecification(): Route[] {
  const text = readFileSync(new URL('../../../docs/sealed-groups.md', import.meta.url), 'utf8');
  const section = text.split(/^### 16\.2 .*$/m)[1]!.split(/^### /m)[0]!;
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows
    .map((row) => {
      const [, , route, , allowance] = row.split('|').map((cell) => cell.trim());
      const [method, path] = route!.replaceAll('`', '').split(' ');
      return `${method} ${path!.replace('…', '/_conclave/sealed/v1/groups/{groupId}')} ${allowance}`;
    })
    .toSorted();
}
