/** A real server for the tests that run in Chromium: started before them, told to them, stopped after them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServerProcess } from '@conclave/testkit';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    serverUrl: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'conclave-browser-'));
  const server = await startServerProcess({
    dataDirectory,
    // The test page has an origin of its own.
    flags: { 'listen.allowedOrigins': '*', 'accounts.registration': 'open' },
  });
  project.provide('serverUrl', server.url);
  return async () => {
    await server.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  };
}
