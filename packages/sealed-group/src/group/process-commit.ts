/**
 * A commit, as a member processes it (§5, §6):
 *
 *   verify everything ─▶ removed? ─▶ open one secret, hash upwards ─▶ epoch keys ─▶ payload (flags only) ─▶ next state
 *
 * Nothing changes before every step succeeded. What only members can see (confirmation, payload, entries) never makes
 * a commit fail: it flags the committer [F2]. One's own accepted commit takes the secrets that were kept for it [F9].
 */
import { equalBytes } from '@noble/ciphers/utils.js';
import type { CommitEffect } from '../commit/index.ts';
import { advanceGroup, clientVerification, newEpochContext, verifyCommit } from '../commit/index.ts';
import { hashTuple } from '../hash/index.ts';
import type { PayloadFindings, Roster } from '../identity/index.ts';
import { examineCommitPayload } from '../identity/index.ts';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { EpochKeys, Secret } from '../schedule/index.ts';
import type { SecretScalar } from '../signature/index.ts';
import type { LeafIndex, NodeIndex } from '../tree/index.ts';
import { isPending } from '../tree/index.ts';
import type { CommitFrame } from '../wire/index.ts';
import { describeCommit } from './describe-commit.ts';
import type { GroupEvent } from './group-event.ts';
import type { AddedLeaf, MemberDeps, MemberState, PendingCommit } from './member-state.ts';
import { forgetAdded, wipePending, wipeState, withoutKeys } from './member-state.ts';
import type { Working } from './errand.ts';
import { searching, verifying } from './errand.ts';
import { openPath } from './open-path.ts';
import { rememberEpoch } from './previous-epoch.ts';

export interface ProcessOptions {
  /**
   * Verify the sealing proof of every commit (the default). Without it, what this member opens is still checked, and the proof is
   * verified when something does not open; what others can open then rests on the server.
   */
  readonly sealingProof: boolean;
}

export interface Processed {
  readonly state: MemberState;
  readonly events: readonly GroupEvent[];
}

interface Secrets {
  readonly path: ReadonlyMap<NodeIndex, SecretScalar>;
  readonly slow: boolean;
}

export function* processCommit(
  deps: MemberDeps,
  state: MemberState,
  frame: CommitFrame,
  options: ProcessOptions,
): Working<Result<Processed>> {
  const frameHash = hashFrame(frame.bytes);
  const own = state.pending.find((pending) => equalBytes(pending.frameHash, frameHash));
  const verified = yield* verify(state, frame, {
    own: own !== undefined,
    sealingProof: options.sealingProof,
  });
  if (!verified.ok) return verified;
  const effect = verified.value;
  if (effect.plan.removed.includes(state.me.leaf)) return accept(leaveForGood(state, frame, effect));

  const opened = own === undefined ? yield* open(deps, state, frame, effect, options) : ownSecrets(own);
  if (!opened.ok) return opened;
  const secrets = opened.value;
  const keys = own?.secrets.keys ?? deriveKeys(state, effect, frame, secrets);
  if (keys === undefined) return violation('commit/opens', 'head');
  const findings = examineCommitPayload({
    suite: deps.suite,
    random: deps.random,
    origin: state.group.origin,
    keys,
    bodyHash: frame.bodyHash,
    confirm: frame.trail.confirm,
    payload: frame.trail.payload,
    committer: effect.plan.committer,
    tree: effect.plan.draft,
    roster: state.roster,
  });
  return accept(adopt(state, frame, effect, { keys, own, findings, secrets }));
}

/** Identifies a whole frame: its trailer too, which a body hash leaves open. */
export function hashFrame(bytes: Uint8Array): Uint8Array {
  return hashTuple('frame', bytes);
}

function* verify(
  state: MemberState,
  frame: CommitFrame,
  { own, sealingProof }: { own: boolean; sealingProof: boolean },
): Working<Result<CommitEffect>> {
  const verified = verifyCommit(state.group, frame, {
    ...clientVerification,
    sealingProof: sealingProof && !own,
  });
  if (!verified.ok) return verified;
  // These very bytes were made here, so their signatures and proofs are known to be right.
  const held = own ? accept(undefined) : yield* verifying(verified.value.claims);
  return held.ok ? accept(verified.value.effect) : held;
}

function* open(
  deps: MemberDeps,
  state: MemberState,
  frame: CommitFrame,
  effect: CommitEffect,
  options: ProcessOptions,
): Working<Result<Secrets>> {
  const opening = openPath({
    suite: deps.suite,
    tree: effect.plan.draft,
    seals: effect.plan.seals,
    sealed: frame.content.sealed,
    leaf: state.me.leaf,
    known: state.path,
  });
  // Only a verified proof bounds a search: without it a cheater could make everybody compute for nothing.
  const prove = (): Working<Result<CommitEffect>> => verify(state, frame, { own: false, sealingProof: true });
  const opened = yield* searching(opening, options.sealingProof ? undefined : prove);
  return opened.ok ? accept({ path: opened.value.secrets, slow: opened.value.slow }) : opened;
}

