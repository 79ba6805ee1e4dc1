/**
 * How the mover makes the source stand still: by asking the server that runs on it, or, if none runs, by holding the
 * database's lock so that none starts.
 */
import { acquireProcessLock, StoreError, type Clock } from '@conclave/platform';
import type { OperatorClient } from '../operator/operator-client.ts';
import { MoveError } from './move-error.ts';
import { readMoveRecord, writeMoveRecord } from './move-record.ts';

export interface Standstill extends AsyncDisposable {
  readonly isLive: boolean;
  /** Resolves when nothing changes any more. */
  begin(): Promise<void>;
  /** Throws {@link MoveError} `MOVE_NOT_STILL` once it is known that something may have changed since. */
  check(): void;
  /** The source is never written again. Throws `MOVE_NOT_STILL` if something may have changed before. */
  retire(to: string): Promise<void>;
  /** Lets changes in again, unless it was retired. */
  end(): Promise<void>;
}

/** The server writes again this long after the mover has died. */
const sessionMs = 20_000;
const prolongEveryMs = 5_000;

/** Throws what `operator` throws when a server has the database but does not answer. */
export async function openStandstill(deps: {
  readonly databaseFile: string;
  readonly dataDirectory: string;
  readonly operator: () => OperatorClient;
  readonly clock: Clock;
}): Promise<Standstill> {
  try {
    return withLock(acquireProcessLock(deps.databaseFile), deps.dataDirectory);
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'STORE_IN_USE')) throw error;
  }
  const operator = deps.operator();
  // Before hours of copying, not after them.
  await operator.readOnly();
  return withServer(operator, deps.clock);
}

function withLock(lock: Disposable, dataDirectory: string): Standstill {
  return {
    isLive: false,
    begin: async () => {},
    check() {},
    async retire(to) {
      const record = readMoveRecord(dataDirectory);
      if (record === undefined) throw new MoveError('MOVE_SOURCE', 'the record of the move is gone');
      writeMoveRecord(dataDirectory, { ...record, state: 'moved', to });
    },
    end: async () => {},
    async [Symbol.asyncDispose]() {
      lock[Symbol.dispose]();
    },
  };
}

function withServer(operator: OperatorClient, clock: Clock): Standstill {
  let session: string | undefined;
  let timer: Disposable | undefined;
  let prolonging: Promise<void> | undefined;
  let broken: MoveError | undefined;
  let validUntilMs = 0;

  const prolong = async (): Promise<void> => {
    const askedAtMs = clock.monotonicMs();
    try {
      const status = await operator.beginReadOnly(sessionMs);
      if (status.session !== session) broken = notStill('the server was not read-only all the time');
      else validUntilMs = askedAtMs + sessionMs;
    } catch (cause) {
      // Asked again in time, nothing is lost.
      if (clock.monotonicMs() > validUntilMs) broken = notStill('the server does not answer', { cause });
    }
    arm();
  };
  const arm = (): void => {
    if (session !== undefined)
      timer = clock.schedule(prolongEveryMs, () => {
        prolonging = prolong();
      });
  };
  const stop = async (): Promise<void> => {
    session = undefined;
    timer?.[Symbol.dispose]();
    await prolonging;
  };

  return {
    isLive: true,
    async begin() {
      broken = undefined;
      const askedAtMs = clock.monotonicMs();
      const status = await operator.beginReadOnly(sessionMs);
      if (status.session === null) throw notStill('the server did not become read-only');
      session = status.session;
      validUntilMs = askedAtMs + sessionMs;
      arm();
    },
    check() {
      if (broken !== undefined) throw broken;
    },
    async retire(to) {
      const asked = session;
      await stop();
      if (broken !== undefined) throw broken;
      if (asked === undefined || !(await operator.retireMoved(asked, to))) {
        throw notStill('the server was not read-only all the time');
      }
    },
    async end() {
      const ended = session;
      await stop();
      if (ended !== undefined) await operator.endReadOnly(ended);
    },
    [Symbol.asyncDispose]: stop,
  };
}

function notStill(message: string, options?: ErrorOptions): MoveError {
  return new MoveError(
    'MOVE_NOT_STILL',
    `${message}: run migrate-store again, it goes on where it stopped`,
    options,
  );
}
