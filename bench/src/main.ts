/** `conclave bench NAME [--json]`: measurements that anyone can repeat. With `--json` the last line is the report as JSON. */
import { parseArgs } from 'node:util';
import type { Report } from './metric.ts';
import { renderReport } from './metric.ts';

const benches: Readonly<
  Record<string, { about: string; run: (say: (line: string) => void) => Promise<Report> }>
> = {
  proofs: {
    about: 'commits and messages of sealed groups, in units of one Ed25519 verification',
    run: async (say) => (await import('./proofs/run.ts')).runProofsBench(say),
  },
  sealed: {
    about: 'frames accepted, committed and delivered, beside a bare fastify route',
    run: async (say) => (await import('./sealed/run.ts')).runSealedBench(say),
  },
  cluster: {
    about: 'messages on one to three processes and real engines, fan-out to 10,000 beside Centrifugo',
    run: async (say) => (await import('./cluster/run.ts')).runClusterBench(say),
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const bench = benches[positionals[0] ?? ''];
if (values.help || bench === undefined || positionals.length !== 1) {
  const list = Object.entries(benches).map(([name, { about }]) => `  ${name.padEnd(10)}${about}`);
  console.log(`Usage: conclave bench NAME [--json]\n\n${list.join('\n')}`);
  process.exitCode = values.help ? 0 : 2;
} else {
  const report = await bench.run((line) => console.error(line));
  console.log(values.json ? JSON.stringify(report) : renderReport(report));
  process.exitCode = report.ok ? 0 : 1;
}
