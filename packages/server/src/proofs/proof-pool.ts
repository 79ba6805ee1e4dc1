/**
 * Verification as a service: two lanes with workers of their own, so that what is cheap never waits behind what is dear
 * (docs/decisions/0007-proof-engine.md).
 *
 *   verify(group, claims) ─▶ cheap? ─┬─▶ express lane: fair queue ─▶ 1 worker
 *                                    └─▶ main lane:    fair queue ─▶ n workers
 *
 * The event loop copies claims and hands them over, nothing more.
 */
import { availableParallelism } from 'node:os';
import {
  currentTraceParent,
  noTracer,
  type Clock,
  type Log,
  type Metrics,
  type Tracer,
} from '@conclave/platform';
import { readKernel } from '@conclave/ristretto/wasm-node';
import { claimCost } from '@conclave/sealed-group/verification';
import type { ProofJob } from './proof-job.ts';
import { ProofLane } from './proof-lane.ts';
import type { LaneSettings } from './proof-lane.ts';
import { createProofMetrics } from './proof-metrics.ts';
import type { ProofService } from './proof-service.ts';
import { startProofThread } from './proof-thread.ts';
import type { Verdict } from './proof-thread.ts';

export interface ProofPoolDeps {
  /** Of real time, whatever a test's clock says: threads live in it. */
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Default: nothing is traced. */
  readonly tracer?: Tracer;
}

export interface ProofPoolSettings {
  /** Of the main lane; null: the cores but one. */
  readonly workers: number | null;
  readonly maxWaiting: number;
  readonly maxWaitingPerGroup: number;
  readonly maxWaitingPoints: number;
  readonly maxWaitingPointsPerGroup: number;
}

/** What ends a worker. */
export interface WorkerLimits {
  readonly batchLimitMs: number;
  readonly maxHeapMb: number;
}

export interface ProofPool extends ProofService {
  /** Starts every worker that would start with the first work for it. Rejects if they cannot start. */
  warmUp(): Promise<void>;
  /** Ends what waits within some seconds, and the workers. */
  close(): Promise<void>;
}

/** Dearer ones go to the main lane even without a sealing proof: a commit that adds a thousand leaves has a thousand signatures. */
const maxExpressPoints = 128;
const maxFrames = 64;
/** What a frame may wait for others after a batch of several; a frame that comes alone does not. */
const windowMs = 4;
/** About 100 ms of a worker. A dearer frame is a batch by itself. */
const maxMainBatchPoints = 8_192;
/** Keys of the groups that speak now; about 6 MiB a worker. */
const maxRememberedPoints = 16_384;
/** All start at once, and each takes some 30 MiB: a machine with many cores may run much else. */
const maxUnaskedWorkers = 8;
const drainMs = 5_000;
/** The dearest frame takes about a second and 60 MB. */
const defaultLimits: WorkerLimits = { batchLimitMs: 30_000, maxHeapMb: 256 };

export function createProofPool(
  deps: ProofPoolDeps,
  settings: ProofPoolSettings,
  limits: WorkerLimits = defaultLimits,
): ProofPool {
  const kernel = readKernel();
  const metricsOf = createProofMetrics(deps.metrics);
  const queue = {
    maxItems: settings.maxWaiting,
    maxItemsPerGroup: settings.maxWaitingPerGroup,
    maxCost: settings.maxWaitingPoints,
    maxCostPerGroup: settings.maxWaitingPointsPerGroup,
  };
  const createLane = (lane: Pick<LaneSettings, 'name' | 'workers' | 'quantum' | 'batch'>) =>
    new ProofLane(
      { ...lane, queue, windowMs, batchLimitMs: limits.batchLimitMs },
      {
        clock: deps.clock,
        log: deps.log,
        metrics: metricsOf(lane.name),
        tracer: deps.tracer ?? noTracer,
        startThread: (events) =>
          startProofThread({ kernel, maxRememberedPoints, maxHeapMb: limits.maxHeapMb }, events),
      },
    );
  const express = createLane({
    name: 'express',
    workers: 1,
    quantum: 16,
    batch: { maxItems: maxFrames, maxCost: maxFrames * maxExpressPoints },
  });
  const main = createLane({
    name: 'main',
    workers: settings.workers ?? Math.min(Math.max(availableParallelism() - 1, 1), maxUnaskedWorkers),
    quantum: 1_024,
    batch: { maxItems: maxFrames, maxCost: maxMainBatchPoints },
  });
  const lanes = [express, main];

  return {
    async verify(groupId, claims) {
      if (claims.length === 0) return undefined;
      // No claim is free, or they could be had without bound.
      const cost = claims.reduce((sum, claim) => sum + Math.max(claimCost(claim), 1), 0);
      const isDear = cost > maxExpressPoints || claims.some(({ kind }) => kind === 'sealing');
      const { promise, resolve, reject } = Promise.withResolvers<Verdict>();
      const job: ProofJob = {
        groupId,
        claims,
        cost,
        putAtMs: performance.now(),
        traceParent: currentTraceParent(),
        resolve,
        reject,
        deaths: 0,
      };
      (isDear ? main : express).put(job);
      return await promise;
    },
    async warmUp() {
      await Promise.all(lanes.map((lane) => lane.warmUp()));
    },
    async close() {
      await Promise.all(lanes.map((lane) => lane.close(drainMs)));
    },
  };
}
