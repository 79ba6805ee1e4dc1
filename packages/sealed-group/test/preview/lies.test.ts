/** A server that lies in what it makes for a newcomer. Every value of a start and an opening is changed, one at a time. */
import { describe, expect, test } from 'vitest';
import type { Invite, SecretScalar } from '../../src/index.ts';
import {
  confirmedTranscriptHash,
  encodePreviewPage,
  decodePreviewPage,
  leafNode,
  parseSecret,
  Preview,
  publicKeyOf,
} from '../../src/index.ts';
import type { Opening, PreviewStart, SealedRow } from '../../src/preview/preview-codec.ts';
import {
  decodeOpening,
  decodePreviewStart,
  encodeOpening,
  encodePreviewStart,
} from '../../src/preview/preview-codec.ts';
import { changeLeafPath, treeHashOfPath } from '../../src/preview/leaf-path.ts';
import { EpochKeys } from '../../src/schedule/index.ts';
import { sealSecrets } from '../../src/sealing/index.ts';
import { nextSecret, parsePublicKey } from '../../src/signature/index.ts';
import { encodeNode, verifyMerklePath } from '../../src/tree/index.ts';
import { Client, openMode, person, seededRandom, service, suite, valueOf } from '../group/people.ts';
import type { DeliveryService } from '../group/delivery-service.ts';
import { openingFor, openInvite, startFor } from './served.ts';

/** Alice and seven more; two invites; two commits after them, by members in other parts of the tree. */
const world = (() => {
  const ds = service();
  const alice = Client.create(person('alice'), ds);
  const members = alice.add({}, {}, {}, {}, {}, {}).map((leaf, i) => {
    alice.sync();
    return Client.accept(person(`member ${i}`), ds, alice.invite(leaf));
  });
  for (const member of members) {
    member.sync();
    valueOf(member.commit());
  }
  alice.sync();
  const [leaf, other] = alice.add({}, {});
  const invites = [leaf!, other!].map((at) => openInvite(ds, alice.invite(at)));
  for (const committer of [members[0]!, members[4]!]) {
    committer.sync();
    valueOf(committer.commit());
  }
  alice.sync();
  valueOf(alice.say('hello'));
  const [invite, othersInvite] = invites as [Invite, Invite];
  return { ds, invite, othersInvite, start: startFor(ds, invite) };
})();
const { ds, invite, start } = world;
const first = opening(ds, invite, 1);
const second = opening(ds, invite, 2);

function opening(from: DeliveryService, { leaf, epoch }: Invite, after: number): Opening {
  return valueOf(decodeOpening(openingFor(from, leaf, epoch + after)!));
}

function fresh(): Preview {
  return valueOf(Preview.open(suite, invite, start));
}

function flipped(bytes: Uint8Array, at = 0): Uint8Array {
  return bytes.with(at, bytes[at]! ^ 1);
}

/** The row with its first two digits' octets exchanged: still points, other digits. */
function exchanged(octets: Uint8Array): Uint8Array {
  return Uint8Array.of(...octets.subarray(32, 64), ...octets.subarray(0, 32), ...octets.subarray(64));
}

function withRow(from: Opening, change: (row: SealedRow) => Partial<SealedRow>): Opening {
  const last = from.sealed.at(-1)!;
  return { ...from, sealed: [...from.sealed.slice(0, -1), { ...last, ...change(last) }] };
}

const otherKey = publicKeyOf(suite, parseSecret(suite, new Uint8Array(32).fill(3))!);
const otherNode = encodeNode({ kind: 'parent', publicKey: otherKey, unmergedLeaves: [] });
const otherDepth = (by: number): Opening => ({ ...first, leafCount: first.leafCount * 2 ** by });

