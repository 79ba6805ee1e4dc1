/**
 * Builds a commit (§5): plan, fresh secrets, sealing, body, proofs, signatures, in the order in which each binds the next.
 *
 *   plan ─▶ does it fit into a frame? ─▶ secrets (leaf, path upwards by nextSecret, fills, added leaves) ─▶ keys into the draft ─▶ seal ─▶ body
 *     ─▶ epoch keys ─▶ payload, confirm ─▶ possessions, sealing proof ─▶ rest of trailer ─▶ signatures by old and new key
 *
 * Every secret is hedged and bound to group, epoch, nonce and operations; every mask and signature nonce to the body as well [F9].
 * A commit that lost its race is never repaired: the caller builds another one with everything fresh.
 */
import type { RandomSource } from '@conclave/ristretto';
import type { Hedge } from '../hash/index.ts';
import { hashTuple, hedgedScalar } from '../hash/index.ts';
import type { Result } from '../result.ts';
import { accept } from '../result.ts';
import type { EpochContext } from '../schedule/index.ts';
import { EpochKeys } from '../schedule/index.ts';
import type { CutDigits, SealingTarget } from '../sealing/index.ts';
import { proveSealing, sealSecrets } from '../sealing/index.ts';
import type { PublicKey, SecretScalar } from '../signature/index.ts';
import { nextSecret, publicKeyOf, sign } from '../signature/index.ts';
import type { Suite } from '../suite.ts';
import type { CommitInput, CommitPlan, GroupMode, NodeIndex, Role, TreeOperation } from '../tree/index.ts';
import { leafNode, planCommit, suggestFills } from '../tree/index.ts';
import type { FrameHeader, FrameOperation, SealedNodeContent } from '../wire/index.ts';
import {
  confirmedTranscriptHash,
  encodeBody,
  encodeCommitTrailer,
  encodeFrame,
  frameBodyHash,
  frameLimits,
  trailerContext,
} from '../wire/index.ts';
import { checkCommitSize } from './commit-size.ts';
import { CommitSecrets } from './commit-secrets.ts';
import { encodeContext, possessionContext, secretsContext, trailerSignatureContext } from './context.ts';
import type { PublicGroup } from './public-group.ts';

/** What a member asks for. The secrets of added leaves are made here. */
export type RequestedOperation =
  | { readonly kind: 'set-role'; readonly leaf: number; readonly role: Role }
  | { readonly kind: 'remove'; readonly leaf: number; readonly leaveSignature?: Uint8Array }
  | { readonly kind: 'add'; readonly role: Role; readonly expiresAtMs: number; readonly device: boolean }
  | { readonly kind: 'set-mode'; readonly mode: GroupMode };

/** What is known when the payload is made: the epoch's keys exist, the trailer does not. */
export interface PayloadInput {
  readonly keys: EpochKeys;
  readonly bodyHash: Uint8Array;
  readonly plan: CommitPlan;
  /** The secret of the committer's leaf in the new epoch: signs its identity entry. */
  readonly leafSecret: SecretScalar;
}

export interface BuildCommitInput {
  readonly suite: Suite;
  readonly random: RandomSource;
  readonly group: PublicGroup;
  readonly committer: number;
  /** The secret of the committer's current leaf key. */
  readonly leafSecret: SecretScalar;
  /** chain_e of the current epoch. */
  readonly chain: Uint8Array;
  readonly operations: readonly RequestedOperation[];
  readonly nowMs: number;
  /** Makes the encrypted payload of the trailer. */
  readonly payload: (input: PayloadInput) => Result<Uint8Array>;
  /** An attacker's way of cutting secrets into digits; the protocol's if absent. */
  readonly cutDigits?: CutDigits | undefined;
}

export interface BuiltCommit {
  readonly bytes: Uint8Array;
  readonly bodyHash: Uint8Array;
  readonly plan: CommitPlan;
  readonly secrets: CommitSecrets;
}

