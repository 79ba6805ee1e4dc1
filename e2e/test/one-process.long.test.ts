/** One database, one server: a second process is refused, says why, and does the first no harm. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServerProcess, TestMember } from '@conclave/testkit';
import { expect, it } from 'vitest';
import { registerAccount } from '../src/register-account.ts';

it('refuses a second server on the same data directory, until the first is gone', async () => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'conclave-e2e-'));
  const flags = { 'accounts.registration': 'open' };
  try {
    await using first = await startServerProcess({ dataDirectory, flags });
    const { url } = first;
    const accessToken = await registerAccount(url, 'ada');
    const alice = await TestMember.create({ url, name: 'alice', accessToken, origin: 'conclave.test' });
    await expect(startServerProcess({ dataDirectory, flags })).rejects.toThrow(/another|in use/i);
    expect((await alice.say('still here')).body).toEqual({ seq: 2, epoch: 0 });
    await first.kill();
    await using second = await startServerProcess({ dataDirectory, flags });
    const { status } = await fetch(`${second.url}/_conclave/sealed/v1`);
    expect(status).toBe(200);
  } finally {
    await rm(dataDirectory, { recursive: true });
  }
});
