/**
 * A member's side of one group (docs/sealed-groups.md): create or join it, prepare commits, process frames in the order of
 * the server's log, write, read-proofs, invites, and storage.
 *
 * ```
 *   create ─┐                     ┌─▶ prepareCommit ─▶ store ─▶ post ─┐
 *   join  ──┼─▶ SealedGroup ──────┼─▶ encryptMessage ─▶ store ─▶ post ┤
 *   decode ─┘        ▲            └─▶ leave ─────────▶ store ─▶ post ┤
 *                    └── processFrame(bytes, seq) ◀── the log ◀──────┘   then store, with the events it gave
 * ```
 *
 * Rules for callers: store (`encodePublic`, `encodeSecret`, in one transaction) before anything leaves the device and after
 * every processed frame, together with what the events brought; a message's keys are gone once it was processed. State changes are
 * synchronous, but for `…Async`: while one waits for a proof's verdict or a slow search it keeps others out. Nothing printable holds a secret.
 *
 * Long because it is the whole face of a member in one place; what happens behind each method lies in the files beside it.
 */
import { equalBytes } from '@noble/ciphers/utils.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { RequestedOperation } from '../commit/index.ts';
import {
  buildCommit,
  buildCreate,
  foundGroup,
  leafMessageContext,
  leaveContext,
  messageContext,
  removalsDue,
  verifyCreate,
} from '../commit/index.ts';
import type { Hedge } from '../hash/index.ts';
import type { GroupProfile, IdentityEntry, LeafStanding, SealedSnapshot } from '../identity/index.ts';
import { examineCommitPayload, Roster, sealRosterSnapshot, SigningKey } from '../identity/index.ts';
import type { SnapshotReference } from '../invite/index.ts';
import { encodeInvite } from '../invite/index.ts';
import type { MemberContent } from '../message/index.ts';
import { sealMessage } from '../message/index.ts';
import type { BlobDescription } from '../read/index.ts';
import { signBlob, signChallenge } from '../read/index.ts';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { Secret } from '../schedule/index.ts';
import type { PublicKey, SecretScalar } from '../signature/index.ts';
import { publicKeyOf, sign } from '../signature/index.ts';
import type { GroupMode, Instance, LeafIndex, LeafNode, NodeIndex, TreeReader } from '../tree/index.ts';
import { directPath, isPending, leafNode } from '../tree/index.ts';
import type { FrameHeader, MessageTrailerContent } from '../wire/index.ts';
import {
  encodeBody,
  encodeFrame,
  encodeLeaveTrailer,
  encodeMessageTrailer,
  frameBodyHash,
  frameLimits,
  isCreateFrame,
  isLeaveFrame,
  isMessageFrame,
  parseFrame,
} from '../wire/index.ts';
import { decodeMemberState, encodePublicState, encodeSecretState } from './encode-state.ts';
import type { Working } from './errand.ts';
import { runElsewhere, runInPlace } from './errand.ts';
import type { GroupEvent } from './group-event.ts';
import type { JoinFindings, JoinInput } from './join-group.ts';
import { joinGroup } from './join-group.ts';
import type { MemberDeps, MemberState, MemberStatus } from './member-state.ts';
import { forgetAdded, ownLeaf, wipeState, withoutKeys } from './member-state.ts';
import type { Processed, ProcessOptions } from './process-commit.ts';
import { hashFrame, processCommit } from './process-commit.ts';
import { processLeave, processMessage } from './process-message.ts';
import { sealOwnEntry } from './seal-own-entry.ts';
import { countOpenedNodes } from './try-every-secret.ts';

export interface CreateGroupInput {
  /** The server's origin, as it calls itself in frames. */
  readonly origin: string;
  readonly mode: GroupMode;
  readonly nowMs: number;
  readonly profile?: GroupProfile;
}

export interface PrepareCommitInput {
  /** In any order; a first commit has none. */
  readonly operations: readonly RequestedOperation[];
  readonly nowMs: number;
  /** Replaces the group's profile: owners and admins. */
  readonly profile?: GroupProfile;
}

/** A frame of one's own, to be stored with the state before it is posted. */
export interface PreparedFrame {
  readonly frame: Uint8Array;
  readonly bodyHash: Uint8Array;
  /** The epoch it is made in; a commit posted later than that is answered with a conflict. */
  readonly epoch: number;
}

export interface Joined {
  readonly group: SealedGroup;
  readonly findings: JoinFindings;
}

