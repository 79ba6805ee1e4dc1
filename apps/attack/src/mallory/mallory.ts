/**
 * A malicious device: a full member (its state machine is the honest one) whose every secret lies open, so that it can make a
 * good frame, change any part of it, and sign the result with the right keys. What is wrong with it then is exactly what
 * was changed. Unchanged, the same construction is a good frame: that is the control of every attack.
 */
import { createHash } from 'node:crypto';
import { systemRandom } from '@conclave/platform';
import {
  encodeBody,
  encodeCommitTrailer,
  encodeFrame,
  frameBodyHash,
  leafMessageContext,
  leafNode,
  leaveContext,
  messageContext,
  encodeLeaveTrailer,
  encodeMessageTrailer,
  parseFrame,
  parsePublicKey,
  planCommit,
  possessionContext,
  publicKeyOf,
  SealedGroup,
  trailerContext,
  trailerSignatureContext,
} from '@conclave/sealed-group';
import type {
  CommitContent,
  CommitFrame,
  CommitPlan,
  CommitSecrets,
  CommitTrailerContent,
  FrameHeader,
  FrameOperation,
  LeafIndex,
  RequestedOperation,
  Role,
  SecretScalar,
  TreeOperation,
} from '@conclave/sealed-group';
import { base64url, testSuite, valueOf } from '@conclave/testkit';
import type { ServerAnswer, TestMember } from '@conclave/testkit';
// What lies in a member's state, and signing with any key, are nobody's business but a forger's: the package exports neither.
import {
  decodeMemberState,
  encodePublicState,
  encodeSecretState,
} from '../../../../packages/sealed-group/src/group/encode-state.ts';
import type { MemberState } from '../../../../packages/sealed-group/src/group/member-state.ts';
import { hashFrame } from '../../../../packages/sealed-group/src/group/process-commit.ts';
import { sign } from '../../../../packages/sealed-group/src/signature/index.ts';
import type { SignaturePurpose } from '../../../../packages/sealed-group/src/signature/index.ts';
import { linkTo, makeInvite } from './invitation.ts';

/** A good commit of this member, with all that is needed to change it. */
export interface Prepared {
  readonly frame: CommitFrame;
  readonly plan: CommitPlan;
  readonly secrets: CommitSecrets;
}

/** What is different from the good commit. Each part is signed as if it were meant, but for `signed`. */
export interface Changes {
  readonly header?: Partial<FrameHeader>;
  readonly content?: (content: CommitContent) => Partial<CommitContent>;
  readonly trail?: (trail: CommitTrailerContent) => Partial<CommitTrailerContent>;
  /** Signs in the place of the leaf's old key. */
  readonly oldSecret?: SecretScalar;
  /** After everything was signed. */
  readonly signed?: (trail: CommitTrailerContent) => Partial<CommitTrailerContent>;
}

export interface MessageOptions {
  readonly header?: Partial<FrameHeader>;
  readonly masked?: Uint8Array;
  readonly ciphertext?: Uint8Array;
  /** Signs in the place of the key that the proof names. */
  readonly secret?: SecretScalar;
  /** Whose key proves it; the epoch's if absent. */
  readonly leaf?: number;
  readonly purpose?: SignaturePurpose;
}

export interface LeaveOptions {
  readonly header?: Partial<FrameHeader>;
  readonly leaf?: number;
  readonly leafEpoch?: number;
  readonly secret?: SecretScalar;
}

export type AddOperation = Extract<FrameOperation, { kind: 'add' }>;

export class Mallory {
  readonly member: TestMember;
  /** By public key in hexadecimal: the secrets of leaves that forged adds would add. */
  readonly #added = new Map<string, SecretScalar>();

  constructor(member: TestMember) {
    this.member = member;
  }

  get leaf(): LeafIndex {
    return this.member.group.me.leaf;
  }

  /** A copy: nothing that is done to it changes the member. */
  get state(): MemberState {
    const { group } = this.member;
    const stored = { public: group.encodePublic(), secret: group.encodeSecret() };
    return valueOf(decodeMemberState(testSuite, stored));
  }

  get leafSecret(): SecretScalar {
    return this.state.path.get(leafNode(this.leaf))!;
  }

  /** Secret and key of the epoch's head, which prove messages. */
  get headSecret(): SecretScalar {
    const { group, path } = this.state;
    return path.get(group.tree.nodeWithKey(group.epochKeys.at(-1)!.publicKey)!)!;
  }

  get header(): FrameHeader {
    const { origin, groupId, epoch } = this.member.group;
    return { origin, groupId, epoch, nonce: systemRandom.bytes(16), nowMs: Date.now() };
  }

  post(frame: Uint8Array): Promise<ServerAnswer> {
    return this.member.post(frame);
  }

  // Commits.

  /** A good commit, kept as this member's own: should it be accepted, the member follows it. */
  prepare(operations: readonly RequestedOperation[] = []): Prepared {
    const { frame: bytes } = this.member.prepareCommit(operations);
    const frame = commitFrameOf(bytes);
    const { group, pending } = this.state;
    const plan = valueOf(
      planCommit(group.tree, {
        committer: frame.content.committer,
        operations: frame.content.operations.map(toTreeOperation),
        fills: frame.content.fills,
        newEpoch: group.epoch + 1,
        nowMs: frame.header.nowMs,
        mode: group.mode,
      }),
    );
    const { secrets } = pending.at(-1)!;
    for (const [index, { operation }] of plan.added.entries()) {
      const added = frame.content.operations[operation];
      if (added?.kind === 'add') this.#added.set(hexOf(added.leafKey), secrets.addedLeaves[index]!.secret);
    }
    return { frame, plan, secrets };
  }

