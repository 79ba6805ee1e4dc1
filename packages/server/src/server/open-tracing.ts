/** The tracer that the settings ask for: none, which loads nothing, or OpenTelemetry. */
import { readFileSync } from 'node:fs';
import {
  noTracer,
  openOtelTracer,
  type Lifecycle,
  type Log,
  type Metrics,
  type RandomSource,
  type Tracer,
} from '@conclave/platform';
import type { Config } from '../config/config-schema.ts';

export interface OpenTracingDeps {
  readonly config: Pick<Config, 'tracing'>;
  /** Which of the installation's processes this is. Stands in every batch of spans: no host name, no address. */
  readonly processId: string;
  readonly random: RandomSource;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Owned before whatever makes spans, so that it is closed after it and sends the last ones. */
  readonly lifecycle: Lifecycle;
}

/** Whether the collector answers is not asked: a server without one works as well. */
export async function openTracing(deps: OpenTracingDeps): Promise<Tracer> {
  const { endpoint, sampleRatio } = deps.config.tracing;
  if (endpoint === null) return noTracer;
  deps.log.info({ sampleRatio }, 'requests are traced');
  return deps.lifecycle.own(
    'tracer',
    await openOtelTracer(
      {
        endpoint,
        sampleRatio,
        serviceName: 'conclave',
        processId: deps.processId,
        version: programVersion(),
      },
      deps,
    ),
  );
}

function programVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
