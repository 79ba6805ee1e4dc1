/**
 * Operator commands about writing: making the server read-only for a while, and, at the end of a move to another
 * database, for good. See `createReadOnlySwitch` in @conclave/platform.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Clock, Log, ReadOnlySession, ReadOnlySwitch } from '@conclave/platform';
import { ApiError } from '../errors/api-error.ts';
import { parseBody } from '../http/parse-input.ts';
import { readMoveRecord, writeMoveRecord } from '../migrate-store/move-record.ts';
import type { ServerDatabase } from '../schema/server-database.ts';

export const readOnlyPaths = {
  readOnly: '/_conclave/operator/v1/read_only',
  moved: '/_conclave/operator/v1/moved',
} as const;

/** A mover prolongs its session; whoever forgets to, leaves a server that writes again after this at the latest. */
export const maxReadOnlyMs = 10 * 60_000;

const sessionSchema = z.string().min(1).max(64);
const beginSchema = z.strictObject({ for_ms: z.int().min(100).max(maxReadOnlyMs) });
const endSchema = z.strictObject({ session: sessionSchema });
const movedSchema = z.strictObject({ session: sessionSchema, to: z.string().min(1).max(1_000) });

export interface ReadOnlyRoutesDeps {
  readonly readOnly: ReadOnlySwitch<ServerDatabase>;
  /** Of an SQLite database, the only kind that is moved away; `undefined` for others. */
  readonly movableDirectory: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export function addReadOnlyRoutes(
  app: FastifyInstance,
  guarded: { readonly onRequest: (request: FastifyRequest) => Promise<void> },
  deps: ReadOnlyRoutesDeps,
): void {
  const { readOnly, movableDirectory, clock, log } = deps;

  const describe = (session: ReadOnlySession | undefined) => ({
    read_only: session !== undefined,
    session: session?.session ?? null,
    /** null: it does not end by itself. */
    ends_in_ms: session?.endsAtMs === undefined ? null : Math.max(0, session.endsAtMs - clock.nowMs()),
  });

  app.get(readOnlyPaths.readOnly, guarded, async () => describe(readOnly.current));

  app.post(readOnlyPaths.readOnly, guarded, async (request) => {
    const { for_ms: forMs } = parseBody(beginSchema, request);
    const wasOn = readOnly.current !== undefined;
    const session = await readOnly.begin(forMs);
    if (!wasOn) log.warn({ forMs }, 'read-only by operator command');
    return describe(session);
  });

  app.delete(readOnlyPaths.readOnly, guarded, async (request) => {
    const ended = readOnly.end(parseBody(endSchema, request).session);
    if (ended) log.warn({}, 'no longer read-only');
    return { ended };
  });

  app.post(readOnlyPaths.moved, guarded, async (request) => {
    const { session, to } = parseBody(movedSchema, request);
    const record = movableDirectory === undefined ? undefined : readMoveRecord(movableDirectory);
    if (movableDirectory === undefined || record === undefined) {
      throw new ApiError('M_INVALID_PARAM', 'The database of this server is not being moved');
    }
    // Retired first: if the record could not be written, nothing is lost by a server that has to be started again.
    if (!readOnly.retire(session)) return { moved: false };
    writeMoveRecord(movableDirectory, { ...record, state: 'moved', to });
    log.warn({ to }, 'the database was moved: this server stays read-only and does not start again');
    return { moved: true };
  });
}
