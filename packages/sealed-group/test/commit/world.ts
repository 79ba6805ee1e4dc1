/**
 * A group whose every leaf secret is in the hands of the test, so that it can forge: build a commit, change any part of it,
 * and sign the result again with the right keys. What remains wrong is then exactly what was changed.
 */
import type { RandomSource } from '@conclave/ristretto';
import type {
  BuiltCommit,
  CommitContent,
  CommitFrame,
  CommitTrailerContent,
  FrameHeader,
  GroupMode,
  LeafIndex,
  ParsedFrame,
  PublicGroup,
  RequestedOperation,
  Result,
  SecretScalar,
  VerifyCommitOptions,
} from '../../src/index.ts';
import {
  accept,
  advanceGroup,
  buildCommit,
  buildCreate,
  checkEligibility,
  clientVerification,
  encodeBody,
  encodeCommitTrailer,
  encodeFrame,
  foundGroup,
  frameBodyHash,
  isCommitFrame,
  isCreateFrame,
  leafNode,
  parseFrame,
  possessionContext,
  publicKeyOf,
  trailerContext,
  trailerSignatureContext,
  verifyClaimsOfOne,
  verifyCommit,
  verifyCreate,
} from '../../src/index.ts';
import { Secret } from '../../src/schedule/index.ts';
import { sign } from '../../src/signature/index.ts';
import { openMode, seededRandom, startMs, suite, valueOf } from '../group/people.ts';
import { origin } from '../group/delivery-service.ts';

export interface Changes {
  readonly header?: Partial<FrameHeader>;
  readonly content?: (content: CommitContent) => Partial<CommitContent>;
  readonly trail?: (trail: CommitTrailerContent) => Partial<CommitTrailerContent>;
  /** After everything was signed. */
  readonly signed?: (trail: CommitTrailerContent) => Partial<CommitTrailerContent>;
}

export class World {
  readonly random: RandomSource;
  group: PublicGroup;
  /** By leaf; of leaves that were removed too, as a removed member would keep them. */
  readonly leafSecrets = new Map<number, SecretScalar>();
  chain: Secret;
  nowMs = startMs;

  constructor(seed: string, mode: GroupMode = openMode) {
    this.random = seededRandom(seed);
    const built = valueOf(
      buildCreate({
        suite,
        random: this.random,
        origin,
        mode,
        nowMs: this.nowMs,
        hedgeSecret: this.random.bytes(32),
        payload: () => accept(new Uint8Array(0)),
      }),
    );
    const frame = valueOf(parseFrame(built.bytes));
    if (!isCreateFrame(frame)) throw new Error('not a create');
    this.group = foundGroup(valueOf(verifyCreate(suite, frame, origin)).effect);
    this.leafSecrets.set(0, built.leafSecret);
    this.chain = Secret.copyOf(built.keys.chain.reveal());
  }

  build(committer: number, operations: readonly RequestedOperation[] = []): Result<BuiltCommit> {
    return buildCommit({
      suite,
      random: this.random,
      group: this.group,
      committer,
      leafSecret: this.leafSecrets.get(committer)!,
      chain: this.chain.reveal(),
      operations,
      nowMs: this.nowMs,
      payload: () => accept(this.random.bytes(40)),
    });
  }

  /** A commit that verifies and is applied. */
  commit(committer: number, operations: readonly RequestedOperation[] = []): BuiltCommit {
    const built = valueOf(this.build(committer, operations));
    const frame = commitFrameOf(built.bytes);
    const pending = valueOf(verifyCommit(this.group, frame, clientVerification));
    const broken = verifyClaimsOfOne({ suite, random: this.random }, pending.claims);
    if (broken !== undefined) throw new Error(broken.rule);
    this.adopt(built, frame);
    return built;
  }