/** A leaf as people see it. */
export interface Member {
  readonly instance: Instance;
  readonly role: LeafNode['role'];
  readonly isPending: boolean;
  readonly expiresAtMs: number | undefined;
  readonly device: boolean;
  readonly addedBy: Instance | undefined;
  readonly isMe: boolean;
  readonly isLeaving: boolean;
  /** What this client knows of the leaf. Administrators remove `unlisted` leaves; `unknown` ones did nothing wrong. */
  readonly standing: LeafStanding;
  /** Who it says it is, certified; undefined unless `standing` is `listed`. */
  readonly entry: IdentityEntry | undefined;
}

export class SealedGroup {
  readonly #deps: MemberDeps;
  #state: MemberState;
  /** While `processFrameAsync` waits for an errand. */
  #processing = false;

  private constructor(deps: MemberDeps, state: MemberState) {
    this.#deps = deps;
    this.#state = state;
  }

  // Beginnings.

  /** A new group of one owner. Store it, then post `frame`; the group is usable at once. */
  static create(
    deps: MemberDeps,
    input: CreateGroupInput,
  ): Result<{ group: SealedGroup; frame: Uint8Array; groupId: Uint8Array }> {
    const { suite, random } = deps;
    const signingKey = SigningKey.generate(random);
    const me: Instance = { leaf: 0 as LeafIndex, epoch: 0 };
    const { origin, mode, nowMs, profile } = input;
    const hedgeSecret = deps.identity.exportSeed();
    const built = buildCreate({
      suite,
      random,
      origin,
      mode,
      nowMs,
      hedgeSecret,
      payload: (made) => sealOwnEntry(deps, { ...made, origin, me, signingKey, profile }),
    });
    hedgeSecret.fill(0);
    if (!built.ok) return built;
    const { bytes, groupId, bodyHash, leafSecret, keys } = built.value;
    const frame = parseFrame(bytes);
    if (!frame.ok) return frame;
    if (!isCreateFrame(frame.value)) return violation('frame/content');
    const verified = verifyCreate(suite, frame.value, input.origin);
    if (!verified.ok) return verified;
    const { effect } = verified.value;
    const findings = examineCommitPayload({
      suite,
      random,
      origin: input.origin,
      keys,
      bodyHash,
      confirm: frame.value.trail.confirm,
      payload: frame.value.trail.payload,
      committer: me.leaf,
      tree: effect.tree,
      roster: Roster.empty(),
    });
    const roster = Roster.empty().afterCommit({
      epoch: 0,
      committer: me.leaf,
      entry: findings.entry,
      others: [],
      removed: [],
      profile: findings.profile,
    });
    const group = new SealedGroup(deps, {
      group: foundGroup(effect),
      roster,
      previous: undefined,
      me,
      status: 'joined',
      lastSeq: 0,
      lastSeen: bodyHash,
      path: new Map([[leafNode(me.leaf), leafSecret]]),
      chain: undefined,
      keys,
      previousKeys: undefined,
      signingKey,
      pending: [],
      added: new Map(),
      sent: new Map(),
    });
    return accept({ group, frame: bytes, groupId });
  }

  /**
   * From an invite to a member that may read from the next epoch on, and should make its first commit at once. Everything is
   * done in place, at once; `joinAsync` leaves what is dear to `deps.proofVerifier` and `deps.slowSearch`.
   */
  static join(deps: MemberDeps, input: JoinInput): Result<Joined> {
    const joined = runInPlace(deps, joinGroup(deps, input));
    return joined.ok ? SealedGroup.#joined(deps, joined.value) : joined;
  }

  /** As `join`. Rejects, as the ports do, when `signal` fires. */
  static async joinAsync(
    deps: MemberDeps,
    input: JoinInput,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Result<Joined>> {
    const joined = await runElsewhere(deps, joinGroup(deps, input), signal);
    return joined.ok ? SealedGroup.#joined(deps, joined.value) : joined;
  }

  static #joined(
    deps: MemberDeps,
    { state, findings }: { readonly state: MemberState; readonly findings: JoinFindings },
  ): Result<Joined> {
    return accept({ group: new SealedGroup(deps, state), findings });
  }

  /** From storage. Both parts must have been stored together. */
  static decode(
    deps: MemberDeps,
    stored: { readonly public: Uint8Array; readonly secret: Uint8Array },
  ): Result<SealedGroup> {
    const state = decodeMemberState(deps.suite, stored);
    return state.ok ? accept(new SealedGroup(deps, state.value)) : state;
  }

