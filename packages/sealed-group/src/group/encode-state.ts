/**
 * How a member's state is stored: a public part (tree, roster, transcript; changes with commits) and a secret part (keys,
 * ratchets, positions; small, changes with every frame). Both are decoded as bytes from outside: storage may be damaged, or
 * half of it older than the other, and neither may become a state that merely looks right (`commit/state`).
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { equalBytes } from '@noble/ciphers/utils.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import type { EpochKey, OutstandingLeave, PublicGroup } from '../commit/index.ts';
import { CommitSecrets } from '../commit/index.ts';
import { Roster, SigningKey } from '../identity/index.ts';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { decodeCanonical, EpochKeys, safeInteger, Secret } from '../schedule/index.ts';
import type { PublicKey, SecretScalar } from '../signature/index.ts';
import { parsePublicKey, parseSecret, publicKeyOf } from '../signature/index.ts';
import type { Suite } from '../suite.ts';
import type { LeafIndex, LeafNode, NodeIndex, PublicTree } from '../tree/index.ts';
import {
  decodeNode,
  decodeTree,
  encodeNode,
  encodeTree,
  leafNode,
  toLeafIndex,
  toNodeIndex,
} from '../tree/index.ts';
import type {
  AddingEpochRecord,
  NodeSecretRecord,
  PendingCommitRecord,
  PublicState,
  SecretState,
} from '../wire/gen/group_state_pb.js';
import {
  AddingEpochRecordSchema,
  EpochKeyRecordSchema,
  MemberStatus as WireStatus,
  NodeSecretRecordSchema,
  OutstandingLeaveRecordSchema,
  PendingCommitRecordSchema,
  PreviousEpochRecordSchema,
  PublicStateSchema,
  SecretStateSchema,
} from '../wire/gen/group_state_pb.js';
import { maxLeafCount } from '../wire/limits.ts';
import { decodeMode, encodeMode } from '../wire/roles.ts';
import type { AddedLeaf, AddingEpoch, MemberState, MemberStatus, PendingCommit } from './member-state.ts';
import type { PreviousEpoch } from './previous-epoch.ts';

const format = 1;
const none = new Uint8Array(0);

const wireStatus: Readonly<Record<MemberStatus, WireStatus>> = {
  joining: WireStatus.JOINING,
  joined: WireStatus.JOINED,
  leaving: WireStatus.LEAVING,
  removed: WireStatus.REMOVED,
};

// Encoding.

export function encodePublicState({ group, roster, previous }: MemberState): Uint8Array {
  return toBinary(
    PublicStateSchema,
    create(PublicStateSchema, {
      format,
      origin: group.origin,
      groupId: group.groupId,
      epoch: BigInt(group.epoch),
      mode: encodeMode(group.mode),
      tree: encodeTree(group.tree),
      transcript: group.transcript,
      confirmedTranscript: group.confirmedTranscript,
      lastNowMs: BigInt(group.lastNowMs),
      epochKeys: group.epochKeys.map(({ epoch, publicKey }) =>
        create(EpochKeyRecordSchema, { epoch: BigInt(epoch), key: publicKey }),
      ),
      lastRemovalEpoch: BigInt(group.lastRemovalEpoch),
      previousEpochGrace: group.previousEpochGrace,
      leaves: group.outstandingLeaves.map(({ leaf, leafEpoch, signature }) =>
        create(OutstandingLeaveRecordSchema, { leaf, leafEpoch: BigInt(leafEpoch), signature }),
      ),
      roster: roster.encode(),
      ...(previous === undefined ? {} : { previous: encodePrevious(previous) }),
    }),
  );
}

export function encodeSecretState(state: MemberState): Uint8Array {
  return toBinary(
    SecretStateSchema,
    create(SecretStateSchema, {
      format,
      epoch: BigInt(state.group.epoch),
      transcript: state.group.transcript,
      leaf: state.me.leaf,
      leafEpoch: BigInt(state.me.epoch),
      status: wireStatus[state.status],
      lastSeq: BigInt(state.lastSeq),
      lastSeen: state.lastSeen,
      path: encodeSecrets(state.path),
      chain: state.chain?.reveal() ?? none,
      keys: state.keys?.encode() ?? none,
      previousKeys: state.previousKeys?.encode() ?? none,
      signingSeed: state.signingKey?.exportSeed() ?? none,
      pending: state.pending.map(encodePending),
      added: encodeAdded(state.added),
      sent: [...state.sent].map(([name, epoch]) => ({ bodyHash: hexToBytes(name), epoch: BigInt(epoch) })),
    }),
  );
}

function encodePrevious({ leafCount, changedLeaves }: PreviousEpoch) {
  return create(PreviousEpochRecordSchema, {
    leafCount,
    leaves: [...changedLeaves]
      .sort(([a], [b]) => a - b)
      .map(([leaf, node]) => ({ leaf, node: node === undefined ? none : encodeNode(node) })),
  });
}

function encodeSecrets(secrets: ReadonlyMap<number, SecretScalar>): NodeSecretRecord[] {
  return [...secrets]
    .sort(([a], [b]) => a - b)
    .map(([node, secret]) => create(NodeSecretRecordSchema, { node, secret }));
}

function encodePending({ frameHash, bodyHash, secrets, signingKey }: PendingCommit): PendingCommitRecord {
  const added = new Map(secrets.addedLeaves.map(({ leaf, secret }) => [leaf, secret]));
  return create(PendingCommitRecordSchema, {
    frameHash,
    bodyHash,
    path: encodeSecrets(secrets.pathSecrets),
    added: encodeSecrets(added),
    keys: secrets.keys.encode(),
    signingSeed: signingKey.exportSeed(),
  });
}

function encodeAdded(added: ReadonlyMap<LeafIndex, AddedLeaf>): AddingEpochRecord[] {
  const epochs = new Set([...added.values()].map(({ at }) => at));
  return [...epochs]
    .sort((a, b) => a.epoch - b.epoch)
    .map((at) =>
      create(AddingEpochRecordSchema, {
        epoch: BigInt(at.epoch),
        chain: at.chain.reveal(),
        treeHash: at.treeHash,
        transcript: at.transcript,
        mode: encodeMode(at.mode),
        roster: at.roster.encode(),
        leaves: [...added.values()]
          .filter((leaf) => leaf.at === at)
          .sort((a, b) => a.leaf - b.leaf)
          .map(({ leaf, secret, expiresAtMs }) => ({ leaf, secret, expiresAtMs: BigInt(expiresAtMs) })),
      }),
    );
}

// Decoding.

export function decodeMemberState(
  suite: Suite,
  stored: { readonly public: Uint8Array; readonly secret: Uint8Array },
): Result<MemberState> {
  const open = decodeCanonical(PublicStateSchema, stored.public);
  const secret = decodeCanonical(SecretStateSchema, stored.secret);
  if (open?.format !== format || secret?.format !== format) return violation('commit/state', 'format');
  const belongs = open.epoch === secret.epoch && equalBytes(open.transcript, secret.transcript);
  if (!belongs) return violation('commit/state', 'the parts are of different epochs');
  const group = decodeGroup(suite, open);
  if (!group.ok) return group;
  const roster = Roster.decode(open.roster);
  const previous = decodePrevious(suite, open);
  if (roster === undefined || previous === 'malformed') return violation('commit/state', 'roster or leaves');
  const member = decodeSecrets(suite, group.value, secret);
  return member === undefined
    ? violation('commit/state', 'secrets')
    : accept({ ...member, group: group.value, roster, previous });
}

function decodeGroup(suite: Suite, open: PublicState): Result<PublicGroup> {
  const tree = decodeTree(open.tree, (bytes) => parsePublicKey(suite, bytes));
  if (!tree.ok) return tree;
  const mode = decodeMode(open.mode);
  const numbers = [open.epoch, open.lastNowMs, open.lastRemovalEpoch].map(safeInteger);
  const [epoch, lastNowMs, lastRemovalEpoch] = numbers;
  const hashes = [open.transcript, open.confirmedTranscript];
  const epochKeys = allDefined(
    open.epochKeys.map((record): EpochKey | undefined => {
      const epoch = safeInteger(record.epoch);
      const publicKey: PublicKey | undefined = parsePublicKey(suite, record.key);
      return epoch === undefined || publicKey === undefined ? undefined : { epoch, publicKey };
    }),
  );
  const outstandingLeaves = allDefined(
    open.leaves.map((record): OutstandingLeave | undefined => {
      const leaf = toLeafIndex(record.leaf, tree.value.leafCount);
      const leafEpoch = safeInteger(record.leafEpoch);
      const isValid = leaf !== undefined && leafEpoch !== undefined && record.signature.length === 64;
      return isValid ? { leaf, leafEpoch, signature: record.signature } : undefined;
    }),
  );
  const isComplete =
    mode !== undefined && epoch !== undefined && lastNowMs !== undefined && lastRemovalEpoch !== undefined;
  if (!isComplete || epochKeys === undefined || outstandingLeaves === undefined) {
    return violation('commit/state', 'group');
  }
  if (open.groupId.length !== 16 || hashes.some((hash) => hash.length !== 32)) {
    return violation('commit/state', 'group');
  }
  return accept({
    origin: open.origin,
    groupId: open.groupId,
    epoch,
    mode,
    tree: tree.value,
    transcript: open.transcript,
    confirmedTranscript: open.confirmedTranscript,
    lastNowMs,
    epochKeys,
    lastRemovalEpoch,
    previousEpochGrace: open.previousEpochGrace,
    outstandingLeaves,
  });
}

function decodePrevious(suite: Suite, { previous }: PublicState): PreviousEpoch | undefined | 'malformed' {
  if (previous === undefined) return undefined;
  const changedLeaves = new Map<LeafIndex, LeafNode | undefined>();
  for (const { leaf: index, node } of previous.leaves) {
    const leaf = toLeafIndex(index, maxLeafCount);
    if (leaf === undefined || changedLeaves.has(leaf)) return 'malformed';
    if (node.length === 0) {
      changedLeaves.set(leaf, undefined);
      continue;
    }
    const decoded = decodeNode(leafNode(leaf), node, (bytes) => parsePublicKey(suite, bytes));
    if (!decoded.ok || decoded.value?.kind !== 'leaf') return 'malformed';
    changedLeaves.set(leaf, decoded.value);
  }
  return { leafCount: previous.leafCount, changedLeaves };
}

type SecretParts = Omit<MemberState, 'group' | 'roster' | 'previous'>;

/** Every secret must fit the tree: a state whose keys are not those of the group is worth nothing. */
function decodeSecrets(suite: Suite, group: PublicGroup, secret: SecretState): SecretParts | undefined {
  const status = (['joining', 'joined', 'leaving', 'removed'] as const).find(
    (name) => wireStatus[name] === secret.status,
  );
  const leafEpoch = safeInteger(secret.leafEpoch);
  const lastSeq = safeInteger(secret.lastSeq);
  const path = decodeNodeSecrets(suite, secret.path);
  const keys = decodeKeys(secret.keys);
  const previousKeys = decodeKeys(secret.previousKeys);
  const signingKey = decodeSeed(secret.signingSeed);
  const pending = allDefined(secret.pending.map((record) => decodePending(suite, record)));
  const added = decodeAdded(suite, secret.added);
  if (status === undefined || leafEpoch === undefined || lastSeq === undefined) return undefined;
  if (path === undefined || pending === undefined || added === undefined) return undefined;
  if (keys === 'malformed' || previousKeys === 'malformed' || signingKey === 'malformed') return undefined;
  if (secret.lastSeen.length !== 32 || ![0, 32].includes(secret.chain.length)) return undefined;
  if (!fitsTree(suite, group.tree, path) || (keys !== undefined && keys.epoch !== group.epoch))
    return undefined;
  const sent = new Map<string, number>();
  for (const { bodyHash, epoch } of secret.sent) {
    const sentIn = safeInteger(epoch);
    if (bodyHash.length !== 32 || sentIn === undefined) return undefined;
    sent.set(bytesToHex(bodyHash), sentIn);
  }
  return {
    me: { leaf: secret.leaf as LeafIndex, epoch: leafEpoch },
    status,
    lastSeq,
    lastSeen: secret.lastSeen,
    path,
    chain: secret.chain.length === 0 ? undefined : Secret.copyOf(secret.chain),
    keys,
    previousKeys,
    signingKey,
    pending,
    added,
    sent,
  };
}

