/** What the parts of one open group share. Built once, by `open-group.ts`. */
import type { RandomSource } from '@conclave/ristretto';
import type { Suite } from '@conclave/sealed-group';
import type { SealedApi } from '../http/sealed-api.ts';
import type { Vault } from '../store/vault.ts';
import type { Clock } from '../time/clock.ts';
import type { ServerTime } from '../time/server-time.ts';
import type { CommitRunner } from './commit-runner.ts';
import type { GroupState } from './group-state.ts';
import type { GroupEvents } from './group-types.ts';
import type { LogSync } from './log-sync.ts';
import type { LogWitness } from './log-witness.ts';
import type { Outbox } from './outbox.ts';
import type { ReadAccess } from './read-access.ts';

export interface GroupContext {
  /** Base64url of the group id. */
  readonly id: string;
  readonly suite: Suite;
  readonly api: SealedApi;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly time: ServerTime;
  readonly random: RandomSource;
  readonly state: GroupState;
  /** Fires when the group is closed. */
  readonly signal: AbortSignal;
  readonly emit: <Type extends keyof GroupEvents>(type: Type, event: GroupEvents[Type]) => void;
  readonly readAccess: ReadAccess;
  readonly outbox: Outbox;
  readonly sync: LogSync;
  readonly witness: LogWitness;
  readonly commits: CommitRunner;
}
