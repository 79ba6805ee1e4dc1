/**
 * Takes frames of the log, in order, into the state machine, and turns what it learns into records and events. A page of frames
 * is one transaction: messages, cursor and keys together. Events follow when it is durable.
 */
import { hashFrame, type GroupEvent, type LeafIndex, type SealedGroup } from '@conclave/sealed-group';
import { encodeBase64url } from '../encoding/base64url.ts';
import { throwIfAborted } from '../errors/conclave-error.ts';
import type { LoggedFrame } from '../http/sealed-api.ts';
import { paths } from '../store/paths.ts';
import type { VaultOperation } from '../store/vault.ts';
import type { GroupContext } from './group-context.ts';
import { messageCodec, type MessageRecord } from './group-records.ts';
import type { GroupEvents } from './group-types.ts';
import type { FrameSource, PageWitness } from './log-witness.ts';
import { listMembers, memberIdOf, ownLeafOf, senderOf } from './member-list.ts';
import { fromMemberContent, toMessage } from './message-content.ts';

/** Why a page was not taken to its end. */
export type Stop =
  | { readonly reason: 'gap'; readonly seq: number }
  | { readonly reason: 'rule'; readonly seq: number; readonly rule: string }
  /** The feed brought something that nobody answers for: the log has to say whether it is there. Nothing was taken. */
  | { readonly reason: 'doubt'; readonly seq: number };

/** What an own accepted commit did. */
export interface AcceptedCommit {
  readonly epoch: number;
  readonly added: readonly LeafIndex[];
  /** Joined leaves that descend from those it removed. */
  readonly descendants: readonly LeafIndex[];
}

export interface FrameApplierHooks {
  readonly commitAccepted: (bodyHash: Uint8Array, commit: AcceptedCommit) => void;
  readonly commitLost: (bodyHash: Uint8Array) => void;
  readonly epochChanged: () => void;
  /** Something happened that a commit of this device should answer. */
  readonly needsCommit: (why: 'due-removal' | 'unlisted-leaf' | 'slow-secret') => void;
}

type Emission = { [Type in keyof GroupEvents]: { type: Type; event: GroupEvents[Type] } }[keyof GroupEvents];

/** Collects what one page brings. */
interface Harvest {
  readonly operations: VaultOperation[];
  readonly emissions: Emission[];
  readonly after: (() => void)[];
  readonly witness: PageWitness;
  membersChanged: boolean;
  withPublic: boolean;
}

/**
 * From the feed only what a member vouches for is taken: anything else would let whoever controls the feed push the cursor past a
 * frame of the log.
 */
export async function applyFrames(
  context: GroupContext,
  hooks: FrameApplierHooks,
  frames: readonly LoggedFrame[],
  source: FrameSource,
): Promise<Stop | undefined> {
  try {
    return await applyAll(context, hooks, frames, source);
  } catch (error) {
    // Thrown so that the state is read back from disk as it was before.
    if (error instanceof FeedDoubt) return { reason: 'doubt', seq: error.seq };
    throw error;
  }
}

class FeedDoubt extends Error {
  readonly seq: number;

  constructor(seq: number) {
    super(`frame ${seq} of the feed says nothing that a member vouches for`);
    this.seq = seq;
  }
}

const doubtful: ReadonlySet<GroupEvent['kind']> = new Set([
  'unauthentic-message',
  'unreadable-message',
  'refused-leave',
]);

async function applyAll(
  context: GroupContext,
  hooks: FrameApplierHooks,
  frames: readonly LoggedFrame[],
  source: FrameSource,
): Promise<Stop | undefined> {
  const { state, emit, witness } = context;
  return await state.change<Stop | undefined>(async (group) => {
    const harvest: Harvest = {
      operations: [],
      emissions: [],
      after: [],
      witness: witness.begin(),
      membersChanged: false,
      withPublic: false,
    };
    const stop = await processAll(context, hooks, group, { frames, source }, harvest);
    const testimony = harvest.witness.conclude(source);
    for (const { evidence, seq, by } of testimony.findings)
      harvest.emissions.push({ type: 'warning', event: { kind: 'server-misbehaviour', evidence, seq, by } });
    // A group that this device is out of has no members to show.
    const isShown = harvest.membersChanged && group.status !== 'removed';
    const members = isShown ? listMembers(group, context.time.nowMs()) : undefined;
    return {
      value: stop,
      operations: [...harvest.operations, ...testimony.operations],
      withPublic: harvest.withPublic,
      afterwards: () => {
        testimony.apply();
        for (const { type, event } of harvest.emissions) emit(type, event as never);
        if (members !== undefined) emit('members', members);
        for (const task of harvest.after) task();
      },
    };
  });
}

async function processAll(
  context: GroupContext,
  hooks: FrameApplierHooks,
  group: SealedGroup,
  { frames, source }: { readonly frames: readonly LoggedFrame[]; readonly source: FrameSource },
  harvest: Harvest,
): Promise<Stop | undefined> {
  for (const { seq, frame } of frames) {
    if (group.status === 'removed') return undefined;
    if (seq <= group.lastSeq) continue;
    if (seq !== group.lastSeq + 1) return { reason: 'gap', seq };
    // Waits for the verdict on a commit, and for a slow search if a cheater made one necessary; closing the group stops both.
    const processed = await group.processFrameAsync(frame, seq, {
      sealingProof: true,
      signal: context.signal,
    });
    throwIfAborted(context.signal);
    if (!processed.ok) return { reason: 'rule', seq, rule: processed.rule };
    const events = processed.value;
    if (source === 'feed' && events.some(({ kind }) => doubtful.has(kind))) throw new FeedDoubt(seq);
    for (const event of events)
      if (event.kind === 'message')
        await harvest.witness.hear({
          seq,
          epoch: event.epoch,
          lastSeen: event.lastSeen,
          by: senderOf(event.sender.leaf, event.entry).id,
        });
    harvest.witness.processed({ seq, bodyHash: group.lastSeen, frameHash: hashFrame(frame) });
    harvestFrame(context, hooks, group, { seq, events }, harvest);
  }
  return undefined;
}

