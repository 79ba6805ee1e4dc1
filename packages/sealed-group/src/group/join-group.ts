/**
 * Joining (§8): from a signed invite, the tree of epoch n that the server gives, and commit n, to a member that knows its
 * path. Nothing of the server is believed but by way of the invite: the tree has the invite's hash, commit n is signed by
 * the inviter's leaf key in that tree, and what opens must fit the tree's keys [F2].
 *
 *   invite ─▶ tree hash, own leaf ─▶ commit n: signature, nodes, recipients, sealing proof ─▶ open one's path ─▶ roster
 */
import { equalBytes } from '@noble/ciphers/utils.js';
import type { Claim } from '../commit/index.ts';
import { checkSeals, sealingClaim, trailerSignatureContext } from '../commit/index.ts';
import type { IdentityEntry } from '../identity/index.ts';
import { openRosterSnapshot, Roster, verifyRosterSnapshot } from '../identity/index.ts';
import type { Invite } from '../invite/index.ts';
import { verifyInviteLeaf, verifyInviter } from '../invite/index.ts';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { RuleId } from '../rules/index.ts';
import { Secret } from '../schedule/index.ts';
import type { PublicKey } from '../signature/index.ts';
import { claimedPublicKey, parsePublicKey, parseSecret } from '../signature/index.ts';
import type { NodeIndex, PlannedSeal, PublicTree } from '../tree/index.ts';
import {
  decodeTree,
  isLeaf,
  leafNode,
  left,
  resolution,
  right,
  toLeafIndex,
  toNodeIndex,
} from '../tree/index.ts';
import type { CommitFrame } from '../wire/index.ts';
import { isCommitFrame, parseFrame, trailerContext, unsignedPart } from '../wire/index.ts';
import type { MemberDeps, MemberState } from './member-state.ts';
import type { Working } from './errand.ts';
import { searching, verifying } from './errand.ts';
import { openPath } from './open-path.ts';

export interface JoinInput {
  /** From `verifyInvite`. Its secrets are copied: wipe it once the member is stored. */
  readonly invite: Invite;
  /** The encoded tree of the invite's epoch n. */
  readonly tree: Uint8Array;
  /** The frame of commit n, which made that epoch, and its sequence number. */
  readonly commit: Uint8Array;
  readonly commitSeq: number;
  /** The encrypted roster snapshot that the invite names; without it the names come later, with everybody's commits. */
  readonly snapshot: Uint8Array | undefined;
}

export interface JoinFindings {
  /** Who invited, if the roster knows; undefined is worth a warning. */
  readonly inviter: IdentityEntry | undefined;
  /** What was wrong with the roster: a bad snapshot costs names, never the join. */
  readonly flags: readonly RuleId[];
}

/** Its errands: the keys of the tree, the claims of commit n, and a slow search if a sealed secret needs one. */
export function* joinGroup(
  deps: MemberDeps,
  input: JoinInput,
): Working<Result<{ state: MemberState; findings: JoinFindings }>> {
  const { suite } = deps;
  const { invite } = input;
  const tree = yield* treeOf(deps, input.tree);
  if (!tree.ok) return tree;
  const leaf = verifyInviteLeaf(suite, invite, tree.value);
  if (!leaf.ok) return leaf;
  const frame = parseAddingCommit(input);
  if (!frame.ok) return frame;
  const seals = sealsOf(tree.value, frame.value);
  if (!seals.ok) return seals;
  const claims = claimsOf(tree.value, frame.value, seals.value);
  if (!claims.ok) return claims;
  const held = yield* verifying(claims.value);
  if (!held.ok) return held;

  const leafSecret = parseSecret(suite, invite.leafSecret.reveal());
  if (leafSecret === undefined) return violation('invite/leaf-secret');
  const opened = yield* searching(
    openPath({
      suite,
      tree: tree.value,
      seals: seals.value,
      sealed: frame.value.content.sealed,
      leaf: invite.leaf,
      known: new Map([[leafNode(invite.leaf), leafSecret]]),
    }),
  );
  if (!opened.ok) return opened;

  const { roster, findings } = rosterOf(deps, input, tree.value);
  const head = seals.value.findLast(({ kind }) => kind === 'path')?.node ?? leafNode(invite.inviter.leaf);
  return accept({
    findings,
    state: {
      group: {
        origin: invite.origin,
        groupId: invite.groupId,
        epoch: invite.epoch,
        mode: invite.mode,
        tree: tree.value,
        transcript: invite.transcript,
        // Only the keys of epoch n are bound to it, and those stay closed.
        confirmedTranscript: new Uint8Array(32),
        lastNowMs: frame.value.header.nowMs,
        epochKeys: [{ epoch: invite.epoch, publicKey: tree.value.node(head)!.publicKey }],
        lastRemovalEpoch: 0,
        previousEpochGrace: false,
        outstandingLeaves: [],
      },
      roster,
      previous: undefined,
      me: { leaf: invite.leaf, epoch: invite.epoch },
      status: 'joining',
      lastSeq: input.commitSeq,
      lastSeen: frame.value.bodyHash,
      path: opened.value.secrets,
      chain: Secret.copyOf(invite.chain.reveal()),
      keys: undefined,
      previousKeys: undefined,
      signingKey: undefined,
      pending: [],
      added: new Map(),
      sent: new Map(),
    },
  });
}

