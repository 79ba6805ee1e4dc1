/** Puts the parts of one group together, starts its background work, and stops it in order. Called by `client.ts`. */
import type { MemberDeps } from '@conclave/sealed-group';
import { createBlobClient } from '../attachments/blob-client.ts';
import { ConclaveError, isConclaveError } from '../errors/conclave-error.ts';
import { EventEmitter } from '../events/event-emitter.ts';
import { backoffDelayMs } from '../http/backoff.ts';
import type { HttpClient } from '../http/http-client.ts';
import type { SealedApi } from '../http/sealed-api.ts';
import type { Vault } from '../store/vault.ts';
import { sleep, type Clock } from '../time/clock.ts';
import type { ServerTime } from '../time/server-time.ts';
import { CommitRunner } from './commit-runner.ts';
import type { GroupContext } from './group-context.ts';
import { GroupHandle } from './group-handle.ts';
import { GroupState } from './group-state.ts';
import type { GroupEvents } from './group-types.ts';
import { Housekeeping, type HousekeepingTiming } from './housekeeping.ts';
import { LogSync, standsStill } from './log-sync.ts';
import { LogWitness } from './log-witness.ts';
import { Outbox } from './outbox.ts';
import { ReadAccess } from './read-access.ts';

export interface OpenGroupDeps {
  readonly id: string;
  readonly vault: Vault;
  readonly http: HttpClient;
  readonly api: SealedApi;
  readonly clock: Clock;
  readonly time: ServerTime;
  readonly member: MemberDeps;
  readonly housekeeping: HousekeepingTiming;
  readonly onClosed: () => void;
}

export interface OpenGroup {
  readonly handle: GroupHandle;
  readonly context: GroupContext;
  /** Until the first commit of a newcomer is accepted; at once for others. */
  readonly ready: Promise<void>;
}

const BACKOFF = { baseMs: 500, maxMs: 30_000 };

/** `undefined` when the store holds no state for it. Resolves without waiting for the network. */
export async function openGroup(deps: OpenGroupDeps): Promise<OpenGroup | undefined> {
  const { id, vault, api, clock, time, member } = deps;
  const state = await GroupState.load({ vault, member, groupId: id });
  if (state === undefined) return undefined;
  const witness = await LogWitness.load({ vault, groupId: id }, state.group);
  const stop = new AbortController();
  const events = new EventEmitter<GroupEvents>();
  const getContext = (): GroupContext => context;
  const commits = new CommitRunner(getContext);
  const housekeeping = new Housekeeping(getContext, deps.housekeeping);
  const sync = new LogSync(getContext, {
    commitAccepted: (bodyHash, commit) => commits.noteAccepted(bodyHash, commit),
    commitLost: () => commits.noteLost(),
    epochChanged: () => housekeeping.noteEpoch(),
    needsCommit: (why) => (why === 'slow-secret' ? housekeeping.noteSlowSecret() : housekeeping.wake()),
  });
  const readAccess = new ReadAccess({
    api,
    member,
    time,
    group: () => state.group,
    pendingFrame: () => commits.pendingFrame,
    signal: stop.signal,
  });
  const outbox = new Outbox(getContext);
  const context: GroupContext = {
    id,
    suite: member.suite,
    api,
    vault,
    clock,
    time,
    random: member.random,
    state,
    signal: stop.signal,
    emit: events.emit.bind(events),
    readAccess,
    outbox,
    sync,
    witness,
    commits,
  };
  await outbox.load();
  await commits.load();

  const running = start(context, housekeeping);
  let closing: Promise<void> | undefined;
  const handle = new GroupHandle({
    context,
    events,
    blobs: createBlobClient({ http: deps.http, api }),
    close: () => {
      closing ??= (async () => {
        stop.abort();
        await Promise.allSettled([sync.close(), housekeeping.close(), outbox.close(), running]);
        await commits.idle();
        await state.close();
        deps.onClosed();
      })();
      return closing;
    },
  });
  return { handle, context, ready: running };
}

/** What an open group does by itself. Resolves when this device is a full member. */
async function start(context: GroupContext, housekeeping: Housekeeping): Promise<void> {
  const { api, time, state, commits, sync, outbox, clock, random, signal, emit } = context;
  for (let failures = 0; !signal.aborted && state.group.status !== 'removed'; failures++) {
    try {
      time.adjust((await api.describeServer({ signal })).nowMs);
      await commits.settle();
      await sync.run();
      if (state.group.status === 'joining') {
        // The newcomer's first commit, at once: it clears `pending` and gives this device the epoch's keys.
        await commits.run((group) => (group.status === 'joining' ? { operations: [] } : undefined), {
          signal,
        });
      }
      break;
    } catch (error) {
      if (
        signal.aborted ||
        isConclaveError(error, ...standsStill, 'REMOVED', 'CONCLAVE_READ_DENIED', 'HISTORY_GONE')
      )
        break;
      emit('warning', {
        kind: 'background-failure',
        code: error instanceof ConclaveError ? error.code : 'BUG',
      });
      if (!(error instanceof ConclaveError)) break;
      await sleep(clock, backoffDelayMs(failures, BACKOFF, random), signal).catch(() => undefined);
    }
  }
  if (signal.aborted || state.group.status === 'removed') return;
  sync.follow();
  outbox.pump();
  housekeeping.start();
}
