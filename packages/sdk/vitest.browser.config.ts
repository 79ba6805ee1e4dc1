import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';

/** The SDK's browser tests, in a real Chromium: `vitest run --config packages/sdk/vitest.browser.config.ts`. */
export default defineConfig({
  root: import.meta.dirname,
  test: {
    name: 'browser',
    include: ['src/**/*.browser.test.ts', 'test/**/*.browser.test.ts'],
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: { executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] },
      }),
      instances: [{ browser: 'chromium' }],
    },
  },
});
