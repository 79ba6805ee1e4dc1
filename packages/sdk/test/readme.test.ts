/**
 * The README's examples compile, the one marked `run` runs against a real server, and its tables are complete.
 * `UPDATE_README=1` writes the table of error codes anew.
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sdkErrorCodes } from '../src/index.ts';
import { startTestServer } from './test-server.ts';

const run = promisify(execFile);
const sdk = join(import.meta.dirname, '..');
const root = join(sdk, '../..');
// Inside the package, so that its imports resolve as an application's do.
const folder = join(sdk, `.readme-examples-${process.pid}`);

describe('README', () => {
  let readme: string;
  let examples: { code: string; isRun: boolean; path: string }[];
  beforeAll(async () => {
    readme = await readFile(join(sdk, 'README.md'), 'utf8');
    examples = [...readme.matchAll(/^```ts( run)?\n(.*?)^```$/gms)].map(([, marker, code], index) => ({
      code: code!,
      isRun: marker !== undefined,
      path: join(folder, `example-${index}.ts`),
    }));
    await mkdir(folder, { recursive: true });
    for (const { path, code } of examples) await writeFile(path, code);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('its examples compile', async () => {
    expect(examples.length).toBeGreaterThan(4);
    const config = { extends: join(root, 'tsconfig.json'), include: [join(folder, '*.ts')] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(root, 'node_modules/.bin/tsc');
    const output = await run(process.execPath, [tsc, '-p', folder]).then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    );
    // Only what is said about the examples: the packages have checks of their own.
    expect(output.split('\n').filter((line) => line.includes('example-'))).toEqual([]);
  });

  test('its first example runs', async () => {
    await using server = await startTestServer();
    const example = examples.find(({ isRun }) => isRun)!;
    const { stdout } = await run(process.execPath, [example.path], {
      env: { ...process.env, CONCLAVE_SERVER: server.url },
    });
    expect(stdout).toBe('Ada: Hello Bob\n');
  });

  test('its table of error codes is that of the code', async () => {
    const between = /(<!-- error-codes -->\n)(.*?)(<!-- \/error-codes -->)/s;
    if (process.env['UPDATE_README'] === '1') {
      const rows = Object.entries(sdkErrorCodes).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`);
      const table = ['| code | meaning |', '|---|---|', ...rows].join('\n');
      readme = readme.replace(between, `$1\n${table}\n\n$3`);
      await writeFile(join(sdk, 'README.md'), readme);
    }
    const rows = [...between.exec(readme)![2]!.matchAll(/^\| `(\w+)` *\| (.*?) *\|$/gm)];
    expect(rows.map(([, code, meaning]) => [code, meaning])).toEqual(Object.entries(sdkErrorCodes));
  });

  test('it names every event', async () => {
    const types = await readFile(join(sdk, 'src/group/group-types.ts'), 'utf8');
    const body = /export interface GroupEvents \{(.*?)\n\}/s.exec(types)![1]!;
    const events = [...body.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name);
    expect(events.length).toBeGreaterThan(8);
    for (const event of events) expect(readme).toMatch(new RegExp(`^\\| \`${event}\` *\\|`, 'm'));
  });
});