/** A lie, and the rule by which it is seen. */
const lies: readonly (readonly [string, Opening, string])[] = [
  ['another epoch', { ...first, epoch: first.epoch + 1 }, 'preview/next-epoch'],
  ['the next epoch without this one', second, 'preview/next-epoch'],
  ['the body hash', { ...first, bodyHash: flipped(first.bodyHash) }, 'preview/confirm'],
  ['the confirmation', { ...first, confirm: flipped(first.confirm, 31) }, 'preview/confirm'],
  ['the mode', { ...first, mode: { ...openMode, minWriter: 'owner' } }, 'preview/confirm'],
  ['a mode that stayed', { ...first, mode: { ...openMode, leafProof: true } }, 'preview/confirm'],
  [
    'the hash of a subtree beside the path',
    {
      ...first,
      changes: first.changes.map((change) => ({
        ...change,
        beside: change.beside && flipped(change.beside),
      })),
    },
    'preview/confirm',
  ],
  [
    'a subtree that changed and is said not to have',
    {
      ...first,
      changes: first.changes
        .map((change) => ({ ...change, beside: undefined }))
        .filter(({ content }) => content !== undefined),
    },
    'preview/confirm',
  ],
  [
    'the hash of a subtree that did not change',
    {
      ...first,
      changes: [
        { place: 0, content: undefined, beside: new Uint8Array(32) },
        ...first.changes.filter(({ place }) => place > 0),
      ],
    },
    'preview/confirm',
  ],
  [
    'a larger tree',
    {
      ...otherDepth(1),
      changes: [
        ...first.changes,
        { place: Math.log2(first.leafCount), content: Uint8Array.of(0), beside: new Uint8Array(32) },
      ],
    },
    'preview/confirm',
  ],
  ['a larger tree without its root', otherDepth(1), 'preview/path'],
  ['a tree that has no place for the leaf', { ...first, leafCount: 1, changes: [] }, 'preview/path'],
  ['a smaller tree', otherDepth(-1), 'preview/path'],
  [
    'a key of the path',
    {
      ...first,
      changes: first.changes.map((change, i) => (i === 0 ? { ...change, content: otherNode } : change)),
    },
    'preview/opens',
  ],
  [
    'the key of the head',
    { ...first, changes: [...first.changes.slice(0, -1), { ...first.changes.at(-1)!, content: otherNode }] },
    'preview/opens',
  ],
  [
    'a blank head',
    {
      ...first,
      changes: [...first.changes.slice(0, -1), { ...first.changes.at(-1)!, content: Uint8Array.of(0) }],
    },
    'preview/confirm',
  ],
  [
    'the commitments',
    withRow(first, ({ commitments }) => ({ commitments: exchanged(commitments) })),
    'preview/opens',
  ],
  ['the handles', withRow(first, ({ handles }) => ({ handles: exchanged(handles) })), 'preview/opens'],
  [
    'octets that are no points',
    withRow(first, ({ handles }) => ({ handles: handles.map(() => 255) })),
    'preview/opens',
  ],
  ['a recipient off the path', withRow(first, () => ({ recipient: 1 << 10 })), 'preview/opens'],
  [
    'a recipient that is not below the node',
    withRow(first, ({ node }) => ({ recipient: node })),
    'preview/opens',
  ],
  ['a node off the path', withRow(first, ({ node }) => ({ node: node + (1 << 10) })), 'preview/opens'],
  ["another newcomer's opening", opening(ds, world.othersInvite, 1), 'preview/opens'],
];

describe('an opening that lies', () => {
  test('the honest one opens, and the one after it', () => {
    const preview = fresh();
    valueOf(preview.advance(encodeOpening(first)));
    valueOf(preview.advance(encodeOpening(second)));
    expect(valueOf(preview.readMessage(ds.log.at(-1)!.bytes)).content).toMatchObject({ text: 'hello' });
  });

  test.each(lies)('about %s is seen, and ends the preview', (_, lie, rule) => {
    const preview = fresh();
    expect(preview.advance(encodeOpening(lie))).toMatchObject({ ok: false, rule });
    expect(preview.epoch).toBeUndefined();
    expect(preview.advance(encodeOpening(first))).toMatchObject({ rule: 'preview/ended' });
  });

  test('about what the trailer was is seen one epoch later', () => {
    const preview = fresh();
    valueOf(preview.advance(encodeOpening({ ...first, wholeTrailerHash: flipped(first.wholeTrailerHash) })));
    expect(preview.advance(encodeOpening(second))).toMatchObject({ rule: 'preview/confirm' });
  });

  test('that was opened before does not open again', () => {
    const preview = fresh();
    valueOf(preview.advance(encodeOpening(first)));
    expect(preview.advance(encodeOpening(first))).toMatchObject({ rule: 'preview/next-epoch' });
  });
});

/** An epoch of the server's own: keys that it chose, sealed to the newcomer as a commit would, in a tree that has them. */
function forgeEpoch(chain: Uint8Array): Opening {
  const path = valueOf(
    verifyMerklePath(valueOf(decodePreviewStart(start)).path, invite.treeHash, (key) =>
      parsePublicKey(suite, key),
    ),
  );
  const random = seededRandom('forger');
  let secret = parseSecret(suite, new Uint8Array(32).fill(7))!;
  const secrets: SecretScalar[] = path.ancestors.map(() => (secret = nextSecret(suite, secret)));
  const changes = path.ancestors.map((_, place) => ({
    place,
    content: encodeNode({
      kind: 'parent',
      publicKey: publicKeyOf(suite, secrets[place]!),
      unmergedLeaves: [],
    }),
    beside: undefined,
  }));
  const hedge = { secret: new Uint8Array(32), random, context: new Uint8Array(0) };
  const target = {
    secret: secrets[0]!,
    publicKey: publicKeyOf(suite, secrets[0]!),
    recipients: [path.leaf.publicKey],
  };
  const { sealed } = sealSecrets(suite, { targets: [target], hedge });
  const { commitments, handles } = sealed[0]!;
  const changed = valueOf(changeLeafPath(path, path.leafCount, changes, (key) => parsePublicKey(suite, key)));
  const bodyHash = random.bytes(32);
  const keys = EpochKeys.derive({
    chain,
    headSecret: secrets.at(-1)!,
    context: {
      origin: invite.origin,
      groupId: invite.groupId,
      mode: invite.mode,
      epoch: invite.epoch + 1,
      treeHash: treeHashOfPath(changed),
      confirmedTranscript: confirmedTranscriptHash(invite.transcript, bodyHash),
    },
    leafCount: path.leafCount,
  });
  return {
    epoch: invite.epoch + 1,
    bodyHash,
    wholeTrailerHash: random.bytes(32),
    confirm: keys.confirmation(),
    mode: undefined,
    leafCount: path.leafCount,
    changes,
    sealed: [
      { node: path.ancestors[0]!.index, commitments, recipient: leafNode(path.index), handles: handles[0]! },
    ],
  };
}