/**
 * The tree of n. Decoding the keys of all members is dear, so they are claimed to be points and verified as one. Of a tree that is
 * refused the first fault is named, as it is when each key is decoded in its turn.
 */
function* treeOf({ suite }: MemberDeps, bytes: Uint8Array): Working<Result<PublicTree>> {
  const keys: PublicKey[] = [];
  const tree = decodeTree(bytes, (octets) => {
    const key = claimedPublicKey(octets);
    if (key !== undefined) keys.push(key);
    return key;
  });
  if (tree.ok) {
    const held = yield* verifying([{ kind: 'keys', rule: 'tree/malformed-key', keys }]);
    if (held.ok) return tree;
  }
  return decodeTree(bytes, (octets) => parsePublicKey(suite, octets));
}

/** Commit n by the inviter, of this group. */
function parseAddingCommit({ invite, commit }: JoinInput): Result<CommitFrame> {
  const frame = parseFrame(commit);
  if (!frame.ok) return frame;
  const { header } = frame.value;
  const fits =
    isCommitFrame(frame.value) &&
    header.origin === invite.origin &&
    equalBytes(header.groupId, invite.groupId) &&
    header.epoch === invite.epoch - 1 &&
    frame.value.content.committer === invite.inviter.leaf;
  return fits ? accept(frame.value) : violation('commit/adding-commit');
}

/** What commit n sealed, with the recipients that the finished tree gives: the same that every member computed. */
function sealsOf(tree: PublicTree, frame: CommitFrame): Result<PlannedSeal[]> {
  const fills = new Set<number>(frame.content.fills);
  const seals: PlannedSeal[] = [];
  for (const { node: index, key, handles } of frame.content.sealed) {
    const node = toNodeIndex(index, tree.leafCount);
    const stands = node === undefined || isLeaf(node) ? undefined : tree.node(node);
    if (node === undefined || stands === undefined || !equalBytes(stands.publicKey, key)) {
      return violation('commit/nodes', `node ${index}`);
    }
    const limit = handles.length;
    const recipients: NodeIndex[] = [
      ...resolution(tree, left(node), limit),
      ...resolution(tree, right(node), limit),
    ];
    seals.push({ node, kind: fills.has(node) ? 'fill' : 'path', recipients });
  }
  const shape = checkSeals(frame.content.sealed, seals);
  return shape.ok ? accept(seals) : shape;
}

function claimsOf(tree: PublicTree, frame: CommitFrame, seals: readonly PlannedSeal[]): Result<Claim[]> {
  const committer = toLeafIndex(frame.content.committer, tree.leafCount);
  const leafKey: PublicKey | undefined =
    committer === undefined ? undefined : tree.leaf(committer)?.publicKey;
  if (leafKey === undefined || !equalBytes(leafKey, frame.content.leafKey)) {
    return violation('commit/adding-commit');
  }
  const signed = trailerContext(frame.bodyHash, unsignedPart(frame.trailer, 2));
  return accept([
    {
      kind: 'signature',
      rule: 'commit/new-signature',
      purpose: 'commit-new',
      publicKey: leafKey,
      context: trailerSignatureContext(frame.header, signed),
      signature: frame.trail.newSignature,
    },
    sealingClaim(frame, seals, tree),
  ]);
}

function rosterOf(
  { suite, random }: MemberDeps,
  { invite, snapshot: bytes }: JoinInput,
  tree: PublicTree,
): { roster: Roster; findings: JoinFindings } {
  if (bytes === undefined) return { roster: Roster.empty(), findings: { inviter: undefined, flags: [] } };
  const { sha256, key } = invite.roster;
  const scope = { origin: invite.origin, groupId: invite.groupId, epoch: invite.epoch };
  const snapshot = openRosterSnapshot(scope, { bytes, sha256, key: key.reveal() });
  if (!snapshot.ok) {
    return { roster: Roster.empty(), findings: { inviter: undefined, flags: [snapshot.rule] } };
  }
  const { roster, dropped } = verifyRosterSnapshot(suite, snapshot.value, { ...scope, tree, random });
  const inviter = verifyInviter(invite, roster);
  const flags = [...dropped.map(({ rule }) => rule), ...(inviter.ok ? [] : [inviter.rule])];
  return { roster, findings: { inviter: inviter.ok ? inviter.value : undefined, flags } };
}
