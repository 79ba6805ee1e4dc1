import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandLabel } from '../../src/schedule/expand-label.ts';
import type { EpochContext } from '../../src/schedule/epoch-context.ts';
import { EpochKeys, initialChain } from '../../src/schedule/epoch-keys.ts';
import { scheduleLabels } from '../../src/schedule/labels.ts';
import { Secret } from '../../src/schedule/secret.ts';
import { maxForwardJump, SecretTree } from '../../src/schedule/secret-tree.ts';
import type { LeafIndex } from '../../src/tree/tree-math.ts';

const context: EpochContext = {
  origin: 'https://chat.example',
  groupId: new Uint8Array(16).fill(1),
  mode: { leafProof: false, minWriter: 'member', ownDevices: true },
  epoch: 0,
  treeHash: new Uint8Array(32).fill(2),
  confirmedTranscript: new Uint8Array(32).fill(3),
};
const headSecret = new Uint8Array(32).fill(4);
const derive = (changes: Partial<EpochContext> = {}, head = headSecret, chain = initialChain()) =>
  EpochKeys.derive({ chain, headSecret: head, context: { ...context, ...changes }, leafCount: 4 });

describe('the key schedule', () => {
  it('gives equal members equal keys', () => {
    expect(derive().encode()).toEqual(derive().encode());
    expect(derive().confirms(derive().confirmation())).toBe(true);
  });

  it('separates everything an epoch is bound to, and everything it is derived from', () => {
    const changes: Partial<EpochContext>[] = [
      { origin: 'https://chat.example:1' },
      { groupId: new Uint8Array(16).fill(9) },
      { mode: { ...context.mode, leafProof: true } },
      { mode: { ...context.mode, minWriter: 'admin' } },
      { mode: { ...context.mode, ownDevices: false } },
      { epoch: 1 },
      { treeHash: new Uint8Array(32) },
      { confirmedTranscript: new Uint8Array(32) },
    ];
    const all = [
      derive(),
      ...changes.map((change) => derive(change)),
      derive({}, new Uint8Array(32).fill(5)),
      derive({}, headSecret, new Uint8Array(32).fill(6)),
    ];
    const distinct = (values: Uint8Array[]) =>
      new Set(values.map((value) => Buffer.from(value).toString('hex'))).size;
    expect(distinct(all.map((keys) => keys.authenticator))).toBe(all.length);
    expect(distinct(all.map((keys) => keys.chain.reveal()))).toBe(all.length);
    expect(all.slice(1).every((keys) => !keys.confirms(all[0]!.confirmation()))).toBe(true);
  });

  it('derives keys that differ by label, and no label stands for two things', () => {
    const labels = Object.values(scheduleLabels);
    expect(new Set(labels).size).toBe(labels.length);
    const keys = derive();
    const values = [
      keys.chain.reveal(),
      keys.header.reveal(),
      keys.payload.reveal(),
      keys.authenticator,
      keys.confirmation(),
    ];
    expect(new Set(values.map((value) => Buffer.from(value).toString('hex'))).size).toBe(values.length);
  });

  it('exports keys by label, context and length', () => {
    const keys = derive();
    const exported = keys.exportKey('calls', Uint8Array.of(1), 32);
    expect(exported).toEqual(derive().exportKey('calls', Uint8Array.of(1), 32));
    expect(exported).not.toEqual(keys.exportKey('calls', Uint8Array.of(2), 32));
    expect(exported).not.toEqual(keys.exportKey('files', Uint8Array.of(1), 32));
    expect(exported).not.toEqual(keys.exportKey('calls', Uint8Array.of(1), 33).subarray(0, 32));
  });

  it('does not confuse context parts that join to the same bytes', () => {
    const secret = new Uint8Array(32);
    const one = expandLabel(secret, 'exported', [Uint8Array.of(1, 2), Uint8Array.of(3)], 32);
    expect(one).not.toEqual(expandLabel(secret, 'exported', [Uint8Array.of(1), Uint8Array.of(2, 3)], 32));
  });

  it('leaves its inputs alone: a commit that loses its race must not cost the chain', () => {
    const chain = new Uint8Array(32).fill(8);
    const head = Uint8Array.from(headSecret);
    derive({}, head, chain);
    expect([chain, head]).toEqual([new Uint8Array(32).fill(8), headSecret]);
  });

  it('overwrites chain, payload, confirmation and exporter keys on retiring, keeping late messages readable', () => {
    const keys = derive();
    const chain = keys.chain.reveal();
    keys.retire();
    expect(chain).toEqual(new Uint8Array(32));
    expect(keys.retired).toBe(true);
    for (const use of [
      () => keys.chain.reveal(),
      () => keys.payload.reveal(),
      () => keys.confirmation(),
      () => keys.exportKey('x', chain, 1),
    ]) {
      expect(use).toThrow('deleted');
    }
    expect(keys.secretTree.generationSecret(0, 0)).toEqual(derive().secretTree.generationSecret(0, 0));
    const restored = EpochKeys.decode(keys.encode());
    expect(restored?.retired).toBe(true);
    expect(restored?.header.reveal()).toEqual(derive().header.reveal());
    keys.wipe();
    expect(keys.secretTree.generationSecret(0, 0)).toMatchObject({ ok: false, rule: 'message/leaf-in-tree' });
    expect(() => keys.header.reveal()).toThrow('deleted');
  });

  it('does not restore what it did not store', () => {
    const bytes = derive().encode();
    expect(EpochKeys.decode(bytes)?.encode()).toEqual(bytes);
    expect(EpochKeys.decode(new Uint8Array(0))).toBeUndefined();
    for (let length = 1; length < bytes.length; length++)
      expect(EpochKeys.decode(bytes.subarray(0, length))).toBeUndefined();
  });

  it('prints no secret', () => {
    const keys = derive();
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
    const printed = [
      String(keys),
      JSON.stringify({ keys }),
      inspect(keys, { depth: 9, showHidden: true }),
      inspect(keys.chain),
      String(keys.chain),
      JSON.stringify([keys.chain, keys.secretTree]),
      inspect(keys.secretTree, { showHidden: true }),
    ].join();
    expect(printed).toContain('EpochKeys(epoch 0)');
    for (const secret of [keys.chain, keys.header, keys.payload]) {
      expect(printed).not.toContain(hex(secret.reveal()));
      expect(printed).not.toContain([...secret.reveal().subarray(0, 4)].join(', '));
    }
    expect(JSON.stringify(new Secret(Uint8Array.of(1)))).toBe('"[secret]"');
  });
});

