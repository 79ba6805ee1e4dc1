import { describe, expect, test } from 'vitest';
import { Client, dayMs, pair, person, service, valueOf } from './people.ts';

describe('a group from its creation', () => {
  test('create, add, join, talk, remove: members agree, and who was removed reads nothing more', () => {
    const ds = service();
    const alice = Client.create(person('alice'), ds);
    const [leaf] = alice.add({ role: 'member' });
    const bob = Client.join(person('bob'), ds, alice.invite(leaf!));
    const joined = alice.sync();
    expect(joined.map(({ kind }) => kind)).toEqual(['member-joined', 'epoch-changed']);
    expect(joined[0]).toMatchObject({ leaf, entry: { name: 'bob' } });
    expect(bob.group.authenticator).toEqual(alice.group.authenticator);
    expect(bob.group.profile.name).toBe('Test group');

    valueOf(alice.say('hello'));
    valueOf(bob.say('hi'));
    alice.sync();
    bob.sync();
    expect(bob.texts()).toEqual(['hello']);
    expect(alice.texts()).toEqual(['hi']);
    expect(alice.events.at(-1)).toMatchObject({ sender: { leaf }, entry: { name: 'bob' } });

    const removed = bob.group.encodeSecret();
    valueOf(alice.commit([{ kind: 'remove', leaf: leaf! }]));
    expect(bob.sync().map(({ kind }) => kind)).toEqual(['member-removed', 'epoch-changed', 'removed-self']);
    expect(bob.group.status).toBe('removed');
    expect(bob.group.authenticator).toBeUndefined();
    expect(removed.length).toBeGreaterThan(0);
    valueOf(alice.say('among ourselves'));
  });

  test('a leave is carried out by the next commit, and a pending leaf that nobody used expires', () => {
    const { ds, alice, bob, leaf: bobLeaf } = pair();
    const [carolLeaf] = alice.add({});
    bob.sync();
    valueOf(ds.post(valueOf(bob.group.leave({ nowMs: ds.nowMs })).frame));
    expect(alice.sync()).toMatchObject([{ kind: 'leave-announced', leaf: bobLeaf }]);
    ds.nowMs += 8 * dayMs;
    valueOf(alice.commit());
    const gone = alice.events.filter((event) => event.kind === 'member-removed');
    expect(gone).toMatchObject([
      { leaf: bobLeaf, wasPending: false, entry: { name: 'bob' } },
      { leaf: carolLeaf, wasPending: true },
    ]);
    bob.sync();
    expect(bob.group.status).toBe('removed');
    expect(alice.group.members()).toHaveLength(1);
  });

  test('of two commits in one epoch one wins; the loser is told, and prepares again', () => {
    const { ds, alice, bob } = pair();
    const first = valueOf(alice.group.prepareCommit({ operations: [], nowMs: ds.nowMs }));
    const second = valueOf(bob.group.prepareCommit({ operations: [], nowMs: ds.nowMs }));
    valueOf(ds.post(second.frame));
    expect(ds.post(first.frame)).toMatchObject({ ok: false, rule: 'commit/epoch' });
    expect(alice.sync().map(({ kind }) => kind)).toContain('commit-lost');
    bob.restart();
    expect(bob.sync().map(({ kind }) => kind)).toContain('commit-accepted');
    valueOf(alice.commit());
    bob.sync();
    expect(alice.group.authenticator).toEqual(bob.group.authenticator);
  });
});
