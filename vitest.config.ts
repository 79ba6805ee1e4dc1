import { defineConfig } from 'vitest/config';

/**
 * Two stages: `fast` (every package's unit, contract and scenario tests, under three minutes on two cores)
 * and `long` (files named `*.long.test.ts`: real processes, SIGKILL under load, long random histories).
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['{packages,apps}/*/{src,test}/**/*.test.ts', 'bench/src/**/*.test.ts', 'e2e/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.long.test.ts', '**/*.browser.test.ts'],
          testTimeout: 60_000,
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
    ],
  },
});