describe('an epoch that the server makes up', () => {
  test('opens for nobody, because the server lacks the chain', () => {
    expect(fresh().advance(encodeOpening(forgeEpoch(new Uint8Array(32))))).toMatchObject({
      rule: 'preview/confirm',
    });
  });

  test('would open with the chain: whoever was a member in the epoch of the invite could help the server', () => {
    expect(fresh().advance(encodeOpening(forgeEpoch(invite.chain.reveal())))).toMatchObject({ ok: true });
  });
});

describe('a start that lies', () => {
  const honest = valueOf(decodePreviewStart(start));
  const opens = (lie: Partial<PreviewStart>): unknown =>
    Preview.open(suite, invite, encodePreviewStart({ ...honest, ...lie }));
  const row = honest.sealed.at(-1)!;

  test.each([
    ['about a hash', { path: flipped(honest.path, honest.path.length - 1) }, 'tree/path-hash'],
    ['about the number of places', { path: honest.path.with(0, honest.path[0]! + 1) }, 'tree/encoding'],
    [
      "with another newcomer's path",
      { path: valueOf(decodePreviewStart(startFor(ds, world.othersInvite))).path },
      'invite/leaf',
    ],
    [
      "with another newcomer's row",
      { sealed: valueOf(decodePreviewStart(startFor(ds, world.othersInvite))).sealed },
      'preview/opens',
    ],
    [
      'about the commitments',
      { sealed: [{ ...row, commitments: exchanged(row.commitments) }] },
      'preview/opens',
    ],
    ['about the order of rows', { sealed: [row, row] }, 'preview/opens'],
  ] as const)('%s', (_, lie, rule) => {
    expect(opens(lie)).toMatchObject({ ok: false, rule });
  });
});

describe('messages of a preview', () => {
  const message = ds.log.at(-1)!.bytes;
  const current = (): Preview => {
    const preview = fresh();
    valueOf(preview.advance(encodeOpening(first)));
    valueOf(preview.advance(encodeOpening(second)));
    return preview;
  };

  test('are shown once', () => {
    const preview = current();
    valueOf(preview.readMessage(message));
    expect(preview.readMessage(message)).toMatchObject({ rule: 'message/generation-unused' });
  });

  test('do not open when the server changed anything, and leave the preview as it was', () => {
    const preview = current();
    // The proof for the server stands at the end; a newcomer, like every client, does not verify it.
    for (let at = 0; at < message.length - 70; at += 7) {
      expect(preview.readMessage(flipped(message, at)).ok, `octet ${at}`).toBe(false);
    }
    valueOf(preview.readMessage(message));
  });

  test('are none but messages', () => {
    const commit = ds.log[ds.seqByEpoch.get(second.epoch)! - 1]!.bytes;
    expect(current().readMessage(commit)).toMatchObject({ rule: 'frame/content' });
  });
});

describe('octets of a preview', () => {
  test('any change of one octet, and any cut, is refused without an exception', () => {
    const bytes = encodeOpening(first);
    for (let at = 0; at < bytes.length; at += at < 300 ? 1 : 37) {
      const preview = fresh();
      // What the trailer was shows with the next opening.
      const opened = preview.advance(flipped(bytes, at)).ok && preview.advance(encodeOpening(second)).ok;
      expect(opened, `octet ${at}`).toBe(false);
    }
    for (let length = 0; length < bytes.length; length += 61) {
      expect(fresh().advance(bytes.subarray(0, length))).toMatchObject({ rule: 'preview/form' });
    }
    for (let length = 0; length < start.length; length += 61) {
      expect(Preview.open(suite, invite, start.subarray(0, length)).ok).toBe(false);
    }
  });

  test('a page is in the order of the log', () => {
    const item = (seq: number) => ({ seq, kind: 'message', bytes: Uint8Array.of(1) }) as const;
    const page = { start: undefined, items: [item(2), item(5)], readTo: 6, lastSeq: 9 };
    expect(valueOf(decodePreviewPage(encodePreviewPage(page)))).toEqual(page);
    for (const wrong of [
      { ...page, items: [item(5), item(2)] },
      { ...page, readTo: 4 },
      { ...page, lastSeq: 5 },
    ]) {
      expect(decodePreviewPage(encodePreviewPage(wrong))).toMatchObject({ rule: 'preview/form' });
    }
    expect(decodePreviewPage(Uint8Array.of(255))).toMatchObject({ rule: 'preview/form' });
  });
});
