/** A small group as `openMessage` sees it: owner, admin, member, member (pending), reader, then blanks. */
import type { RandomSource } from '@conclave/ristretto';
import { SigningKey } from '../../src/identity/signing-key.ts';
import type { MemberContent } from '../../src/message/content.ts';
import type { OpenMessageInput } from '../../src/message/open-message.ts';
import { openMessage } from '../../src/message/open-message.ts';
import { sealMessage } from '../../src/message/seal-message.ts';
import { EpochKeys } from '../../src/schedule/epoch-keys.ts';
import type { PublicKey } from '../../src/signature/keys.ts';
import type { GroupMode, Role } from '../../src/tree/roles.ts';
import type { LeafIndex } from '../../src/tree/tree-math.ts';
import type { LeafNode } from '../../src/tree/tree-node.ts';
import type { FrameHeader, MessageFrame } from '../../src/wire/frame.ts';
import { seededRandom } from '../schedule/seeded-random.ts';

export const owner = 0 as LeafIndex;
export const admin = 1 as LeafIndex;
export const member = 2 as LeafIndex;
export const pendingMember = 3 as LeafIndex;
export const reader = 4 as LeafIndex;
export const uncertified = 5 as LeafIndex;
export const leafCount = 8;
const roles: readonly Role[] = ['owner', 'admin', 'member', 'member', 'reader', 'member'];

export const origin = 'https://chat.example';
export const groupId = new Uint8Array(16).fill(7);
export const everyoneWrites: GroupMode = { leafProof: false, minWriter: 'member', ownDevices: true };

export type Carried = OpenMessageInput['frame'];

export interface Fixture {
  readonly random: RandomSource;
  /** A member's own copy of the epoch's keys: each call derives fresh ones. */
  deriveKeys(): EpochKeys;
  readonly tree: OpenMessageInput['tree'];
  readonly signingKeys: readonly SigningKey[];
  seal(
    keys: EpochKeys,
    leaf: LeafIndex,
    content: MemberContent | string,
    overrides?: Partial<FrameHeader>,
  ): Carried;
  open(
    keys: EpochKeys,
    frame: Carried,
    overrides?: Partial<OpenMessageInput>,
  ): ReturnType<typeof openMessage>;
}

export function createFixture(seed = 'message'): Fixture {
  const random = seededRandom(seed);
  const epoch = 3;
  const chain = random.bytes(32);
  const headSecret = random.bytes(32);
  const treeHash = random.bytes(32);
  const confirmedTranscript = random.bytes(32);
  const signingKeys = roles.map(() => SigningKey.generate(random));
  const leaves = roles.map((role, index): LeafNode => ({
    kind: 'leaf',
    publicKey: new Uint8Array(32).fill(index + 1) as PublicKey,
    role,
    epoch: 0,
    addedBy: undefined,
    device: false,
    expiresAtMs: index === pendingMember ? 1_000_000 : undefined,
  }));
  const tree = { leafCount, leaf: (index: LeafIndex) => leaves[index] };
  const signingKeyOf = (leaf: LeafIndex) => (leaf === uncertified ? undefined : signingKeys[leaf]?.publicKey);

  return {
    random,
    tree,
    signingKeys,
    deriveKeys: () =>
      EpochKeys.derive({
        chain,
        headSecret,
        context: { origin, groupId, mode: everyoneWrites, epoch, treeHash, confirmedTranscript },
        leafCount,
      }),
    seal(keys, leaf, content, overrides = {}) {
      const header: FrameHeader = {
        origin,
        groupId,
        epoch,
        nonce: random.bytes(16),
        nowMs: 1_700_000_000_000,
        ...overrides,
      };
      const sealed = sealMessage({
        keys,
        frame: header,
        leaf,
        signingKey: signingKeys[leaf]!,
        lastSeen: new Uint8Array(32).fill(9),
        content: typeof content === 'string' ? { kind: 'text', text: content } : content,
      });
      if (!sealed.ok) throw new Error(sealed.rule);
      const trail: MessageFrame['trail'] = { proof: 'epoch', signature: new Uint8Array(64) };
      return { header, content: sealed.value, trail };
    },
    open: (keys, frame, overrides = {}) =>
      openMessage({ keys, frame, tree, mode: everyoneWrites, signingKeyOf, ...overrides }),
  };
}
