/**
 * What a newcomer downloads before it reads its first message (docs/sealed-groups.md §8.7), and the size of the public tree that
 * follows, in a dense group: every place taken, every parent keyed but the newcomer's own.
 *
 *   node packages/sealed-group/bench/newcomer.ts [members] [commits since the invite]        one JSON line
 *
 * Counted are the bodies of all answers: invite, server description, challenge, read token, the first page of the preview. Not
 * counted: headers and TLS, a few hundred octets a request.
 */
import { createNodeEngine } from '@conclave/ristretto/wasm-node';
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { BuiltCommit, PublicGroup, RequestedOperation } from '../src/commit/index.ts';
import { advanceGroup, buildCommit, clientVerification, verifyCommit } from '../src/commit/index.ts';
import { SigningKey } from '../src/identity/index.ts';
import type { Invite } from '../src/invite/index.ts';
import { decodeInvite, encodeInvite, sealInvite, verifyInvite } from '../src/invite/index.ts';
import { sealMessage } from '../src/message/index.ts';
import {
  cutLeafPath,
  encodePreviewPage,
  makeOpening,
  makePreviewStart,
  Preview,
} from '../src/preview/index.ts';
import type { PreviewItem } from '../src/preview/index.ts';
import type { Result } from '../src/result.ts';
import type { EpochKeys } from '../src/schedule/index.ts';
import { Secret } from '../src/schedule/index.ts';
import type { SecretScalar } from '../src/signature/index.ts';
import { publicKeyOf } from '../src/signature/index.ts';
import type { Suite } from '../src/suite.ts';
import { createSuite } from '../src/suite.ts';
import type { LeafIndex, NodeIndex, TreeNode } from '../src/tree/index.ts';
import { encodeTree, isLeaf, leafNode, nodeCount, parent, PublicTree } from '../src/tree/index.ts';
import type { CommitFrame } from '../src/wire/index.ts';
import {
  encodeBody,
  encodeFrame,
  encodeMessageTrailer,
  isCommitFrame,
  parseFrame,
} from '../src/wire/index.ts';

const nowMs = 1_800_000_000_000;
const random = { bytes: (length: number) => Uint8Array.from(randomBytes(length)) };
const mode = { leafProof: false, minWriter: 'member', ownDevices: true } as const;

export interface NewcomerCost {
  readonly members: number;
  /** Commits between the one that added the newcomer and the message that it reads. */
  readonly commits: number;
  /** All that came until the first message was decrypted. */
  readonly bytesUntilReading: number;
  /** Of these, the openings of the commits. */
  readonly openingBytes: number;
  readonly treeBytes: number;
  readonly treeBytesPerNode: number;
}

/** `members`: a power of two, the newcomer included. Takes some 10 s at 65,536, for the keys. */
export function measureNewcomer(
  members = 65_536,
  commits = 1,
  suite: Suite = createSuite(createNodeEngine()),
): NewcomerCost {
  const bench = new BenchGroup(suite, members);
  const identity = SigningKey.generate(random);
  const expiresAtMs = nowMs + 86_400_000;
  const adding = bench.commit(0, [{ kind: 'add', role: 'member', device: false, expiresAtMs }]);
  const { leaf, secret } = adding.built.secrets.addedLeaves[0]!;
  const { epoch, transcript, tree } = bench.group;
  const encoded = encodeInvite(
    {
      origin: bench.group.origin,
      groupId: bench.group.groupId,
      mode,
      epoch,
      chain: Secret.copyOf(adding.built.secrets.keys.chain.reveal()),
      treeHash: tree.treeHash(),
      transcript,
      leaf,
      leafSecret: Secret.copyOf(secret),
      expiresAtMs,
      inviter: { leaf: 0 as LeafIndex, epoch: 0 },
      roster: { blobId: random.bytes(16), sha256: random.bytes(32), key: new Secret(random.bytes(32)) },
    },
    identity,
  );
  const invite: Invite = valueOf(verifyInvite(suite, valueOf(decodeInvite(encoded)), { nowMs }));
  const start = makePreviewStart(tree, adding.frame, leaf)!;
  const items: PreviewItem[] = [];
  let keys = adding.built.secrets.keys;
  for (let count = 0; count < commits; count++) {
    const before = cutLeafPath(tree, leaf)!;
    const committer = 1 + ((count * 40_503) % (members - 2));
    const { built, frame } = bench.commit(committer);
    keys = built.secrets.keys;
    items.push({ seq: 2 + count, kind: 'opening', bytes: makeOpening({ before, tree, frame })!.bytes });
  }
  const seq = 2 + commits;
  items.push({ seq, kind: 'message', bytes: messageFrame(bench.group, identity, keys) });
  const page = encodePreviewPage({ start, items, readTo: seq, lastSeq: seq });
  readAll(suite, invite, start, items);
  const treeBytes = encodeTree(tree).length;
  return {
    members,
    commits,
    bytesUntilReading: sealInvite(encoded, random).bytes.length + handshakeBytes(bench.group) + page.length,
    openingBytes: items.slice(0, -1).reduce((sum, { bytes }) => sum + bytes.length, 0),
    treeBytes,
    treeBytesPerNode: treeBytes / nodeCount(tree.leafCount),
  };
}