  /** An add as it stands in a frame; its possession is proven by `forge`. */
  newAdd(fields: Partial<AddOperation> = {}): AddOperation {
    const secret = newSecret();
    const leafKey = publicKeyOf(testSuite, secret);
    this.#added.set(hexOf(leafKey), secret);
    return {
      kind: 'add',
      leafKey,
      role: 'member',
      expiresAtMs: Date.now() + 3_600_000,
      device: false,
      ...fields,
    };
  }

  /** The commit with these changes, signed again by the leaf's old and new key. */
  forge(prepared: Prepared, changes: Changes = {}): Uint8Array {
    const { frame, secrets } = prepared;
    const header = { ...frame.header, ...changes.header };
    const content = { ...frame.content, ...changes.content?.(frame.content) };
    const body = encodeBody(header, content);
    const bodyHash = frameBodyHash(body);
    const possessions = content.operations.flatMap((operation, index) => {
      if (operation.kind !== 'add') return [];
      const secret = this.#added.get(hexOf(operation.leafKey)) ?? newSecret();
      return [signAs('possession', secret, possessionContext(header, bodyHash, index))];
    });
    const { oldSignature: _old, newSignature: _new, ...trail } = { ...frame.trail, possessions };
    const rest = { ...trail, ...changes.trail?.({ ...frame.trail, possessions }) };
    const { sealingProof, confirm, payload } = rest;
    const unsigned = encodeCommitTrailer({ possessions: rest.possessions, sealingProof, confirm, payload });
    const context = trailerSignatureContext(header, trailerContext(bodyHash, unsigned));
    const signed = {
      ...rest,
      oldSignature: signAs('commit-old', changes.oldSecret ?? this.leafSecret, context),
      newSignature: signAs('commit-new', secrets.pathSecrets.get(leafNode(this.leaf))!, context),
    };
    return encodeFrame(body, encodeCommitTrailer({ ...signed, ...changes.signed?.(signed) }));
  }

  /** The member shall take this forged frame for its own commit, should it see it in the log. */
  adopt(prepared: Prepared, bytes: Uint8Array, secrets: CommitSecrets = prepared.secrets): void {
    const { state } = this;
    const bodyHash = frameBodyHash(commitFrameOf(bytes).body);
    const pending = state.pending.map((own) =>
      Buffer.from(own.bodyHash).equals(prepared.frame.bodyHash)
        ? { ...own, frameHash: hashFrame(bytes), bodyHash, secrets }
        : own,
    );
    const changed = { ...state, pending };
    const stored = { public: encodePublicState(changed), secret: encodeSecretState(changed) };
    this.member.group = valueOf(SealedGroup.decode(this.member.deps, stored));
  }

  // Messages and leaves.

  /** A message frame around these octets, proven by the epoch key or, given a leaf, by that leaf's. */
  message(options: MessageOptions = {}): Uint8Array {
    const header = { ...this.header, ...options.header };
    const { masked = systemRandom.bytes(8), ciphertext = systemRandom.bytes(300), leaf } = options;
    const body = encodeBody(header, { kind: 'message', header: masked, ciphertext });
    const bodyHash = frameBodyHash(body);
    if (leaf === undefined) {
      const { secret = this.headSecret, purpose = 'message' } = options;
      const signature = signAs(purpose, secret, messageContext(header, bodyHash));
      return encodeFrame(body, encodeMessageTrailer({ proof: 'epoch', signature }));
    }
    const { secret = this.leafSecret, purpose = 'leaf-message' } = options;
    const signature = signAs(purpose, secret, leafMessageContext(header, bodyHash, leaf));
    return encodeFrame(body, encodeMessageTrailer({ proof: 'leaf', leaf, signature }));
  }

  leaveFrame(options: LeaveOptions = {}): Uint8Array {
    const { leaf = this.leaf, leafEpoch = this.member.group.me.epoch, secret = this.leafSecret } = options;
    const signature = this.leaveSignature(leaf, leafEpoch, secret);
    return encodeFrame(
      encodeBody({ ...this.header, ...options.header }, { kind: 'leave', leaf, leafEpoch }),
      encodeLeaveTrailer({ signature }),
    );
  }

  leaveSignature(leaf: number, leafEpoch: number, secret: SecretScalar): Uint8Array {
    return signAs('leave', secret, leaveContext(this.state.group, leaf, leafEpoch));
  }

  // People.

  /** An invite link as the honest client makes it, for a new leaf. `via`: another origin that leads to the same server. */
  async inviteLink(role: Role, via: string = this.member.url): Promise<string> {
    return await linkTo(this, await makeInvite(this, role), { via });
  }

  /** Adds a malicious leaf that has joined. Both are up to date afterwards. */
  async accomplice(name: string, role: Role): Promise<Mallory> {
    return new Mallory(await this.member.welcome(name, role));
  }
}

export function signAs(purpose: SignaturePurpose, secret: SecretScalar, context: Uint8Array): Uint8Array {
  return sign(testSuite, {
    purpose,
    secret,
    publicKey: publicKeyOf(testSuite, secret),
    context,
    hedge: { secret, random: systemRandom, context },
  });
}

export function newSecret(): SecretScalar {
  return testSuite.group.scalars.fromWideBytes(systemRandom.bytes(64)) as SecretScalar;
}

export function commitFrameOf(bytes: Uint8Array): CommitFrame {
  const frame = valueOf(parseFrame(bytes));
  if (frame.content.kind !== 'commit') throw new Error('not a commit');
  return frame as CommitFrame;
}

export function sha256(octets: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(octets).digest());
}

export { base64url };

function toTreeOperation(operation: FrameOperation): TreeOperation {
  if (operation.kind !== 'add') return operation;
  return { ...operation, leafKey: parsePublicKey(testSuite, operation.leafKey)! };
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
