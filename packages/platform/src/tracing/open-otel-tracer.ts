/**
 * Loads OpenTelemetry, about 100 modules, and only when asked to: a server without `tracing.endpoint` never reads them.
 */
import type { Tracer, TracerDeps, TracerSettings } from './tracer.ts';

export async function openOtelTracer(settings: TracerSettings, deps: TracerDeps): Promise<Tracer> {
  const { createOtelTracer } = await import('./otel-tracer.ts');
  return createOtelTracer(settings, deps);
}
