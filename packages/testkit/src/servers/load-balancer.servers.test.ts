import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { missingLoadBalancer, startLoadBalancer, type LoadBalancer } from './load-balancer.ts';
import { requireServer } from './require-server.ts';

requireServer(missingLoadBalancer())('the load balancer', () => {
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  /** A process as the load balancer sees it. */
  async function startBackend(name: string) {
    const backend = { name, isReady: true, forwardedFor: '', port: 0 };
    const server: Server = createServer((request, response) => {
      if (request.url === '/ready') {
        response.statusCode = backend.isReady ? 200 : 503;
        response.end();
        return;
      }
      backend.forwardedFor = String(request.headers['x-forwarded-for']);
      response.end(name);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    backend.port = (server.address() as AddressInfo).port;
    closers.push(async () => {
      server.closeAllConnections();
      server.close();
    });
    return backend;
  }

  async function start(...backends: { name: string; port: number }[]): Promise<LoadBalancer> {
    const balancer = await startLoadBalancer({ backends });
    closers.push(async () => balancer[Symbol.asyncDispose]());
    return balancer;
  }
  const ask = async (url: string, headers: Record<string, string> = {}): Promise<string> =>
    (await fetch(url, { headers })).text();
  const poll = { timeout: 10_000 };

  it('asks only processes that are ready, and comes back to them', async () => {
    const [a, b] = [await startBackend('a'), await startBackend('b')];
    const balancer = await start(a, b);
    await expect.poll(() => balancer.listReady(), poll).toEqual(['a', 'b']);
    const answers = new Set<string>();
    for (let round = 0; round < 10; round++) answers.add(await ask(balancer.url));
    expect([...answers].sort()).toEqual(['a', 'b']);

    a.isReady = false;
    await expect.poll(() => balancer.listReady(), poll).toEqual(['b']);
    for (let round = 0; round < 10; round++) expect(await ask(balancer.url)).toBe('b');
    a.isReady = true;
    await expect.poll(() => balancer.listReady(), poll).toEqual(['a', 'b']);
  });

  it('tells processes the address that it saw, whatever the client claims', async () => {
    const a = await startBackend('a');
    const balancer = await start(a);
    await expect.poll(() => balancer.listReady(), poll).toEqual(['a']);
    await ask(balancer.url, { 'X-Forwarded-For': '203.0.113.7' });
    expect(a.forwardedFor).toBe('127.0.0.1');
  });

  it('listens on the same port after a restart', async () => {
    const a = await startBackend('a');
    const balancer = await start(a);
    await balancer.restart();
    await expect.poll(() => balancer.listReady(), poll).toEqual(['a']);
    expect(await ask(balancer.url)).toBe('a');
  });
});