function harvestFrame(
  context: GroupContext,
  hooks: FrameApplierHooks,
  group: SealedGroup,
  frame: { seq: number; events: readonly GroupEvent[] },
  harvest: Harvest,
): void {
  const { id, outbox } = context;
  const { seq, events } = frame;
  const { emissions, operations, after } = harvest;
  const say = <Type extends keyof GroupEvents>(type: Type, event: GroupEvents[Type]): void => {
    emissions.push({ type, event } as Emission);
  };
  const save = (record: MessageRecord): void => {
    operations.push({ put: paths.message(id, seq), value: messageCodec.encode(record) });
    say('message', toMessage(record));
  };
  const added: LeafIndex[] = [];
  const descendants: LeafIndex[] = [];

  for (const event of events) {
    switch (event.kind) {
      case 'message':
        save({
          seq,
          bodyHash: event.bodyHash,
          sender: senderOf(event.sender.leaf, event.entry),
          mine: isOwnIdentity(group, event.entry?.identityKey),
          sentAtMs: event.sentAtMs,
          ...fromMemberContent(event.content),
        });
        break;
      case 'own-message': {
        const settled = outbox.settle(event.bodyHash);
        // Without its plaintext it came from a backup of the keys; the log knows it, this device cannot show it.
        if (settled === undefined) break;
        const { record, operation, forget } = settled;
        operations.push(operation);
        const own = ownLeafOf(group);
        save({
          seq,
          bodyHash: event.bodyHash,
          sender: senderOf(group.me.leaf, own?.entry),
          mine: true,
          sentAtMs: record.createdAtMs,
          type: record.type,
          content: record.content,
        });
        after.push(() => forget(seq));
        break;
      }
      case 'group-created':
        harvest.withPublic = true;
        break;
      case 'epoch-changed':
        harvest.withPublic = true;
        say('epoch', { epoch: event.epoch });
        after.push(hooks.epochChanged);
        break;
      case 'leaf-added':
        harvest.membersChanged = true;
        if (event.mine) added.push(event.leaf);
        break;
      case 'member-joined': {
        harvest.membersChanged = true;
        const { members } = listMembers(group, context.time.nowMs());
        const member = members.find(({ devices }) => devices.some(({ leaf }) => leaf === event.leaf));
        if (member !== undefined) say('joined', { member, leaf: event.leaf });
        break;
      }
      case 'member-removed':
      case 'role-changed':
        harvest.membersChanged = true;
        break;
      case 'mode-changed':
        say('mode', event.mode);
        break;
      case 'profile-changed':
        say('renamed', { name: event.profile.name });
        break;
      case 'leave-announced':
        harvest.withPublic = true;
        harvest.membersChanged = true;
        after.push(() => hooks.needsCommit('due-removal'));
        break;
      case 'removed-self':
        harvest.withPublic = true;
        say('removed', { verified: true });
        break;
      case 'commit-accepted': {
        operations.push({ delete: paths.pendingCommit(id) });
        const { bodyHash } = event;
        after.push(() => hooks.commitAccepted(bodyHash, { epoch: group.epoch, added, descendants }));
        break;
      }
      case 'commit-lost': {
        operations.push({ delete: paths.pendingCommit(id) });
        const { bodyHash } = event;
        after.push(() => hooks.commitLost(bodyHash));
        break;
      }
      case 'commit-flagged':
        for (const rule of event.flags) {
          say('warning', { kind: 'misbehaviour', rule, by: memberIdOf(group, event.committer) });
        }
        break;
      case 'slow-opening':
        say('warning', { kind: 'slow-secret', by: memberIdOf(group, event.committer) });
        after.push(() => hooks.needsCommit('slow-secret'));
        break;
      case 'unauthentic-message':
        say('warning', { kind: 'unauthentic-message', rule: event.rule, seq });
        break;
      case 'unreadable-message':
        // A newcomer passes the messages before its own time: that is no fault.
        if (group.status !== 'joining') say('warning', { kind: 'unreadable-message', seq });
        break;
      case 'refused-leave':
        say('warning', { kind: 'misbehaviour', rule: event.rule, by: undefined });
        break;
      case 'unlisted-leaf':
        say('warning', { kind: 'unlisted-leaf', leaf: event.leaf });
        after.push(() => hooks.needsCommit('unlisted-leaf'));
        break;
      case 'descendants-remain':
        descendants.push(...event.leaves);
        say('warning', {
          kind: 'descendants-remain',
          members: event.leaves.flatMap((leaf) => memberIdOf(group, leaf) ?? []),
        });
        break;
    }
  }
}

function isOwnIdentity(group: SealedGroup, identityKey: Uint8Array | undefined): boolean {
  const own = ownLeafOf(group)?.entry?.identityKey;
  return (
    own !== undefined && identityKey !== undefined && encodeBase64url(own) === encodeBase64url(identityKey)
  );
}
