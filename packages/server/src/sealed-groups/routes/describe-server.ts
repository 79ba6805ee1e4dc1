/** `describeServer`: what a client has to know before it can build a frame. */
import type { FastifyInstance } from 'fastify';
import { frameLimits, protocolVersion, suiteId } from '@conclave/sealed-group';
import type { SealedGroupContext } from '../sealed-groups-feature.ts';

export function addDescribeServerRoute(
  app: FastifyInstance,
  { origin, clock, settings }: SealedGroupContext,
): void {
  app.get('/_conclave/sealed/v1', async () => ({
    origin,
    version: protocolVersion,
    suite: suiteId,
    now_ms: clock.nowMs(),
    max_frame_bytes: frameLimits.maxFrameBytes,
    max_blob_bytes: settings.maxBlobBytes,
  }));
}