function fitsTree(suite: Suite, tree: PublicTree, path: ReadonlyMap<NodeIndex, SecretScalar>): boolean {
  return [...path].every(([index, secret]) => {
    const node = toNodeIndex(index, tree.leafCount) === undefined ? undefined : tree.node(index);
    return node !== undefined && equalBytes(node.publicKey, publicKeyOf(suite, secret));
  });
}

function decodeNodeSecrets(
  suite: Suite,
  records: readonly NodeSecretRecord[],
): Map<NodeIndex, SecretScalar> | undefined {
  const secrets = new Map<NodeIndex, SecretScalar>();
  for (const { node, secret } of records) {
    const parsed = parseSecret(suite, secret);
    if (parsed === undefined || secrets.has(node as NodeIndex)) return undefined;
    secrets.set(node as NodeIndex, parsed);
  }
  return secrets;
}

function decodeKeys(bytes: Uint8Array): EpochKeys | undefined | 'malformed' {
  return bytes.length === 0 ? undefined : (EpochKeys.decode(bytes) ?? 'malformed');
}

function decodeSeed(seed: Uint8Array): SigningKey | undefined | 'malformed' {
  if (seed.length === 0) return undefined;
  return seed.length === 32 ? SigningKey.fromSeed(seed) : 'malformed';
}