export function buildCommit(input: BuildCommitInput): Result<BuiltCommit> {
  const { suite, random, group, committer, leafSecret, nowMs } = input;
  const header: FrameHeader = {
    origin: group.origin,
    groupId: group.groupId,
    epoch: group.epoch,
    nonce: random.bytes(frameLimits.nonceBytes),
    nowMs,
  };
  const oldLeafKey = publicKeyOf(suite, leafSecret);
  const secretsHedge: Hedge = {
    secret: leafSecret,
    random,
    context: secretsContext(header, header.nonce, encodeRequest(header, input)),
  };
  const drawSecret = (label: string, index: number): SecretScalar =>
    hedgedScalar(suite, label, secretsHedge, index) as SecretScalar;

  const requested = orderOperations(input.operations);
  const addedSecrets: SecretScalar[] = [];
  const operations = requested.map((operation): TreeOperation => {
    if (operation.kind === 'remove') return { ...operation, leaveSignature: operation.leaveSignature };
    if (operation.kind !== 'add') return operation;
    const secret = drawSecret('added leaf secret', addedSecrets.length);
    addedSecrets.push(secret);
    return { ...operation, leafKey: publicKeyOf(suite, secret) };
  });
  const commitInput: CommitInput = {
    committer,
    operations,
    fills: [],
    newEpoch: group.epoch + 1,
    nowMs,
    mode: group.mode,
  };
  const fills = suggestFills(group.tree, commitInput);
  if (!fills.ok) return fills;
  const planned = planCommit(group.tree, { ...commitInput, fills: fills.value });
  if (!planned.ok) return planned;
  const plan = planned.value;
  const frame = { header, operations, fills: fills.value, plan };
  // Before the work of seconds: whatever the payload will be, it makes the frame no shorter.
  const mayFit = checkCommitSize(frame, 0);
  if (!mayFit.ok) return mayFit;

  // Secrets and keys: fills are independent of each other and of the path, path secrets follow from the leaf's upwards.
  const newLeafSecret = drawSecret('leaf secret', 0);
  const newLeafKey = publicKeyOf(suite, newLeafSecret);
  const pathSecrets = new Map<NodeIndex, SecretScalar>([[leafNode(plan.committer), newLeafSecret]]);
  const placed = plan.draft.setKey(leafNode(plan.committer), newLeafKey);
  if (!placed.ok) return placed;
  const sealSecretsInOrder: SecretScalar[] = [];
  let pathSecret = newLeafSecret;
  for (const [index, { node, kind }] of plan.seals.entries()) {
    let secret: SecretScalar;
    if (kind === 'path') {
      pathSecret = nextSecret(suite, pathSecret);
      secret = pathSecret;
      pathSecrets.set(node, secret);
    } else {
      secret = drawSecret('fill secret', index);
    }
    sealSecretsInOrder.push(secret);
    const set = plan.draft.setKey(node, publicKeyOf(suite, secret));
    if (!set.ok) return set;
  }
  const keyOf = (node: NodeIndex): PublicKey => plan.draft.node(node)!.publicKey;
  const targets: SealingTarget[] = plan.seals.map(({ node, recipients }, index) => ({
    secret: sealSecretsInOrder[index]!,
    publicKey: keyOf(node),
    recipients: recipients.map(keyOf),
    ...(input.cutDigits === undefined ? {} : { digits: input.cutDigits(sealSecretsInOrder[index]!) }),
  }));
  const { sealed, openings } = sealSecrets(suite, { targets, hedge: secretsHedge });

  const body = encodeBody(header, {
    kind: 'commit',
    committer,
    operations,
    fills: fills.value,
    leafKey: newLeafKey,
    sealed: sealed.map(({ publicKey, commitments, handles }, index): SealedNodeContent => ({
      node: plan.seals[index]!.node,
      key: publicKey,
      commitments,
      handles,
    })),
  });
  const bodyHash = frameBodyHash(body);
  const keys = EpochKeys.derive({
    chain: input.chain,
    headSecret: pathSecrets.get(plan.head)!,
    context: newEpochContext(group, plan, bodyHash),
    leafCount: plan.draft.leafCount,
  });

  const payload = input.payload({ keys, bodyHash, plan, leafSecret: newLeafSecret });
  if (!payload.ok) return payload;
  const fits = checkCommitSize(frame, payload.value.length);
  if (!fits.ok) return fits;
  const proofHedge: Hedge = { secret: leafSecret, random, context: bodyHash };
  const rest = {
    possessions: plan.added.map(({ leaf, operation }, index) =>
      sign(suite, {
        purpose: 'possession',
        secret: addedSecrets[index]!,
        publicKey: keyOf(leafNode(leaf)),
        context: possessionContext(header, bodyHash, operation),
        hedge: proofHedge,
      }),
    ),
    sealingProof: proveSealing(suite, {
      context: encodeContext(header),
      bodyHash,
      targets,
      sealed,
      openings,
      hedge: proofHedge,
    }),
    confirm: keys.confirmation(),
    payload: payload.value,
  };
  const signed = trailerSignatureContext(header, trailerContext(bodyHash, encodeCommitTrailer(rest)));
  const signBy = (
    purpose: 'commit-old' | 'commit-new',
    secret: SecretScalar,
    publicKey: PublicKey,
  ): Uint8Array => sign(suite, { purpose, secret, publicKey, context: signed, hedge: proofHedge });
  const trailer = encodeCommitTrailer({
    ...rest,
    oldSignature: signBy('commit-old', leafSecret, oldLeafKey),
    newSignature: signBy('commit-new', newLeafSecret, newLeafKey),
  });
  return accept({
    bytes: encodeFrame(body, trailer),
    bodyHash,
    plan,
    secrets: new CommitSecrets({
      pathSecrets,
      addedLeaves: plan.added.map(({ leaf }, index) => ({ leaf, secret: addedSecrets[index]! })),
      keys,
    }),
  });
}

/** The context of the epoch that a commit makes; the plan's draft has all its keys. */
export function newEpochContext(group: PublicGroup, plan: CommitPlan, bodyHash: Uint8Array): EpochContext {
  return {
    origin: group.origin,
    groupId: group.groupId,
    mode: plan.newMode,
    epoch: group.epoch + 1,
    treeHash: plan.draft.treeHash(),
    confirmedTranscript: confirmedTranscriptHash(group.transcript, bodyHash),
  };
}

const kindOrder = ['set-role', 'remove', 'add', 'set-mode'] as const;

/** The canonical order of kinds (§5); within a kind the caller's, which decides where added leaves sit. */
function orderOperations(operations: readonly RequestedOperation[]): RequestedOperation[] {
  return kindOrder.flatMap((kind) => operations.filter((operation) => operation.kind === kind));
}

/** The operations as bytes for the hedge, before any key exists. */
function encodeRequest(header: FrameHeader, { committer, operations }: BuildCommitInput): Uint8Array {
  const noKey = new Uint8Array(0);
  const requested = operations.map((operation): FrameOperation => {
    if (operation.kind === 'add') return { ...operation, leafKey: noKey };
    return operation.kind === 'remove'
      ? { ...operation, leaveSignature: operation.leaveSignature }
      : operation;
  });
  const content = {
    kind: 'commit',
    committer,
    operations: requested,
    fills: [],
    leafKey: noKey,
    sealed: [],
  } as const;
  return hashTuple('commit-request', encodeBody(header, content));
}
