/**
 * Known answers for everything members derive and seal, from fixed inputs. `write-vectors.ts` writes them to `vectors/`;
 * `vectors.test.ts` compares, and recomputes the chain of keys with `node:crypto` from the description alone.
 */
import { base64urlnopad } from '@scure/base';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { paddedLength, padme } from '../../src/message/padding.ts';
import { sealMessage } from '../../src/message/seal-message.ts';
import { SigningKey } from '../../src/identity/signing-key.ts';
import { formatInviteLink, parseInviteLink } from '../../src/invite/invite-link.ts';
import { decodeInvite, encodeInvite, verifyInvite } from '../../src/invite/invite.ts';
import { openSealedInvite, sealInvite } from '../../src/invite/sealed-invite.ts';
import type { EpochContext } from '../../src/schedule/epoch-context.ts';
import { EpochKeys } from '../../src/schedule/epoch-keys.ts';
import { Secret } from '../../src/schedule/secret.ts';
import { SecretTree } from '../../src/schedule/secret-tree.ts';
import { createSuite } from '../../src/suite.ts';
import type { LeafIndex } from '../../src/tree/tree-math.ts';
import type { RefusedFlip } from '../vectors/flip-bit.ts';
import { flipBit } from '../vectors/flip-bit.ts';
import { expectRule } from '../vectors/identity-vectors.ts';
import { seededRandom } from './seeded-random.ts';

export const hex: (bytes: Uint8Array) => string = bytesToHex;

export const vectorFiles = ['schedule', 'secret-tree', 'messages', 'padding', 'invites'] as const;
export type VectorFile = (typeof vectorFiles)[number];

export function computeVectors(): Record<VectorFile, unknown> {
  return {
    schedule: scheduleVectors(),
    'secret-tree': secretTreeVectors(),
    messages: messageVectors(),
    padding: paddingVectors(),
    invites: inviteVectors(),
  };
}

export function formatVectors(vectors: unknown): string {
  return `${JSON.stringify(vectors, undefined, 2)}\n`;
}

const origin = 'https://chat.example';
const modes: readonly EpochContext['mode'][] = [
  { leafProof: false, minWriter: 'member', ownDevices: true },
  { leafProof: true, minWriter: 'admin', ownDevices: false },
];

function deriveEpoch(seed: string, epoch: number) {
  const random = seededRandom(seed);
  const inputs = {
    chain: epoch === 0 ? new Uint8Array(32) : random.bytes(32),
    headSecret: random.bytes(32),
    context: {
      origin,
      groupId: random.bytes(16),
      mode: modes[epoch % modes.length]!,
      epoch,
      treeHash: random.bytes(32),
      confirmedTranscript: random.bytes(32),
    },
    leafCount: 4,
  };
  return { inputs, keys: EpochKeys.derive(inputs) };
}

function describeInputs({ chain, headSecret, context }: ReturnType<typeof deriveEpoch>['inputs']) {
  return {
    chain: hex(chain),
    headSecret: hex(headSecret),
    origin: context.origin,
    groupId: hex(context.groupId),
    mode: context.mode,
    epoch: context.epoch,
    treeHash: hex(context.treeHash),
    confirmedTranscript: hex(context.confirmedTranscript),
  };
}

function scheduleVectors() {
  return [0, 1, 2, 1_000_000].map((epoch) => {
    const { inputs, keys } = deriveEpoch(`schedule ${epoch}`, epoch);
    return {
      ...describeInputs(inputs),
      context: hex(keys.contextHash),
      nextChain: hex(keys.chain.reveal()),
      header: hex(keys.header.reveal()),
      payload: hex(keys.payload.reveal()),
      authenticator: hex(keys.authenticator),
      confirm: hex(keys.confirmation()),
      exported: hex(keys.exportKey('vector', Uint8Array.of(1, 2, 3), 48)),
    };
  });
}

function secretTreeVectors() {
  return [1, 2, 8, 1024].map((leafCount) => {
    const root = seededRandom(`secret tree ${leafCount}`).bytes(32);
    const tree = SecretTree.fromRoot(Uint8Array.from(root), leafCount);
    const leaves = [...new Set([0, leafCount >> 1, leafCount - 1])];
    const generations = leaves.flatMap((leaf) =>
      [0, 1, 5].map((generation) => {
        const secret = tree.generationSecret(leaf, generation);
        if (!secret.ok) throw new Error(secret.rule);
        return { leaf, generation, secret: hex(secret.value) };
      }),
    );
    return { root: hex(root), leafCount, generations };
  });
}

function messageVectors() {
  const { inputs, keys } = deriveEpoch('messages', 1);
  const random = seededRandom('message frames');
  const seed = random.bytes(32);
  const signingKey = SigningKey.fromSeed(seed);
  const contents = [
    { kind: 'text', text: 'hello' },
    { kind: 'text', text: 'Grüße, 世界 👋' },
    { kind: 'application', type: 'org.example.poll', content: random.bytes(300) },
  ] as const;
  const messages = contents.map((content) => {
    const frame = {
      origin,
      groupId: inputs.context.groupId,
      epoch: 1,
      nonce: random.bytes(16),
      nowMs: 1_800_000_000_000,
    };
    const lastSeen = random.bytes(32);
    const sealed = sealMessage({ keys, frame, leaf: 2 as LeafIndex, signingKey, lastSeen, content });
    if (!sealed.ok) throw new Error(sealed.rule);
    return {
      nonce: hex(frame.nonce),
      nowMs: frame.nowMs,
      lastSeen: hex(lastSeen),
      content: content.kind === 'text' ? content : { ...content, content: hex(content.content) },
      header: hex(sealed.value.header),
      ciphertext: hex(sealed.value.ciphertext),
    };
  });
  return { ...describeInputs(inputs), leafCount: 4, leaf: 2, signingSeed: hex(seed), messages };
}