/** As a client does: the figures are of what really opens. */
function readAll(suite: Suite, invite: Invite, start: Uint8Array, items: readonly PreviewItem[]): void {
  const preview = valueOf(Preview.open(suite, invite, start));
  for (const { kind, bytes } of items) {
    if (kind === 'opening') valueOf(preview.advance(bytes));
    else valueOf(preview.readMessage(bytes));
  }
  preview.close();
}

class BenchGroup {
  readonly #suite: Suite;
  readonly #leafSecrets: SecretScalar[] = [];
  group: PublicGroup;
  #chain: Uint8Array = random.bytes(32);

  constructor(suite: Suite, members: number) {
    this.#suite = suite;
    const last = leafNode((members - 1) as LeafIndex);
    const nodes: [NodeIndex, TreeNode][] = [];
    for (let i = 0; i < nodeCount(members); i++) {
      const index = i as NodeIndex;
      const secret = suite.group.scalars.fromWideBytes(random.bytes(64)) as SecretScalar;
      if (isLeaf(index)) this.#leafSecrets.push(secret);
      if (index === last || index === parent(last)) continue;
      const publicKey = publicKeyOf(suite, secret);
      nodes.push([
        index,
        isLeaf(index) ? leafOf(i, publicKey) : { kind: 'parent', publicKey, unmergedLeaves: [] },
      ]);
    }
    const tree = valueOf(PublicTree.fromNodes(members, nodes));
    tree.treeHash();
    this.group = {
      origin: 'https://chat.example',
      groupId: random.bytes(16),
      epoch: 70_000,
      mode,
      tree,
      transcript: random.bytes(32),
      confirmedTranscript: random.bytes(32),
      lastNowMs: nowMs,
      epochKeys: [],
      lastRemovalEpoch: 0,
      previousEpochGrace: false,
      outstandingLeaves: [],
    };
  }

  /** Built and applied; its proof is made and not verified. */
  commit(
    committer: number,
    operations: readonly RequestedOperation[] = [],
  ): { built: BuiltCommit; frame: CommitFrame } {
    const built = valueOf(
      buildCommit({
        suite: this.#suite,
        random,
        group: this.group,
        committer,
        leafSecret: this.#leafSecrets[committer]!,
        chain: this.#chain,
        operations,
        nowMs,
        payload: () => ({ ok: true, value: random.bytes(1040) }),
      }),
    );
    const frame = valueOf(parseFrame(built.bytes));
    if (!isCommitFrame(frame)) throw new Error('not a commit');
    const options = { ...clientVerification, sealingProof: false };
    this.group = advanceGroup(this.group, valueOf(verifyCommit(this.group, frame, options)).effect);
    this.#leafSecrets[committer] = built.secrets.pathSecrets.get(leafNode(committer as LeafIndex))!;
    this.#chain = Uint8Array.from(built.secrets.keys.chain.reveal());
    return { built, frame };
  }
}

/** A member as they are in a group that grew over time: its numbers take as many octets as they ever do. */
function leafOf(node: number, publicKey: TreeNode['publicKey']): TreeNode {
  const leaf = node / 2;
  return {
    kind: 'leaf',
    publicKey,
    role: leaf === 0 ? 'owner' : 'member',
    epoch: leaf === 0 ? 0 : 69_999,
    addedBy: leaf === 0 ? undefined : { leaf: (leaf >> 1) as LeafIndex, epoch: 69_998 },
    device: false,
    expiresAtMs: undefined,
  };
}

function messageFrame(group: PublicGroup, identity: SigningKey, keys: EpochKeys): Uint8Array {
  const header = {
    origin: group.origin,
    groupId: group.groupId,
    epoch: group.epoch,
    nonce: random.bytes(16),
    nowMs,
  };
  const content = valueOf(
    sealMessage({
      keys,
      frame: header,
      leaf: 1 as LeafIndex,
      lastSeen: random.bytes(32),
      content: { kind: 'text', text: 'welcome' },
      signingKey: identity,
    }),
  );
  return encodeFrame(
    encodeBody(header, content),
    encodeMessageTrailer({ proof: 'epoch', signature: random.bytes(64) }),
  );
}

/** Bodies of `describeServer`, `getChallenge` and `redeemChallenge`, in the server's form. */
function handshakeBytes({ origin, epoch }: PublicGroup): number {
  const base64url = (length: number): string => Buffer.alloc(length).toString('base64url');
  const bodies = [
    { origin, version: 1, suite: 1, now_ms: nowMs, max_frame_bytes: 2 ** 21, max_blob_bytes: 2 ** 30 },
    { challenge: base64url(56), expires_at: nowMs },
    { read_token: base64url(48), epoch, expires_at: nowMs },
  ];
  return bodies.reduce((sum, body) => sum + JSON.stringify(body).length, 0);
}

function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.rule}: ${result.detail ?? ''}`);
  return result.value;
}

if (import.meta.main) {
  const { positionals } = parseArgs({ allowPositionals: true });
  const [members = 65_536, commits = 1] = positionals.map(Number);
  process.stdout.write(`${JSON.stringify(measureNewcomer(members, commits))}\n`);
}
