/**
 * A group of any size with every secret at hand: all leaves joined, all parents keyed, as after everybody has committed.
 * Made directly, because making it by commits takes hours at 65,536 members.
 */
import type { RandomSource } from '@conclave/ristretto';
import type { BuiltCommit, PublicGroup, RequestedOperation } from '../src/commit/index.ts';
import { buildCommit } from '../src/commit/index.ts';
import { encodePublicState, encodeSecretState } from '../src/group/encode-state.ts';
import type { MemberDeps, MemberState } from '../src/group/member-state.ts';
import { SealedGroup } from '../src/group/sealed-group.ts';
import { sealOwnEntry } from '../src/group/seal-own-entry.ts';
import { Roster, SigningKey } from '../src/identity/index.ts';
import { EpochKeys } from '../src/schedule/index.ts';
import type { PublicKey, SecretScalar } from '../src/signature/index.ts';
import { publicKeyOf } from '../src/signature/index.ts';
import type { Suite } from '../src/suite.ts';
import type { LeafIndex, NodeIndex, TreeNode } from '../src/tree/index.ts';
import { directPath, isLeaf, leafNode, nodeCount, PublicTree } from '../src/tree/index.ts';
import type { Result } from '../src/result.ts';

const nowMs = 1_800_000_000_000;
const epoch = 10;

/** WebCrypto's, which Node and browsers have: the group is made in pages too. */
const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

export const systemRandom: RandomSource = { bytes: randomBytes };

export class DenseGroup {
  readonly suite: Suite;
  readonly members: number;
  readonly #nodes: (readonly [NodeIndex, TreeNode])[];
  readonly #secrets: SecretScalar[] = [];
  readonly #groupId = randomBytes(16);
  readonly #chain = randomBytes(32);

  /** `members`: a power of two. Leaves for which `isBlank` holds are removed ones, with blank parents above. */
  constructor(suite: Suite, members: number, isBlank: (leaf: number) => boolean = () => false) {
    this.suite = suite;
    this.members = members;
    const blankNodes = new Set<number>();
    for (let leaf = 0; leaf < members; leaf++) {
      if (!isBlank(leaf)) continue;
      const index = leaf as LeafIndex;
      blankNodes.add(leafNode(index));
      for (const node of directPath(leafNode(index), members)) blankNodes.add(node);
    }
    const nodes: [NodeIndex, TreeNode][] = [];
    for (let i = 0; i < nodeCount(members); i++) {
      const secret = suite.group.scalars.fromWideBytes(randomBytes(64)) as SecretScalar;
      this.#secrets.push(secret);
      if (!blankNodes.has(i))
        nodes.push([i as NodeIndex, nodeOf(i as NodeIndex, publicKeyOf(suite, secret))]);
    }
    this.#nodes = nodes;
  }

  /** A group of its own: the next commit changes its tree. */
  publicGroup(): PublicGroup {
    const tree = PublicTree.fromNodes(this.members, this.#nodes);
    if (!tree.ok) throw new Error(tree.rule);
    // As after the last commit: hashes of subtrees are known.
    tree.value.treeHash();
    return {
      origin: 'bench',
      groupId: this.#groupId,
      epoch,
      mode: { leafProof: false, minWriter: 'member', ownDevices: false },
      tree: tree.value,
      transcript: new Uint8Array(32),
      confirmedTranscript: new Uint8Array(32),
      lastNowMs: nowMs,
      epochKeys: [{ epoch, publicKey: this.#keyOf(this.members - 1) }],
      lastRemovalEpoch: 0,
      previousEpochGrace: false,
      outstandingLeaves: [],
    };
  }

  /** The secret of the epoch's key. */
  get headSecret(): SecretScalar {
    return this.#secrets[this.members - 1]!;
  }

  /** A commit of the member at `committer`, as a client makes it, identity entry included. */
  commit(group: PublicGroup, committer: number, operations: readonly RequestedOperation[] = []): BuiltCommit {
    const deps = this.person('committer');
    const me = { leaf: committer as LeafIndex, epoch: 0 };
    return valueOf(
      buildCommit({
        suite: this.suite,
        random: systemRandom,
        group,
        committer,
        leafSecret: this.#secrets[2 * committer]!,
        chain: this.#chain,
        operations,
        nowMs: nowMs + 1,
        payload: (made) =>
          sealOwnEntry(deps, {
            ...made,
            origin: group.origin,
            me,
            signingKey: SigningKey.generate(systemRandom),
            profile: undefined,
          }),
      }),
    );
  }

  /** What the member at `leaf` holds. */
  memberState(group: PublicGroup, leaf: number): MemberState {
    const index = leaf as LeafIndex;
    const path = [leafNode(index), ...directPath(leafNode(index), this.members)].filter(
      (node) => !group.tree.isBlank(node),
    );
    return {
      group,
      roster: Roster.empty(),
      previous: undefined,
      me: { leaf: index, epoch: 0 },
      status: 'joined',
      lastSeq: 1,
      lastSeen: new Uint8Array(32),
      path: new Map(path.map((node) => [node, Uint8Array.from(this.#secrets[node]!) as SecretScalar])),
      chain: undefined,
      keys: EpochKeys.derive({
        chain: this.#chain,
        headSecret: this.headSecret,
        context: {
          origin: group.origin,
          groupId: group.groupId,
          mode: group.mode,
          epoch,
          treeHash: group.tree.treeHash(),
          confirmedTranscript: group.confirmedTranscript,
        },
        leafCount: this.members,
      }),
      previousKeys: undefined,
      signingKey: undefined,
      pending: [],
      added: new Map(),
      sent: new Map(),
    };
  }

  /** The member at `leaf`, as it comes from its store. */
  member(leaf: number, deps: Partial<MemberDeps> = {}): SealedGroup {
    const state = this.memberState(this.publicGroup(), leaf);
    const stored = { public: encodePublicState(state), secret: encodeSecretState(state) };
    return valueOf(SealedGroup.decode({ ...this.person('member'), ...deps }, stored));
  }

  person(name: string): MemberDeps {
    return {
      suite: this.suite,
      random: systemRandom,
      identity: SigningKey.generate(systemRandom),
      profile: { name, deviceName: 'bench', picture: undefined },
    };
  }

  #keyOf(node: number): PublicKey {
    return publicKeyOf(this.suite, this.#secrets[node]!);
  }
}

function nodeOf(index: NodeIndex, publicKey: PublicKey): TreeNode {
  if (!isLeaf(index)) return { kind: 'parent', publicKey, unmergedLeaves: [] };
  return {
    kind: 'leaf',
    publicKey,
    role: index === 0 ? 'owner' : 'member',
    epoch: 0,
    addedBy: index === 0 ? undefined : { leaf: 0 as LeafIndex, epoch: 0 },
    device: false,
    expiresAtMs: undefined,
  };
}

export function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.rule}: ${result.detail ?? ''}`);
  return result.value;
}
