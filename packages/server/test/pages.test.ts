import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { startTestServer } from './test-server.ts';

const executablePath = process.env['CONCLAVE_CHROMIUM'] ?? '/usr/bin/chromium';

describe('pages for people', () => {
  it('greet, and explain invites, under a policy that allows nothing else', async () => {
    await using running = await startTestServer();
    for (const path of ['/', '/i']) {
      const answer = await fetch(running.url + path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(answer.headers.get('content-security-policy')).toContain(`default-src 'none'`);
      expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
    }
  });

  // Chromium is brought by the browser stage; without it there is no browser to look with.
  it.skipIf(!existsSync(executablePath))(
    'show the command for the link, and never send its secret',
    async () => {
      await using running = await startTestServer();
      const browser = await chromium.launch({
        executablePath,
        args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
      });
      try {
        const tab = await browser.newPage();
        const asked: string[] = [];
        const complaints: string[] = [];
        tab.on('request', (request) => asked.push(request.url()));
        tab.on('console', (message) => complaints.push(message.text()));
        await tab.goto(`${running.url}/i#ID.SECRET`);
        expect(await tab.locator('#command').innerText()).toBe(
          `./conclave chat join '${running.url}/i#ID.SECRET'`,
        );
        expect(await tab.locator('#cut').isVisible()).toBe(false);
        await tab.goto('about:blank');
        await tab.goto(`${running.url}/i`);
        expect(await tab.locator('#cut').isVisible()).toBe(true);
        expect(await tab.locator('#whole').isVisible()).toBe(false);
        expect(complaints).toEqual([]);
        expect(asked.filter((url) => new URL(url).pathname === '/_conclave/transfer/v1')).toEqual([]);
      } finally {
        await browser.close();
      }
    },
  );
});