function paddingVectors() {
  const sizes = [2, 9, 100, 255, 256, 257, 1000, 1025, 65_536, 65_537, 1_000_000, 2 ** 30 + 1];
  return sizes.map((size) => ({ size, padme: padme(size), paddedContent: paddedLength(size) }));
}

function inviteVectors() {
  const random = seededRandom('invites');
  const seed = random.bytes(32);
  const secrets = {
    chain: random.bytes(32),
    leafSecret: Uint8Array.of(...random.bytes(31), 0),
    rosterKey: random.bytes(32),
  };
  const plain = {
    origin,
    groupId: random.bytes(16),
    mode: modes[0]!,
    epoch: 7,
    treeHash: random.bytes(32),
    transcript: random.bytes(32),
    leaf: 5 as LeafIndex,
    expiresAtMs: 1_800_000_000_000,
    inviter: { leaf: 1 as LeafIndex, epoch: 3 },
  };
  const roster = { blobId: random.bytes(16), sha256: random.bytes(32) };
  const encoded = encodeInvite(
    {
      ...plain,
      chain: Secret.copyOf(secrets.chain),
      leafSecret: Secret.copyOf(secrets.leafSecret),
      roster: { ...roster, key: Secret.copyOf(secrets.rosterKey) },
    },
    SigningKey.fromSeed(seed),
  );
  const sealed = sealInvite(encoded, random);
  const transferId = base64urlnopad.encode(random.bytes(16));
  const link = formatInviteLink({ serverOrigin: origin, transferId, secret: sealed.secret });
  return {
    identitySeed: hex(seed),
    ...plain,
    groupId: hex(plain.groupId),
    treeHash: hex(plain.treeHash),
    transcript: hex(plain.transcript),
    chain: hex(secrets.chain),
    leafSecret: hex(secrets.leafSecret),
    roster: { blobId: hex(roster.blobId), sha256: hex(roster.sha256), key: hex(secrets.rosterKey) },
    encoded: hex(encoded),
    linkSecret: hex(sealed.secret.reveal()),
    sealed: hex(sealed.bytes),
    transferId,
    link,
    // In the chain, which the signature covers; in the signature, which stands last.
    refused: [
      { part: 'encoded', bit: 8 * 120, rule: 'invite/signature' },
      { part: 'encoded', bit: 8 * (encoded.length - 64), rule: 'invite/signature' },
      { part: 'encoded', bit: 0, rule: 'invite/form' },
      { part: 'sealed', bit: 0, rule: 'invite/opens' },
      { part: 'sealed', bit: 8 * 600, rule: 'invite/opens' },
      { part: 'linkSecret', bit: 5, rule: 'invite/opens' },
    ] satisfies RefusedFlip[],
    refusedLinks: [
      { link: link.replace('/i#D', '/i#E'), rule: 'invite/link-checksum' },
      { link: `${link.slice(0, -1)}${link.endsWith('J') ? 'K' : 'J'}`, rule: 'invite/link-checksum' },
      { link: link.slice(0, -1), rule: 'invite/link-checksum' },
      { link: link.slice(0, link.lastIndexOf('.')), rule: 'invite/link-complete' },
      { link: link.replace('/i#', '/j#'), rule: 'invite/link-form' },
      { link: link.replace('chat', 'chats'), rule: 'invite/link-checksum' },
    ],
  };
}

export type InviteVectors = ReturnType<typeof inviteVectors>;

/** Throws unless this package reads the invite as it is meant, and refuses what it is meant to refuse. */
export function checkInviteVectors(vectors: InviteVectors): void {
  const suite = createSuite();
  const parts: Record<string, Uint8Array> = {
    encoded: hexToBytes(vectors.encoded),
    sealed: hexToBytes(vectors.sealed),
    linkSecret: hexToBytes(vectors.linkSecret),
  };
  const read = (part: string, of: typeof parts) => {
    const decoded =
      part === 'encoded'
        ? decodeInvite(of['encoded']!)
        : openSealedInvite(of['sealed']!, Secret.copyOf(of['linkSecret']!));
    return decoded.ok ? verifyInvite(suite, decoded.value, { nowMs: vectors.expiresAtMs - 1 }) : decoded;
  };
  for (const part of Object.keys(parts)) expectRule(read(part, parts), 'accepted');
  for (const { part, bit, rule } of vectors.refused) {
    expectRule(read(part, { ...parts, [part]: flipBit(parts[part]!, bit) }), rule);
  }
  expectRule(parseInviteLink(vectors.link), 'accepted');
  expectRule(parseInviteLink(vectors.link.toLowerCase()), 'accepted');
  for (const { link, rule } of vectors.refusedLinks) expectRule(parseInviteLink(link), rule);
}
