/**
 * An owner alone in a group of a real server, whose secrets are in the open: it builds a commit, changes any part of it, and
 * signs the result again with the right keys. What remains wrong is then exactly what was changed.
 */
import { systemRandom } from '@conclave/platform';
import {
  accept,
  advanceGroup,
  buildCommit,
  buildCreate,
  encodeBody,
  encodeCommitTrailer,
  encodeFrame,
  encodeMessageTrailer,
  foundGroup,
  frameBodyHash,
  isCommitFrame,
  isCreateFrame,
  leafNode,
  messageContext,
  parseFrame,
  publicKeyOf,
  serverVerification,
  trailerContext,
  trailerSignatureContext,
  verifyCommit,
  verifyCreate,
} from '@conclave/sealed-group';
import type {
  BuiltCommit,
  CommitContent,
  CommitFrame,
  CommitTrailerContent,
  LeafIndex,
  PublicGroup,
  RequestedOperation,
  SecretScalar,
} from '@conclave/sealed-group';
import { base64url, defaultMode, postCreate, postFrame, testSuite, valueOf } from '@conclave/testkit';
import type { ServerAnswer } from '@conclave/testkit';
// Signing with a key at hand is nobody's business but a forger's: the package does not export it.
import { sign } from '../../../sealed-group/src/signature/index.ts';

export interface Changes {
  readonly content?: (content: CommitContent) => Partial<CommitContent>;
  readonly trail?: (trail: CommitTrailerContent) => Partial<CommitTrailerContent>;
  /** After everything was signed. */
  readonly signed?: (trail: CommitTrailerContent) => Partial<CommitTrailerContent>;
}

export class Forger {
  readonly url: string;
  readonly nowMs: () => number;
  group: PublicGroup;
  /** By leaf. */
  readonly #secrets = new Map<number, SecretScalar>();
  #chain: Uint8Array;

  private constructor(
    url: string,
    nowMs: () => number,
    group: PublicGroup,
    built: ReturnType<typeof create>,
  ) {
    this.url = url;
    this.nowMs = nowMs;
    this.group = group;
    this.#secrets.set(0, built.leafSecret);
    this.#chain = Uint8Array.from(built.keys.chain.reveal());
  }

  static async create(options: {
    url: string;
    accessToken: string;
    origin: string;
    nowMs: () => number;
  }): Promise<Forger> {
    const { url, accessToken, origin, nowMs } = options;
    const built = create(origin, nowMs());
    const answer = await postCreate(url, built.bytes, accessToken);
    if (answer.status !== 201) throw new Error(`creating was answered with ${answer.status}`);
    const frame = valueOf(parseFrame(built.bytes));
    if (!isCreateFrame(frame)) throw new Error('not a create');
    const group = foundGroup(valueOf(verifyCreate(testSuite, frame, origin)).effect);
    return new Forger(url, nowMs, group, built);
  }

  get groupId(): string {
    return base64url(this.group.groupId);
  }

  /** A commit as it should be, by the owner or a leaf that it added. */
  build(operations: readonly RequestedOperation[] = [], committer = 0): BuiltCommit {
    return valueOf(
      buildCommit({
        suite: testSuite,
        random: systemRandom,
        group: this.group,
        committer,
        leafSecret: this.#secrets.get(committer)!,
        chain: this.#chain,
        operations,
        nowMs: this.nowMs(),
        payload: () => accept(systemRandom.bytes(40)),
      }),
    );
  }

  /** Posts a commit as it should be, and goes on from it. */
  async commit(operations: readonly RequestedOperation[] = [], committer = 0): Promise<ServerAnswer> {
    const built = this.build(operations, committer);
    const answer = await this.post(built.bytes);
    if (answer.status !== 200) throw new Error(`a good commit was answered with ${answer.body.rule}`);
    const frame = commitFrameOf(built.bytes);
    const { effect } = valueOf(verifyCommit(this.group, frame, serverVerification));
    this.group = advanceGroup(this.group, effect);
    this.#secrets.set(committer, built.secrets.pathSecrets.get(leafNode(committer as LeafIndex))!);
    for (const { leaf, secret } of built.secrets.addedLeaves) this.#secrets.set(leaf, secret);
    this.#chain = Uint8Array.from(built.secrets.keys.chain.reveal());
    return answer;
  }

  /** The frame of a commit with these changes, signed again by the leaf's old and new key. */
  forge(built: BuiltCommit, changes: Changes): Uint8Array {
    const frame = commitFrameOf(built.bytes);
    const { header } = frame;
    const { committer } = frame.content;
    const content = { ...frame.content, ...changes.content?.(frame.content) };
    const body = encodeBody(header, content);
    const bodyHash = frameBodyHash(body);
    const { oldSignature: _old, newSignature: _new, ...unsigned } = frame.trail;
    const rest = { ...unsigned, ...changes.trail?.(frame.trail) };
    const context = trailerSignatureContext(header, trailerContext(bodyHash, encodeCommitTrailer(rest)));
    const signBy = (purpose: 'commit-old' | 'commit-new', secret: SecretScalar): Uint8Array =>
      sign(testSuite, {
        purpose,
        secret,
        publicKey: publicKeyOf(testSuite, secret),
        context,
        hedge: { secret, random: systemRandom, context: bodyHash },
      });
    const trail = {
      ...rest,
      oldSignature: signBy('commit-old', this.#secrets.get(committer)!),
      newSignature: signBy('commit-new', built.secrets.pathSecrets.get(leafNode(committer as LeafIndex))!),
    };
    return encodeFrame(body, encodeCommitTrailer({ ...trail, ...changes.signed?.(trail) }));
  }

  /** Two frames with one body and different good proofs; in epoch 0, where the owner's leaf is the head. */
  messageTwice(): [Uint8Array, Uint8Array] {
    const { origin, groupId, epoch } = this.group;
    const secret = this.#secrets.get(0)!;
    const nonce = systemRandom.bytes(16);
    const header = { origin, groupId, epoch, nonce, nowMs: this.nowMs() };
    const content = { kind: 'message', header: nonce.slice(8), ciphertext: systemRandom.bytes(48) } as const;
    const body = encodeBody(header, content);
    const bodyHash = frameBodyHash(body);
    const frameOnce = (): Uint8Array => {
      const signature = sign(testSuite, {
        purpose: 'message',
        secret,
        publicKey: publicKeyOf(testSuite, secret),
        context: messageContext(header, bodyHash),
        hedge: { secret, random: systemRandom, context: bodyHash },
      });
      return encodeFrame(body, encodeMessageTrailer({ proof: 'epoch', signature }));
    };
    return [frameOnce(), frameOnce()];
  }

  async post(frame: Uint8Array): Promise<ServerAnswer> {
    return await postFrame(this.url, this.groupId, frame);
  }
}

export function commitFrameOf(bytes: Uint8Array): CommitFrame {
  const frame = valueOf(parseFrame(bytes));
  if (!isCommitFrame(frame)) throw new Error('not a commit');
  return frame;
}

function create(origin: string, nowMs: number) {
  return valueOf(
    buildCreate({
      suite: testSuite,
      random: systemRandom,
      origin,
      mode: defaultMode,
      nowMs,
      hedgeSecret: systemRandom.bytes(32),
      payload: () => accept(systemRandom.bytes(40)),
    }),
  );
}
