/**
 * The client: one person on one device, all its groups, one store. It owns the store given to it and everything it opens;
 * `close` stops it in order.
 */
import type { RandomSource } from '@conclave/ristretto';
import {
  createSuite,
  emptyProfile,
  isName,
  SealedGroup,
  SigningKey,
  type GroupMode,
  type MemberDeps,
  type ProofVerifier,
  type SlowSearch,
  type Suite,
} from '@conclave/sealed-group';
import { startProofThread } from '#proof-thread';
import { exportBackup, importBackup, type RestoredBackup } from './backup/backup.ts';
import { encodeBase64url } from './encoding/base64url.ts';
import { ConclaveError, isConclaveError } from './errors/conclave-error.ts';
import { notAllowed } from './errors/broken-rule.ts';
import { EventEmitter } from './events/event-emitter.ts';
import type { GroupHandle } from './group/group-handle.ts';
import { groupCodec, identityCodec, messageCodec, type GroupRecord } from './group/group-records.ts';
import { stateOperations } from './group/group-state.ts';
import type { GroupEvents, GroupStatus, Message } from './group/group-types.ts';
import { defaultHousekeepingTiming, type HousekeepingTiming } from './group/housekeeping.ts';
import { joinByLink, resumeJoins, type Joined, type JoinDeps } from './group/join-group.ts';
import { openGroup, type OpenGroup } from './group/open-group.ts';
import { toMessage } from './group/message-content.ts';
import type { PreviewEvent } from './group/preview-types.ts';
import { createHttpClient, type Fetch, type HttpClient } from './http/http-client.ts';
import { createSealedApi, type SealedApi } from './http/sealed-api.ts';
import { createVerifierWithFallback } from './proof-worker/create-verifier.ts';
import { createWorkerSearch } from './proof-worker/worker-search.ts';
import { createWorkerVerifier, type WorkerVerifier } from './proof-worker/worker-verifier.ts';
import { createSystemRandom } from './random/system-random.ts';
import { createSearchWithFallback, createSlicedSearch } from './search/slow-search.ts';
import { paths } from './store/paths.ts';
import type { PassphraseCost } from './store/passphrase-key.ts';
import type { Vault } from './store/vault.ts';
import { createSystemClock, type Clock } from './time/clock.ts';
import { createServerTime, type ServerTime } from './time/server-time.ts';

export interface ClientOptions {
  /** Where new groups are created: `https://chat.example`. Groups joined by link stay on the link's server. */
  readonly server: string;
  /** From `openNodeStore`, `openBrowserStore` or `openEphemeralStore`. The client closes it. */
  readonly store: Vault;
  /** How the person is shown; members of a group see it from this device's next commit on. */
  readonly profile: { readonly name: string; readonly device: string };
  readonly clock?: Clock;
  readonly random?: RandomSource;
  readonly fetch?: Fetch;
  /** Shared tables of the cryptography; making them takes some time, so several clients of one process may share them. */
  readonly suite?: Suite;
  readonly housekeeping?: HousekeepingTiming;
  /** Where the search for a cheater's digits runs: in a worker by default, or in slices where there are none. */
  readonly slowSearch?: SlowSearch;
  /** Where the claims of others' commits are verified: by default the dear ones in a worker, all others on this thread. */
  readonly proofVerifier?: ProofVerifier;
}

export interface GroupSummary {
  readonly id: string;
  readonly name: string;
  readonly server: string;
  readonly status: GroupStatus;
}

export interface ClientEvents {
  /** Anything that happens in any group, with its group. */
  group: {
    [Type in keyof GroupEvents]: {
      readonly groupId: string;
      readonly type: Type;
      readonly event: GroupEvents[Type];
    };
  }[keyof GroupEvents];
  /** While `join` is under way: what is said in the group, before this device can verify by whom. */
  preview: PreviewEvent;
  /** A join that was interrupted earlier could not be completed now. */
  'join-failed': { readonly error: ConclaveError };
}

const defaultMode: GroupMode = { leafProof: false, minWriter: 'member', ownDevices: true };