  // What is known.

  get origin(): string {
    return this.#state.group.origin;
  }

  /** 16 bytes. */
  get groupId(): Uint8Array {
    return this.#state.group.groupId;
  }

  get epoch(): number {
    return this.#state.group.epoch;
  }

  get mode(): GroupMode {
    return this.#state.group.mode;
  }

  get status(): MemberStatus {
    return this.#state.status;
  }

  get me(): Instance {
    return this.#state.me;
  }

  /** Sequence number of the last processed frame: the cursor for the next ones. 0 before the create was seen. */
  get lastSeq(): number {
    return this.#state.lastSeq;
  }

  /** Body hash of the last processed frame: what this member's next message names. */
  get lastSeen(): Uint8Array {
    return this.#state.lastSeen;
  }

  get profile(): GroupProfile {
    return this.#state.roster.profile;
  }

  /** The public tree: the same for every member and the server. */
  get tree(): TreeReader {
    return this.#state.group.tree;
  }

  /** 32 bytes that all members of the epoch share: compare over another channel. Undefined while the epoch is closed to this member. */
  get authenticator(): Uint8Array | undefined {
    return this.#state.keys?.authenticator;
  }

  /** Tree and roster as people see them, in order of leaves. */
  members(): Member[] {
    const { group, roster, me } = this.#state;
    const leaving = new Set(group.outstandingLeaves.map(({ leaf }) => leaf));
    const members: Member[] = [];
    for (let at = 0; at < group.tree.leafCount; at++) {
      const index = at as LeafIndex;
      const leaf = group.tree.leaf(index);
      if (leaf === undefined) continue;
      members.push({
        instance: { leaf: index, epoch: leaf.epoch },
        role: leaf.role,
        isPending: isPending(leaf),
        expiresAtMs: leaf.expiresAtMs,
        device: leaf.device,
        addedBy: leaf.addedBy,
        isMe: index === me.leaf && leaf.epoch === me.epoch,
        isLeaving: leaving.has(index),
        standing: roster.standingOf(index, leaf),
        entry: roster.entry(index),
      });
    }
    return members;
  }

  /** Leaves of the person with this identity key: removing a person removes them all. */
  leavesOf(identityKey: Uint8Array): LeafIndex[] {
    return this.#state.roster.leavesOf(identityKey);
  }

  /** A key for the application (RFC 9420 §8.5), the same for all members of the epoch. */
  exportKey(label: string, context: Uint8Array, length: number): Result<Uint8Array> {
    const keys = this.#state.keys;
    return keys === undefined ? violation('commit/member') : accept(keys.exportKey(label, context, length));
  }

  // Speaking.

