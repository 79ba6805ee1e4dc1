/** What a traced request waited for its proofs: for a worker, then for the batch that it was part of. */
import type { Tracer } from '@conclave/platform';
import type { ProofJob } from './proof-job.ts';

/** A batch is verified at once, so that each of its requests has the same work in its trace. Times by `performance.now()`. */
export function traceProofs(
  tracer: Tracer,
  lane: 'express' | 'main',
  batch: { readonly jobs: readonly ProofJob[]; readonly startedAtMs: number; readonly endedAtMs: number },
): void {
  const { jobs, startedAtMs, endedAtMs } = batch;
  for (const { traceParent, putAtMs } of jobs) {
    if (traceParent === undefined) continue;
    const attributes = { 'conclave.proof.lane': lane, 'conclave.batch.size': jobs.length };
    tracer.startSpan('proof queue', traceParent, { startedAtMs: putAtMs, attributes })?.end(startedAtMs);
    tracer.startSpan('proof verification', traceParent, { startedAtMs, attributes })?.end(endedAtMs);
  }
}
