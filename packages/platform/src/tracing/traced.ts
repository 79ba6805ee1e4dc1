import type { Tracer } from './tracer.ts';

/**
 * Runs `work` in a span below `parent` and hands it the span's trace parent, for those who go on with it. Without a parent it
 * just runs. A failure is noted by its stable code and goes on to the caller.
 */
export async function traced<T>(
  tracer: Tracer,
  name: string,
  parent: string | undefined,
  work: (traceParent: string | undefined) => Promise<T>,
): Promise<T> {
  const span = tracer.startSpan(name, parent);
  if (span === undefined) return await work(undefined);
  try {
    return await work(span.traceParent);
  } catch (error) {
    span.fail(codeOf(error));
    throw error;
  } finally {
    span.end();
  }
}

/** The stable code of an error; 'UNKNOWN' for one that has none, whose message may hold anything. */
export function codeOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return 'UNKNOWN';
}