  /** Applies without verifying the claims: for long set-ups. */
  adopt(built: BuiltCommit, frame: CommitFrame = commitFrameOf(built.bytes)): void {
    const options = { ...clientVerification, sealingProof: false };
    this.group = advanceGroup(this.group, valueOf(verifyCommit(this.group, frame, options)).effect);
    const { committer } = frame.content;
    this.leafSecrets.set(committer, built.secrets.pathSecrets.get(leafNode(committer as LeafIndex))!);
    for (const { leaf, secret } of built.secrets.addedLeaves) this.leafSecrets.set(leaf, secret);
    this.chain = Secret.copyOf(built.secrets.keys.chain.reveal());
  }

  /** Adds leaves and lets each make its first commit; gives their places. */
  addJoined(committer: number, ...roles: ('owner' | 'admin' | 'member' | 'reader')[]): LeafIndex[] {
    const operations = roles.map((role): RequestedOperation => ({
      kind: 'add',
      role,
      device: false,
      expiresAtMs: this.nowMs + 1000,
    }));
    const built = valueOf(this.build(committer, operations));
    this.adopt(built);
    const leaves = built.secrets.addedLeaves.map(({ leaf }) => leaf);
    for (const leaf of leaves) this.adopt(valueOf(this.build(leaf)));
    return leaves;
  }

  /** The built commit with changes, signed again. */
  forge(built: BuiltCommit, changes: Changes): Uint8Array {
    const frame = commitFrameOf(built.bytes);
    const header = { ...frame.header, ...changes.header };
    const content = { ...frame.content, ...changes.content?.(frame.content) };
    const body = encodeBody(header, content);
    const bodyHash = frameBodyHash(body);
    const oldSecret = this.leafSecrets.get(frame.content.committer)!;
    const newSecret = built.secrets.pathSecrets.get(leafNode(frame.content.committer as LeafIndex))!;
    const hedge = { secret: oldSecret, random: this.random, context: bodyHash };
    const possessions = built.plan.added.map(({ operation }, index) => {
      const { secret } = built.secrets.addedLeaves[index]!;
      const context = possessionContext(header, bodyHash, operation);
      return sign(suite, {
        purpose: 'possession',
        secret,
        publicKey: publicKeyOf(suite, secret),
        context,
        hedge,
      });
    });
    const rest = { ...frame.trail, possessions, ...changes.trail?.({ ...frame.trail, possessions }) };
    const { sealingProof, confirm, payload } = rest;
    const unsigned = encodeCommitTrailer({ possessions: rest.possessions, sealingProof, confirm, payload });
    const context = trailerSignatureContext(header, trailerContext(bodyHash, unsigned));
    const signBy = (purpose: 'commit-old' | 'commit-new', secret: SecretScalar) =>
      sign(suite, { purpose, secret, publicKey: publicKeyOf(suite, secret), context, hedge });
    const signed = {
      ...rest,
      oldSignature: signBy('commit-old', oldSecret),
      newSignature: signBy('commit-new', newSecret),
    };
    return encodeFrame(body, encodeCommitTrailer({ ...signed, ...changes.signed?.(signed) }));
  }

  /** In the server's order: eligibility first, then everything else. */
  judge(bytes: Uint8Array, options: Partial<VerifyCommitOptions> = {}): Result<void> {
    const frame = parseFrame(bytes);
    if (!frame.ok) return frame;
    const deps = { suite, random: this.random };
    const eligible = checkEligibility(deps, this.group, frame.value as CommitFrame);
    if (!eligible.ok) return eligible;
    const pending = verifyCommit(this.group, frame.value as CommitFrame, {
      ...clientVerification,
      eligibilityVerified: true,
      ...options,
    });
    return pending.ok ? (verifyClaimsOfOne(deps, pending.value.claims) ?? accept(undefined)) : pending;
  }

  ruleOf(bytes: Uint8Array, options: Partial<VerifyCommitOptions> = {}): string {
    const judged = this.judge(bytes, options);
    return judged.ok ? 'accepted' : judged.rule;
  }
}

export function commitFrameOf(bytes: Uint8Array): CommitFrame {
  const frame: ParsedFrame = valueOf(parseFrame(bytes));
  if (!isCommitFrame(frame)) throw new Error('not a commit');
  return frame;
}
