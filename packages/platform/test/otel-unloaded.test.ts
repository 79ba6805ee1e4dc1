/** A server that traces nothing never reads OpenTelemetry, but for its interfaces, which `prom-client` imports. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** What the program below resolves of OpenTelemetry, in a process of its own. */
function loadedBy(program: string): string[] {
  const watch = `
    import { registerHooks } from 'node:module';
    const found = new Set();
    registerHooks({
      resolve(specifier, context, next) {
        if (/^@opentelemetry\\/(?!api$)/.test(specifier)) found.add(specifier);
        return next(specifier, context);
      },
    });
    const platform = await import('@conclave/platform');
    ${program}
    console.log(JSON.stringify([...found]));
  `;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', watch], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return JSON.parse(output) as string[];
}

test('the platform loads it only to open the tracer', () => {
  expect(loadedBy('platform.noTracer.startTrace("x", undefined);')).toEqual([]);
  const opened = loadedBy(`
    const tracer = await platform.openOtelTracer(
      { endpoint: 'http://127.0.0.1:9', sampleRatio: 0, serviceName: 'x', processId: 'x', version: '0' },
      { random: platform.systemRandom, log: platform.silentLog, metrics: platform.createMetrics() },
    );
    await tracer.close();
  `);
  expect(opened).toContain('@opentelemetry/sdk-trace');
});