function ownSecrets(own: PendingCommit): Result<Secrets> {
  return accept({ path: own.secrets.pathSecrets, slow: false });
}

function deriveKeys(
  state: MemberState,
  effect: CommitEffect,
  frame: CommitFrame,
  { path }: Secrets,
): EpochKeys | undefined {
  const headSecret = path.get(effect.plan.head);
  const chain = state.keys?.chain ?? state.chain;
  if (headSecret === undefined || chain === undefined) return undefined;
  return EpochKeys.derive({
    chain: chain.reveal(),
    headSecret,
    context: newEpochContext(state.group, effect.plan, frame.bodyHash),
    leafCount: effect.plan.draft.leafCount,
  });
}

/** The step into the new epoch. From here on nothing can fail. */
function adopt(
  state: MemberState,
  frame: CommitFrame,
  effect: CommitEffect,
  made: { keys: EpochKeys; own: PendingCommit | undefined; findings: PayloadFindings; secrets: Secrets },
): Processed {
  const { keys, own, findings, secrets } = made;
  const { plan } = effect;
  const roster = state.roster.afterCommit({
    epoch: effect.epoch,
    committer: plan.committer,
    entry: findings.entry,
    others: findings.others,
    removed: plan.removed,
    profile: findings.profile,
  });
  const events: GroupEvent[] = state.pending.map((pending) => ({
    kind: pending === own ? 'commit-accepted' : 'commit-lost',
    bodyHash: pending.bodyHash,
  }));
  events.push(...describeCommit(state, effect, { findings, own: own !== undefined, slow: secrets.slow }));

  const previous = rememberEpoch(state.group.tree, effect.changes);
  const added = stillPending(state, effect);
  if (own !== undefined) for (const leaf of invitables(own, effect, keys, roster)) added.set(leaf.leaf, leaf);
  forget(state, own, secrets, added);
  return {
    events,
    state: {
      group: advanceGroup(state.group, effect),
      roster,
      previous,
      me: state.me,
      status: own === undefined ? state.status : 'joined',
      lastSeq: state.lastSeq,
      lastSeen: frame.bodyHash,
      path: secrets.path,
      chain: undefined,
      keys,
      previousKeys: state.keys,
      signingKey: own?.signingKey ?? state.signingKey,
      pending: [],
      added,
      sent: new Map([...state.sent].filter(([, epoch]) => epoch >= effect.epoch - 1)),
    },
  };
}

/** Overwrites what the new epoch has no use for. */
function forget(
  state: MemberState,
  own: PendingCommit | undefined,
  secrets: Secrets,
  added: ReadonlyMap<LeafIndex, AddedLeaf>,
): void {
  state.chain?.wipe();
  state.keys?.retire();
  state.previousKeys?.wipe();
  const kept = new Set(secrets.path.values());
  for (const secret of state.path.values()) if (!kept.has(secret)) secret.fill(0);
  for (const pending of state.pending) if (pending !== own) wipePending(pending);
  if (own !== undefined) state.signingKey?.wipe();
  forgetAdded(state.added, added);
}

/** Invite material of leaves that are still there and still pending. */
function stillPending(state: MemberState, effect: CommitEffect): Map<LeafIndex, AddedLeaf> {
  return new Map(
    [...state.added].filter(([index, { at }]) => {
      const leaf = effect.plan.draft.leaf(index);
      return leaf !== undefined && leaf.epoch === at.epoch && isPending(leaf);
    }),
  );
}

function invitables(own: PendingCommit, effect: CommitEffect, keys: EpochKeys, roster: Roster): AddedLeaf[] {
  const { epoch, treeHash, transcript, mode, plan } = effect;
  const at = { epoch, treeHash, transcript, mode, roster, chain: Secret.copyOf(keys.chain.reveal()) };
  return own.secrets.addedLeaves.map(({ leaf, secret }) => ({
    leaf,
    secret,
    expiresAtMs: plan.draft.leaf(leaf)!.expiresAtMs!,
    at,
  }));
}

/** This member is removed: the tree goes on without it, its keys are overwritten. */
function leaveForGood(state: MemberState, frame: CommitFrame, effect: CommitEffect): Processed {
  const nothingFound: PayloadFindings = { entry: undefined, others: [], profile: undefined, flags: [] };
  const events: GroupEvent[] = [
    ...describeCommit(state, effect, { findings: nothingFound, own: false, slow: false }),
    { kind: 'removed-self', by: effect.plan.committer },
  ];
  const roster = state.roster.afterCommit({
    epoch: effect.epoch,
    committer: effect.plan.committer,
    entry: undefined,
    others: [],
    removed: effect.plan.removed,
    profile: undefined,
  });
  wipeState(state);
  const group = advanceGroup(state.group, effect);
  return {
    events,
    state: { ...withoutKeys(state), group, roster, previous: undefined, lastSeen: frame.bodyHash },
  };
}