function decodePending(suite: Suite, record: PendingCommitRecord): PendingCommit | undefined {
  const pathSecrets = decodeNodeSecrets(suite, record.path);
  const added = decodeNodeSecrets(suite, record.added);
  const keys = decodeKeys(record.keys);
  const signingKey = decodeSeed(record.signingSeed);
  if (pathSecrets === undefined || added === undefined) return undefined;
  if (keys === undefined || keys === 'malformed') return undefined;
  if (signingKey === undefined || signingKey === 'malformed') return undefined;
  if (record.frameHash.length !== 32 || record.bodyHash.length !== 32) return undefined;
  const addedLeaves = [...added].map(([leaf, secret]) => ({ leaf: Number(leaf) as LeafIndex, secret }));
  return {
    frameHash: record.frameHash,
    bodyHash: record.bodyHash,
    secrets: new CommitSecrets({ pathSecrets, addedLeaves, keys }),
    signingKey,
  };
}

function decodeAdded(
  suite: Suite,
  records: readonly AddingEpochRecord[],
): Map<LeafIndex, AddedLeaf> | undefined {
  const added = new Map<LeafIndex, AddedLeaf>();
  for (const record of records) {
    const epoch = safeInteger(record.epoch);
    const mode = decodeMode(record.mode);
    const roster = Roster.decode(record.roster);
    const hashes = [record.chain, record.treeHash, record.transcript];
    if (epoch === undefined || mode === undefined || roster === undefined) return undefined;
    if (hashes.some((hash) => hash.length !== 32)) return undefined;
    const { treeHash, transcript } = record;
    const at: AddingEpoch = { epoch, chain: Secret.copyOf(record.chain), treeHash, transcript, mode, roster };
    for (const { leaf, secret, expiresAtMs } of record.leaves) {
      const parsed = parseSecret(suite, secret);
      const expires = safeInteger(expiresAtMs);
      if (parsed === undefined || expires === undefined || added.has(leaf as LeafIndex)) return undefined;
      added.set(leaf as LeafIndex, { leaf: leaf as LeafIndex, secret: parsed, expiresAtMs: expires, at });
    }
  }
  return added;
}

function allDefined<T>(items: readonly (T | undefined)[]): T[] | undefined {
  return items.every((item) => item !== undefined) ? [...items] : undefined;
}
