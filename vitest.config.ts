import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';

const chromium = process.env['CONCLAVE_CHROMIUM'] ?? '/usr/bin/chromium';

/**
 * Five stages: `fast` (every package's unit, contract and scenario tests, under three minutes on two cores), `long`
 * (files named `*.long.test.ts`: real processes, SIGKILL under load, long random histories), `servers` (files named
 * `*.servers.test.ts`: real engines such as PostgreSQL, one file at a time), `browser` (files named
 * `*.browser.test.ts`, in Chromium) and `containers` (`*.containers.test.ts`: deploy/ in a container engine, only when asked for).
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: [
            '{packages,apps}/*/{src,test}/**/*.test.ts',
            '{bench,fuzz}/src/**/*.test.ts',
            'e2e/**/*.test.ts',
          ],
          exclude: [
            '**/node_modules/**',
            '**/*.long.test.ts',
            '**/*.servers.test.ts',
            '**/*.browser.test.ts',
            '**/*.containers.test.ts',
          ],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Files of a worker share their modules: loading them anew for each took two fifths of the stage.
          isolate: false,
        },
      },
      {
        test: {
          name: 'long',
          include: ['{packages,apps}/*/{src,test}/**/*.long.test.ts', 'e2e/**/*.long.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'servers',
          include: ['{packages,apps}/*/{src,test}/**/*.servers.test.ts', 'e2e/**/*.servers.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'containers',
          include: ['e2e/**/*.containers.test.ts'],
          testTimeout: 900_000,
          hookTimeout: 1_200_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['{packages,apps}/*/{src,test}/**/*.browser.test.ts', 'e2e/**/*.browser.test.ts'],
          testTimeout: 120_000,
          globalSetup: ['e2e/browser-server.ts'],
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: {
                executablePath: chromium,
                args: [
                  '--no-sandbox',
                  '--disable-gpu',
                  '--disable-quic',
                  '--disable-background-networking',
                  '--disable-component-update',
                  '--disable-sync',
                  '--no-first-run',
                ],
              },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
});
