import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const text = fileURLToPath(new URL('../../../LICENSE', import.meta.url));

it('the demonstration holds, with real processes and a real text', async () => {
  const { stdout } = await run(process.execPath, [main, text, '--lines', '30', '--json'], {
    timeout: 300_000,
  });
  const report = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
    name: string;
    ok: boolean;
    metrics: { name: string; met: boolean }[];
  };
  expect(report.metrics.filter(({ met }) => !met)).toEqual([]);
  expect(report).toMatchObject({ name: 'demo', ok: true });
});

it('a text that is too short is refused in words', async () => {
  const short = fileURLToPath(new URL('../../../.oxfmtrc.json', import.meta.url));
  await expect(run(process.execPath, [main, short])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('12 are needed'),
  });
});