describe('the secret tree', () => {
  const rootSecret = () => new Uint8Array(32).fill(5);
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  const secretOf = (tree: SecretTree, leaf: number, generation: number) => {
    const secret = tree.generationSecret(leaf, generation);
    if (!secret.ok) throw new Error(secret.rule);
    return hex(secret.value);
  };

  it.each([1, 2, 4, 64, 2 ** 20])(
    'of %i leaves gives each leaf and generation its own secret',
    (leafCount) => {
      const tree = SecretTree.fromRoot(rootSecret(), leafCount);
      const leaves = [0, 1, 2, 3, leafCount / 2, leafCount - 1].filter(
        (leaf) => Number.isInteger(leaf) && leaf < leafCount,
      );
      const secrets = new Set(
        [...new Set(leaves)].flatMap((leaf) =>
          [0, 1, 2].map((generation) => secretOf(tree, leaf, generation)),
        ),
      );
      expect(secrets.size).toBe(new Set(leaves).size * 3);
      expect(tree.generationSecret(leafCount, 0)).toMatchObject({ ok: false, rule: 'message/leaf-in-tree' });
      expect(tree.generationSecret(-1, 0).ok).toBe(false);
      expect(tree.generationSecret(0.5, 0).ok).toBe(false);
    },
  );

  it('gives the same secrets in whatever order leaves and generations are consumed, each once', () => {
    const uses = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 12 })), {
      maxLength: 30,
      selector: ([leaf, generation]) => `${leaf}/${generation}`,
    });
    fc.assert(
      fc.property(uses, (order) => {
        const fresh = SecretTree.fromRoot(rootSecret(), 8);
        const tree = SecretTree.fromRoot(rootSecret(), 8);
        for (const [leaf, generation] of order) {
          expect(secretOf(tree, leaf, generation)).toBe(secretOf(fresh, leaf, generation));
          expect(tree.consume(leaf, generation).ok).toBe(true);
          expect(tree.generationSecret(leaf, generation)).toMatchObject({
            ok: false,
            rule: 'message/generation-unused',
          });
          expect(tree.consume(leaf, generation)).toMatchObject({
            ok: false,
            rule: 'message/generation-unused',
          });
        }
      }),
      { numRuns: 40 },
    );
  });

  it('holds nothing from which a consumed secret could be computed', () => {
    const root = rootSecret();
    const tree = SecretTree.fromRoot(root, 4);
    const consumed = secretOf(tree, 1, 0);
    expect(tree.consume(1, 0).ok).toBe(true);
    expect(root).toEqual(new Uint8Array(32));
    const state = tree.toState();
    // Left are the sibling leaf 0 (node 0) and the right half (node 5): neither is an ancestor of leaf 1 (node 2).
    expect(state.nodes.map(({ node }) => node).toSorted((a, b) => a - b)).toEqual([0, 5]);
    expect(state.ratchets.map(({ leaf, next, skipped }) => ({ leaf, next, skipped }))).toEqual([
      { leaf: 1, next: 1, skipped: [] },
    ]);
    expect(JSON.stringify(state.ratchets.map((ratchet) => hex(ratchet.secret)))).not.toContain(consumed);
  });

  it('does not change by looking', () => {
    const tree = SecretTree.fromRoot(rootSecret(), 8);
    const before = tree.toState();
    tree.generationSecret(3, 900);
    tree.generationSecret(3, maxForwardJump + 1);
    tree.generationSecret(9, 0);
    expect(tree.toState()).toEqual(before);
  });

  it('refuses to consume beyond the window and outside the tree', () => {
    const tree = SecretTree.fromRoot(rootSecret(), 2);
    expect(tree.consume(0, maxForwardJump + 1)).toMatchObject({
      ok: false,
      rule: 'message/generation-in-window',
    });
    expect(tree.consume(2, 0)).toMatchObject({ ok: false, rule: 'message/leaf-in-tree' });
    expect(tree.takeNext(2 as LeafIndex)).toMatchObject({ ok: false, rule: 'message/leaf-in-tree' });
  });

  it('counts its own generations up', () => {
    const tree = SecretTree.fromRoot(rootSecret(), 2);
    const taken = [0, 1, 2].map(() => tree.takeNext(1 as LeafIndex));
    expect(taken.map((each) => each.ok && each.value.generation)).toEqual([0, 1, 2]);
  });
});