export class ConclaveClient {
  readonly #options: ClientOptions;
  readonly #vault: Vault;
  readonly #clock: Clock;
  readonly #member: MemberDeps;
  readonly #workerVerifier: WorkerVerifier;
  readonly #events = new EventEmitter<ClientEvents>();
  readonly #openById = new Map<string, OpenGroup>();
  readonly #connectionByServer = new Map<string, { http: HttpClient; api: SealedApi; time: ServerTime }>();
  readonly #stop = new AbortController();
  #resuming: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  private constructor(
    options: ClientOptions,
    member: MemberDeps,
    clock: Clock,
    workerVerifier: WorkerVerifier,
  ) {
    this.#options = options;
    this.#vault = options.store;
    this.#member = member;
    this.#clock = clock;
    this.#workerVerifier = workerVerifier;
  }

  /**
   * Opens every group of the store and starts following them; waits for no server. Rejects with `STORE_CORRUPT`, `STORE_FAILED`,
   * `MISUSE` (a name that cannot be shown); the store is closed then.
   */
  static async open(options: ClientOptions): Promise<ConclaveClient> {
    const random = options.random ?? createSystemRandom();
    try {
      const { name, device } = options.profile;
      if (name === '' || !isName(name) || !isName(device)) {
        throw new ConclaveError('MISUSE', 'A name is one line of 1 to 256 bytes without control characters');
      }
      const suite = options.suite ?? createSuite();
      const clock = options.clock ?? createSystemClock();
      const workers = { startThread: startProofThread, kernel: suite.kernel };
      const workerVerifier = createWorkerVerifier({ ...workers, clock: createSystemClock() });
      const member: MemberDeps = {
        suite,
        random,
        proofVerifier:
          options.proofVerifier ?? createVerifierWithFallback({ suite, random }, workerVerifier.verify),
        slowSearch:
          options.slowSearch ??
          createSearchWithFallback(createWorkerSearch(workers), createSlicedSearch({ suite, clock })),
        identity: await loadOrCreateIdentity(options.store, random),
        profile: { name, deviceName: device, picture: undefined },
      };
      const client = new ConclaveClient(options, member, clock, workerVerifier);
      for (const { id, record } of await client.#records()) {
        if (record.phase === 'active' || record.phase === 'creating') await client.#openGroup(id, record);
      }
      client.#inBackground(() => client.#resumeJoins());
      return client;
    } catch (error) {
      await options.store.close();
      throw error;
    }
  }

  /** Base64url of the identity key: one's `MemberId` in every group. */
  get id(): string {
    return encodeBase64url(this.#member.identity.publicKey);
  }

  on<Type extends keyof ClientEvents>(type: Type, listener: (event: ClientEvents[Type]) => void): () => void {
    return this.#events.on(type, listener);
  }

  /** Every group of the store, living or not. */
  async groups(): Promise<GroupSummary[]> {
    const records = await this.#records();
    return records.map(({ id, record }) => {
      const handle = this.#openById.get(id)?.handle;
      const status = record.phase === 'active' ? 'joined' : record.phase;
      return {
        id,
        name: handle?.name ?? record.name,
        server: record.server,
        status: handle?.status ?? status,
      };
    });
  }

  /** `undefined` when this device has no membership of it; see `history` for groups that are over. */
  group(id: string): GroupHandle | undefined {
    return this.#openById.get(id)?.handle;
  }

  /** Messages of any group of the store, also one that this device was removed from or that came from a backup. Newest last. */
  async history(
    groupId: string,
    { before, limit = 50 }: { before?: number; limit?: number } = {},
  ): Promise<Message[]> {
    const entries = await this.#vault.list({
      under: paths.messages(groupId),
      reverse: true,
      limit,
      ...(before === undefined ? {} : { before }),
    });
    return entries.map(({ value }) => toMessage(messageCodec.decode(value))).reverse();
  }

  /**
   * Founds a group at the client's server. The account's token goes out with this one request and is not kept. Rejects with the
   * server's codes (`M_UNKNOWN_TOKEN`, `CONCLAVE_GROUP_QUOTA`, …).
   */
  async createGroup(input: {
    readonly name: string;
    readonly accessToken: string;
    readonly mode?: Partial<GroupMode>;
    readonly signal?: AbortSignal;
  }): Promise<GroupHandle> {
    this.#assertOpen();
    const { name, accessToken, mode, signal } = input;
    if (name === '' || !isName(name))
      throw new ConclaveError('MISUSE', 'A group needs a name of one line, up to 256 bytes');
    const { api, time } = this.#connectionTo(this.#options.server);
    const { origin, nowMs } = await api.describeServer({ signal });
    time.adjust(nowMs);
    const created = SealedGroup.create(this.#member, {
      origin,
      mode: { ...defaultMode, ...mode },
      nowMs: time.nowMs(),
      profile: { ...emptyProfile, name },
    });
    if (!created.ok) throw notAllowed(created);
    const { group, frame, groupId } = created.value;
    const id = encodeBase64url(groupId);
    const record: GroupRecord = { server: api.server, name, createdAtMs: time.nowMs(), phase: 'creating' };
    await this.#vault.transact([
      ...stateOperations(id, group, true),
      { put: paths.group(id), value: groupCodec.encode(record) },
    ]);
    try {
      await api.createGroup(frame, accessToken, { signal });
    } catch (error) {
      // Whether the server has it is unknown only if no answer came; then the next start asks.
      if (error instanceof ConclaveError && error.status !== undefined) await this.#forgetGroup(id);
      throw error;
    }
    await this.#putRecord(id, { ...record, phase: 'active' });
    const { handle, ready } = await this.#openGroup(id, { ...record, phase: 'active' });
    await ready;
    return handle;
  }

  /**
   * Uses an invite; resolves when this device is a member that can read and write. Rejects with `INVITE_INVALID`,
   * `INVITE_ALREADY_READ`, `INVITE_EXPIRED`, `INVITE_REVOKED`, `GROUP_EXISTS`. After `NETWORK` call it again with the same text,
   * or open the client again: an invite that was read is kept.
   */
  async join(linkOrQrText: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<GroupHandle> {
    this.#assertOpen();
    await this.#resuming;
    const joined = await joinByLink(this.#joinDeps(signal), linkOrQrText);
    const { id } = joined;
    const { handle, ready, context } = await this.#openJoined(joined);
    await ready;
    if (context.state.group.status === 'removed')
      throw new ConclaveError('INVITE_REVOKED', 'The invited position was removed before it was used');
    await this.#putRecord(id, { ...(await this.#record(id)), name: handle.name });
    return handle;
  }

  /**
   * One encrypted file: identity, list of groups, history. It holds no keys of groups: whoever restores it needs new invites
   * (docs/sealed-groups.md §8).
   */
  async exportBackup(passphrase: string, cost?: PassphraseCost): Promise<Uint8Array> {
    return await exportBackup({
      vault: this.#vault,
      random: this.#member.random,
      passphrase,
      ...(cost === undefined ? {} : { cost }),
    });
  }

  /**
   * Restores a backup into an empty store, before the first `open` on it. Rejects with `STORE_WRONG_KEY`, `BACKUP_INVALID`,
   * `BACKUP_STORE_NOT_EMPTY`.
   */
  static importBackup(store: Vault, backup: Uint8Array, passphrase: string): Promise<RestoredBackup> {
    return importBackup({ vault: store, backup, passphrase });
  }

  /** Forgets a group that is over: its history too. Rejects with `MISUSE` while this device is a member. */
  async forget(groupId: string): Promise<void> {
    const open = this.#openById.get(groupId);
    if (open !== undefined && open.handle.status !== 'removed')
      throw new ConclaveError('MISUSE', 'Leave the group first');
    await open?.handle.close();
    await this.#forgetGroup(groupId);
  }

  /** Stops all groups, then closes the store. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#stop.abort();
      const closeAll = (): Promise<unknown> =>
        Promise.allSettled([...this.#openById.values()].map(({ handle }) => handle.close()));
      await closeAll();
      await this.#resuming;
      // A join that was being resumed may have opened one more.
      await closeAll();
      await this.#workerVerifier.close();
      await this.#vault.close();
    })();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #openGroup(id: string, record: GroupRecord): Promise<OpenGroup> {
    const { http, api, time } = this.#connectionTo(record.server);
    const open = await openGroup({
      id,
      vault: this.#vault,
      http,
      api,
      clock: this.#clock,
      time,
      member: this.#member,
      housekeeping: this.#options.housekeeping ?? defaultHousekeepingTiming,
      onClosed: () => this.#openById.delete(id),
    });
    if (open === undefined) throw new ConclaveError('STORE_CORRUPT', 'The group has a record and no state');
    this.#openById.set(id, open);
    for (const type of eventTypes) {
      open.handle.on(type, (event) => {
        this.#events.emit('group', { groupId: id, type, event } as ClientEvents['group']);
      });
    }
    if (record.phase === 'creating') this.#confirmCreation(id, open);
    return open;
  }

  /** A creation whose answer was lost: if the server lets this device read, it has the group. */
  #confirmCreation(id: string, open: OpenGroup): void {
    const settle = async (): Promise<void> => {
      try {
        await open.handle.sync();
        await this.#putRecord(id, { ...(await this.#record(id)), phase: 'active' });
      } catch (error) {
        // No answer, no verdict: the next start asks again.
        if (!isConclaveError(error, 'CONCLAVE_READ_DENIED')) return;
        await open.handle.close();
        await this.#forgetGroup(id);
      }
    };
    this.#inBackground(settle);
  }

  /** One after the other; what fails is told by `join-failed` and tried again at the next start. */
  #inBackground(task: () => Promise<void>): void {
    this.#resuming = this.#resuming.then(task).catch((error: unknown) => {
      if (this.#stop.signal.aborted) return;
      const known =
        error instanceof ConclaveError
          ? error
          : new ConclaveError('STORE_FAILED', 'The store failed', { cause: error });
      this.#events.emit('join-failed', { error: known });
    });
  }

  async #openJoined({ id, warnings }: Joined): Promise<OpenGroup> {
    await this.#openById.get(id)?.handle.close();
    const open = await this.#openGroup(id, await this.#record(id));
    for (const warning of warnings) open.context.emit('warning', warning);
    return open;
  }

  async #resumeJoins(): Promise<void> {
    const { joined, failed } = await resumeJoins(this.#joinDeps(this.#stop.signal));
    for (const error of failed) if (error.code !== 'ABORTED') this.#events.emit('join-failed', { error });
    for (const one of joined) if (!this.#stop.signal.aborted) await this.#openJoined(one);
  }

  /** A group that this device was removed from, or that came from a backup, may be joined again. */
  async #release(id: string): Promise<void> {
    const open = this.#openById.get(id);
    if (open === undefined) return;
    if (open.handle.status !== 'removed') {
      // It may have been removed while it was offline: the server knows.
      await open.handle.sync().catch(() => undefined);
      if (this.#isLiving(open))
        throw new ConclaveError('GROUP_EXISTS', 'This device is a member of that group already');
    }
    await open.handle.close();
  }

  #isLiving({ handle }: OpenGroup): boolean {
    return handle.status !== 'removed';
  }

  #joinDeps(signal: AbortSignal | undefined): JoinDeps {
    return {
      vault: this.#vault,
      member: this.#member,
      connectionTo: (server) => this.#connectionTo(server),
      release: (id) => this.#release(id),
      onPreview: (event) => this.#events.emit('preview', event),
      signal,
    };
  }

  #connectionTo(server: string): { http: HttpClient; api: SealedApi; time: ServerTime } {
    const known = this.#connectionByServer.get(server);
    if (known !== undefined) return known;
    const http = createHttpClient({
      server,
      clock: this.#clock,
      random: this.#member.random,
      ...(this.#options.fetch === undefined ? {} : { fetch: this.#options.fetch }),
    });
    const connection = { http, api: createSealedApi({ http }), time: createServerTime(this.#clock) };
    this.#connectionByServer.set(server, connection);
    return connection;
  }

  async #records(): Promise<{ id: string; record: GroupRecord }[]> {
    const entries = await this.#vault.list({ under: paths.groups });
    const records = entries.map(({ path, value }) => ({
      id: String(path[1]),
      record: groupCodec.decode(value),
    }));
    return records.sort((a, b) => a.record.createdAtMs - b.record.createdAtMs);
  }

  async #record(id: string): Promise<GroupRecord> {
    const stored = await this.#vault.get(paths.group(id));
    if (stored === undefined) throw new ConclaveError('STORE_CORRUPT', 'A group lacks its record');
    return groupCodec.decode(stored);
  }

  async #putRecord(id: string, record: GroupRecord): Promise<void> {
    await this.#vault.transact([{ put: paths.group(id), value: groupCodec.encode(record) }]);
  }

  async #forgetGroup(id: string): Promise<void> {
    const below = await Promise.all(
      [paths.messages(id), paths.outbox(id), paths.capabilities(id), paths.allSeen(id)].map((under) =>
        this.#vault.list({ under }),
      ),
    );
    await this.#vault.transact([
      ...below.flat().map(({ path }) => ({ delete: path })),
      ...[
        paths.group(id),
        paths.publicState(id),
        paths.secretState(id),
        paths.pendingCommit(id),
        paths.witness(id),
      ].map((path) => ({ delete: path })),
    ]);
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new ConclaveError('CLIENT_CLOSED', 'The client is closed');
  }
}

const eventTypes = [
  'message',
  'outgoing',
  'members',
  'mode',
  'renamed',
  'epoch',
  'joined',
  'removed',
  'warning',
  'connection',
] as const satisfies readonly (keyof GroupEvents)[];

async function loadOrCreateIdentity(vault: Vault, random: RandomSource): Promise<SigningKey> {
  const stored = await vault.get(paths.identity);
  if (stored !== undefined) return SigningKey.fromSeed(identityCodec.decode(stored).seed);
  const identity = SigningKey.generate(random);
  await vault.transact([
    { put: paths.identity, value: identityCodec.encode({ seed: identity.exportSeed() }) },
  ]);
  return identity;
}