  /**
   * A commit in the current epoch. Removals that are due (leaves, expired invites) are included. Its secrets are kept until the
   * epoch's winner is known: store the group before posting. After `commit-lost`, prepare again; nothing is reused.
   * `tree/recipient-limit` or `frame/size`: too scattered a tree for one frame. Commits of other members, best of one from
   * each part of the tree, make the same commit small again (§4.1).
   */
  prepareCommit(input: PrepareCommitInput): Result<PreparedFrame> {
    this.#demandRest();
    const { suite, random } = this.#deps;
    const state = this.#state;
    const leaf = ownLeaf(state);
    const leafSecret = state.path.get(leafNode(state.me.leaf));
    const chain = state.keys?.chain ?? state.chain;
    if (leaf === undefined || leafSecret === undefined || chain === undefined)
      return violation('commit/member');
    const { group, me } = state;
    // Another member's clock may run ahead of this one's: time never goes back.
    const nowMs = Math.max(input.nowMs, group.lastNowMs);
    const signingKey = SigningKey.generate(random);
    const { origin } = group;
    const { profile } = input;
    const built = buildCommit({
      suite,
      random,
      cutDigits: this.#deps.cutDigits,
      group,
      committer: me.leaf,
      leafSecret,
      chain: chain.reveal(),
      operations: isPending(leaf) ? input.operations : this.#withDueRemovals(input.operations, nowMs),
      nowMs,
      payload: (made) => sealOwnEntry(this.#deps, { ...made, origin, me, signingKey, profile }),
    });
    if (!built.ok) return built;
    const { bytes, bodyHash, secrets } = built.value;
    const pending = { frameHash: hashFrame(bytes), bodyHash, secrets, signingKey };
    this.#state = { ...state, pending: [...state.pending, pending] };
    return accept({ frame: bytes, bodyHash, epoch: group.epoch });
  }

  /** A message in the current epoch. The ratchet has moved: store the group before posting. */
  encryptMessage(input: { readonly content: MemberContent; readonly nowMs: number }): Result<PreparedFrame> {
    this.#demandRest();
    const state = this.#state;
    const { group, keys, signingKey, me } = state;
    if (keys === undefined || signingKey === undefined) return violation('commit/member');
    const header = this.#header(input.nowMs);
    const sealed = sealMessage({
      keys,
      frame: header,
      leaf: me.leaf,
      signingKey,
      lastSeen: state.lastSeen,
      content: input.content,
    });
    if (!sealed.ok) return sealed;
    const body = encodeBody(header, sealed.value);
    const bodyHash = frameBodyHash(body);
    const trailer = encodeMessageTrailer(this.#messageProof(header, bodyHash));
    state.sent.set(bytesToHex(bodyHash), group.epoch);
    return accept({ frame: encodeFrame(body, trailer), bodyHash, epoch: group.epoch });
  }

  /** Asks to be removed by whoever commits next. Valid until this member commits itself. */
  leave(input: { readonly nowMs: number }): Result<PreparedFrame> {
    this.#demandRest();
    const state = this.#state;
    const leaf = ownLeaf(state);
    const secret = state.path.get(leafNode(state.me.leaf));
    if (leaf === undefined || secret === undefined || isPending(leaf))
      return violation('commit/leave-joined');
    const { group, me } = state;
    const body = encodeBody(this.#header(input.nowMs), { kind: 'leave', leaf: me.leaf, leafEpoch: me.epoch });
    const bodyHash = frameBodyHash(body);
    const signature = sign(this.#deps.suite, {
      purpose: 'leave',
      secret,
      publicKey: leaf.publicKey,
      context: leaveContext(group, me.leaf, me.epoch),
      hedge: this.#hedge(secret, bodyHash),
    });
    this.#state = { ...state, status: 'leaving' };
    return accept({
      frame: encodeFrame(body, encodeLeaveTrailer({ signature })),
      bodyHash,
      epoch: group.epoch,
    });
  }

  // Listening.

  /**
   * Processes the frame with the next sequence number. Frames that were processed before give no events; a gap, a commit that
   * does not verify, and whatever else a server that follows the same log had to refuse, give a violation and change nothing. The sealing proof is verified unless `sealingProof` is false.
   */
  processFrame(
    bytes: Uint8Array,
    seq: number,
    options: ProcessOptions = { sealingProof: true },
  ): Result<readonly GroupEvent[]> {
    return runInPlace(this.#deps, this.#take(bytes, seq, options));
  }

  /**
   * As `processFrame`; the claims of a commit are left to `deps.proofVerifier`, a slow search to `deps.slowSearch`. Rejects as they
   * do, also when `signal` fires: then nothing has changed. Meanwhile nothing that changes the group may be called: it throws.
   */
  async processFrameAsync(
    bytes: Uint8Array,
    seq: number,
    { signal, ...options }: ProcessOptions & { readonly signal?: AbortSignal | undefined } = {
      sealingProof: true,
    },
  ): Promise<Result<readonly GroupEvent[]>> {
    return await runElsewhere(this.#deps, this.#take(bytes, seq, options), signal);
  }

  *#take(bytes: Uint8Array, seq: number, options: ProcessOptions): Working<Result<readonly GroupEvent[]>> {
    const state = this.#state;
    if (state.status === 'removed') return violation('commit/member', 'removed');
    if (seq <= state.lastSeq) return accept([]);
    if (seq !== state.lastSeq + 1) return violation('commit/gap', `expected ${state.lastSeq + 1}`);
    this.#demandRest();
    this.#processing = true;
    try {
      const processed = yield* this.#process(bytes, options);
      if (!processed.ok) return processed;
      this.#state = { ...processed.value.state, lastSeq: seq };
      return accept(processed.value.events);
    } finally {
      this.#processing = false;
    }
  }

  *#process(bytes: Uint8Array, options: ProcessOptions): Working<Result<Processed>> {
    const state = this.#state;
    const parsed = parseFrame(bytes);
    if (!parsed.ok) return parsed;
    const frame = parsed.value;
    const { origin, groupId } = state.group;
    if (frame.header.origin !== origin || !equalBytes(frame.header.groupId, groupId)) {
      return violation('commit/eligible');
    }
    if (isCreateFrame(frame)) {
      const isMine = state.lastSeq === 0 && equalBytes(frame.bodyHash, state.lastSeen);
      return isMine ? accept({ state, events: [{ kind: 'group-created' }] }) : violation('commit/epoch');
    }
    if (isMessageFrame(frame)) return processMessage(this.#deps, state, frame);
    if (isLeaveFrame(frame)) return processLeave(this.#deps, state, frame);
    return yield* processCommit(this.#deps, state, frame, options);
  }

  /** Forgets the keys for late messages of the epoch before: ten minutes after being in sync, at the latest (§6). */
  forgetPreviousEpoch(): void {
    this.#demandRest();
    this.#state.previousKeys?.wipe();
    this.#state = { ...this.#state, previous: undefined, previousKeys: undefined };
  }

  // Proofs for the server.

  /**
   * Signs a challenge for a read token. By default with the highest node that this member knows, which any member under it could
   * have been; `leaf` is for when the server does not know that node yet or any more [F4].
   */
  proveReading(
    challenge: Uint8Array,
    by: 'highest' | 'leaf' = 'highest',
  ): Result<{ readonly node: NodeIndex; readonly signature: Uint8Array }> {
    const { group, path, me, status } = this.#state;
    // The leaf of somebody who was removed may lie outside of the tree, which shrinks.
    if (status === 'removed') return violation('commit/member');
    const own = [leafNode(me.leaf), ...directPath(leafNode(me.leaf), group.tree.leafCount)];
    const node = by === 'leaf' ? own[0] : own.findLast((candidate) => path.has(candidate));
    const secret = node === undefined ? undefined : path.get(node);
    if (node === undefined || secret === undefined) return violation('commit/member');
    const signature = signChallenge(this.#deps.suite, {
      ...group,
      challenge,
      secret,
      publicKey: publicKeyOf(this.#deps.suite, secret),
      hedge: this.#hedge(secret, challenge),
    });
    return accept({ node, signature });
  }

  /** The proof for storing an encrypted blob, by the epoch key. */
  proveBlob(blob: BlobDescription): Result<{ readonly epoch: number; readonly signature: Uint8Array }> {
    const { group } = this.#state;
    const head = this.#head();
    if (head === undefined) return violation('commit/member');
    const signature = signBlob(this.#deps.suite, {
      source: group,
      blob,
      ...head,
      hedge: this.#hedge(head.secret, blob.blobId),
    });
    return accept({ epoch: group.epoch, signature });
  }

  /** How many sealed nodes of a commit this member could open with what it holds, whoever they were sealed to: for attack suites. */
  countOpenedNodes(commit: Uint8Array): number {
    return countOpenedNodes(this.#deps.suite, this.#state.path.values(), commit);
  }

  // Invites.

  /** Leaves that this member added and that are still pending, ascending. */
  invitableLeaves(): LeafIndex[] {
    return [...this.#state.added.keys()].sort((a, b) => a - b);
  }

  /** The roster as of the epoch in which the leaf was added, encrypted for the blob store. */
  sealRosterFor(leaf: LeafIndex): Result<SealedSnapshot> {
    const added = this.#state.added.get(leaf);
    if (added === undefined) return violation('commit/invitable');
    const scope = { groupId: this.#state.group.groupId, epoch: added.at.epoch };
    return accept(sealRosterSnapshot(scope, added.at.roster, this.#deps.random));
  }

  /**
   * The invite for a leaf that this member added, encoded and signed; its roster lies under `roster.blobId`. Holds secrets: seal
   * it or send it end-to-end encrypted, then wipe it. Afterwards `forgetInvite`.
   */
  createInvite(
    leaf: LeafIndex,
    roster: Pick<SnapshotReference, 'blobId'> & Pick<SealedSnapshot, 'sha256' | 'key'>,
  ): Result<Uint8Array> {
    const { group, added, me } = this.#state;
    const material = added.get(leaf);
    if (material === undefined) return violation('commit/invitable');
    const { at, secret, expiresAtMs } = material;
    const leafSecret = Secret.copyOf(secret);
    const snapshotKey = Secret.copyOf(roster.key);
    const invite = encodeInvite(
      {
        origin: group.origin,
        groupId: group.groupId,
        mode: at.mode,
        epoch: at.epoch,
        chain: at.chain,
        treeHash: at.treeHash,
        transcript: at.transcript,
        leaf,
        leafSecret,
        expiresAtMs,
        inviter: me,
        roster: { blobId: roster.blobId, sha256: roster.sha256, key: snapshotKey },
      },
      this.#deps.identity,
    );
    leafSecret.wipe();
    snapshotKey.wipe();
    return accept(invite);
  }

  /** Deletes what an invite was made of, once it was delivered [F16]. */
  forgetInvite(leaf: LeafIndex): void {
    this.#demandRest();
    const { added } = this.#state;
    const kept = new Map([...added].filter(([index]) => index !== leaf));
    forgetAdded(added, kept);
    this.#state = { ...this.#state, added: kept };
  }

  // Storage.

  /** Everything without keys; changes with commits and leaves. Private all the same: it has the roster. */
  encodePublic(): Uint8Array {
    return encodePublicState(this.#state);
  }

  /** Keys and positions; changes with every frame. The caller encrypts it at rest and wipes the copy. */
  encodeSecret(): Uint8Array {
    return encodeSecretState(this.#state);
  }

  /** Overwrites all keys: the group cannot be used any more. */
  wipe(): void {
    this.#demandRest();
    wipeState(this.#state);
    this.#state = withoutKeys(this.#state);
  }

  toString(): string {
    return `SealedGroup(${bytesToHex(this.groupId)}, epoch ${this.epoch})`;
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  #demandRest(): void {
    if (this.#processing) throw new Error('a frame is being processed: finish or stop it first');
  }

  #header(nowMs: number): FrameHeader {
    const { origin, groupId, epoch } = this.#state.group;
    return { origin, groupId, epoch, nonce: this.#deps.random.bytes(frameLimits.nonceBytes), nowMs };
  }

  #hedge(secret: SecretScalar, context: Uint8Array): Hedge {
    return { secret, random: this.#deps.random, context };
  }

  /** The epoch's head: the highest node of the own path with a key, which every member knows. */
  #head(): { secret: SecretScalar; publicKey: PublicKey } | undefined {
    const { group, path } = this.#state;
    const publicKey = group.epochKeys.at(-1)?.publicKey;
    const node = publicKey === undefined ? undefined : group.tree.nodeWithKey(publicKey);
    const secret = node === undefined ? undefined : path.get(node);
    return publicKey === undefined || secret === undefined ? undefined : { secret, publicKey };
  }

  #messageProof(header: FrameHeader, bodyHash: Uint8Array): MessageTrailerContent {
    const { group, me, path } = this.#state;
    const leafSecret = path.get(leafNode(me.leaf))!;
    if (group.mode.leafProof) {
      const signature = sign(this.#deps.suite, {
        purpose: 'leaf-message',
        secret: leafSecret,
        publicKey: publicKeyOf(this.#deps.suite, leafSecret),
        context: leafMessageContext(header, bodyHash, me.leaf),
        hedge: this.#hedge(leafSecret, bodyHash),
      });
      return { proof: 'leaf', leaf: me.leaf, signature };
    }
    // A member with the epoch's keys has its head secret: they were derived from it.
    const head = this.#head()!;
    const signature = sign(this.#deps.suite, {
      purpose: 'message',
      ...head,
      context: messageContext(header, bodyHash),
      hedge: this.#hedge(head.secret, bodyHash),
    });
    return { proof: 'epoch', signature };
  }

  /** Leaves get their signature as the reason of their removal; nobody is removed twice. */
  #withDueRemovals(operations: readonly RequestedOperation[], nowMs: number): RequestedOperation[] {
    const { group, me } = this.#state;
    const signatureByLeaf = new Map<number, Uint8Array>(
      group.outstandingLeaves.map(({ leaf, signature }) => [leaf, signature]),
    );
    const due = new Set<number>(removalsDue(group, me.leaf, nowMs, operations));
    const others = operations.filter(
      (operation) => operation.kind !== 'set-role' || !due.has(operation.leaf),
    );
    const asked = new Set(others.flatMap((operation) => (operation.kind === 'remove' ? operation.leaf : [])));
    const withReason = (leaf: number): RequestedOperation => {
      const leaveSignature = signatureByLeaf.get(leaf);
      return leaveSignature === undefined
        ? { kind: 'remove', leaf }
        : { kind: 'remove', leaf, leaveSignature };
    };
    return [
      ...others.map((operation) => (operation.kind === 'remove' ? withReason(operation.leaf) : operation)),
      ...[...due].filter((leaf) => !asked.has(leaf)).map(withReason),
    ];
  }
}
