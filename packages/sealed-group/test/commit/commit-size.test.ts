/** How large a commit becomes, known before the work of sealing and proving. */
import { describe, expect, test } from 'vitest';
import { commitFrameBytes } from '../../src/commit/commit-size.ts';
import type { RequestedOperation, TreeOperation } from '../../src/index.ts';
import { accept, buildCommit } from '../../src/index.ts';
import { maxRecipients } from '../../src/tree/index.ts';
import { maxAdds } from '../../src/wire/limits.ts';
import { suite, valueOf } from '../group/people.ts';
import { GroupModel } from '../tree/group-model.ts';
import { commitFrameOf, World } from './world.ts';

describe('the size of a commit', () => {
  test('is known from its plan to the byte', () => {
    const world = new World('size');
    const add: RequestedOperation = {
      kind: 'add',
      role: 'member',
      device: false,
      expiresAtMs: world.nowMs + 1,
    };
    world.addJoined(0, 'admin', 'member');
    for (const operations of [[], [add, add, add, add], [{ kind: 'remove', leaf: 2 }]] as const) {
      const built = valueOf(world.build(1, operations));
      const { header, content, trail } = commitFrameOf(built.bytes);
      const frame = {
        header,
        operations: content.operations as readonly TreeOperation[],
        fills: content.fills,
        plan: built.plan,
      };
      expect(commitFrameBytes(frame, trail.payload.length)).toBe(built.bytes.length);
    }
  });

  /** Leaf 1 joined; every other leaf is pending, under no key but those of leaf 0's path: nearly all are recipients. */
  function scattered(recipients: number): World {
    const model = new GroupModel();
    model.join(0, 'admin');
    for (let left = recipients - 13; left > 0; left -= maxAdds)
      model.commit(
        0,
        Array.from({ length: Math.min(left, maxAdds) }, () => model.add()),
      );
    const world = new World('scattered');
    world.nowMs = model.nowMs;
    world.leafSecrets.set(1, world.leafSecrets.get(0)!);
    world.group = {
      ...world.group,
      tree: model.tree,
      epoch: model.epoch,
      mode: model.mode,
      lastNowMs: model.nowMs,
    };
    return world;
  }

  test('is refused before anything is sealed when no payload could make it fit', () => {
    // The keys of this tree are no points: sealing to them would throw.
    const world = scattered(maxRecipients);
    const verdict = world.build(1);
    expect(verdict).toMatchObject({ ok: false, rule: 'frame/size' });
    expect(verdict).toHaveProperty('detail', expect.stringMatching(/^21\d{5} bytes for 3833 recipients$/));
    const one: RequestedOperation = {
      kind: 'add',
      role: 'member',
      device: false,
      expiresAtMs: world.nowMs + 1,
    };
    expect(world.build(1, [one])).toMatchObject({
      ok: false,
      rule: 'tree/recipient-limit',
      detail: 'more than 3833 recipients',
    });
    expect(() => scattered(maxRecipients - 100).build(1)).toThrow('never parsed');
  });

  test('is refused before anything is proven when its payload is too long', () => {
    const world = new World('payload');
    world.addJoined(0, 'member');
    const built = buildCommit({
      suite,
      random: world.random,
      group: world.group,
      committer: 1,
      leafSecret: world.leafSecrets.get(1)!,
      chain: world.chain.reveal(),
      operations: [],
      nowMs: world.nowMs,
      payload: () => accept(new Uint8Array(2 ** 21 - 100)),
    });
    expect(built).toMatchObject({ ok: false, rule: 'frame/size' });
  });
});
