/**
 * A small real group with a past, made by the packages' own builders from seeded randomness: where the targets take their
 * frames, trees, invites and states from. The people are those of sealed-group's scenario tests.
 */
import type { Client } from '../../../packages/sealed-group/test/group/people.ts';
import {
  Client as People,
  openMode,
  person,
  service,
  valueOf,
} from '../../../packages/sealed-group/test/group/people.ts';

export { suite, valueOf } from '../../../packages/sealed-group/test/group/people.ts';

/** With leaf proofs on there is a reader too. */
export interface SampleGroup {
  /** Owner of the group. */
  readonly alice: Client;
  readonly bob: Client;
  /** Every frame of the log. */
  readonly frames: readonly Uint8Array[];
  /** Valid next frames that nobody has posted: commits of several kinds, messages, a leave. */
  readonly nextFrames: readonly Uint8Array[];
  /** An invite of a pending leaf, with the roster snapshot of its epoch. */
  readonly invite: { readonly invite: Uint8Array; readonly snapshot: Uint8Array };
}

export function makeSampleGroup({ leafProof = false } = {}): SampleGroup {
  const ds = service();
  const alice = People.create(person('alice', 'fuzz'), ds, { ...openMode, leafProof });
  const [leaf] = alice.add({}, { role: leafProof ? 'reader' : 'member' }, { role: 'admin' });
  const bob = People.join(person('bob', 'fuzz'), ds, alice.invite(leaf!));
  alice.sync();
  valueOf(alice.say('a first message'));
  valueOf(bob.say('and an answer'));
  const [pending] = alice.add({}, {});
  bob.sync();
  const invite = alice.invite(pending!);
  const { nowMs } = ds;
  const commit = (member: Client, operations: Parameters<Client['commit']>[0] = []) =>
    valueOf(member.copyTo(ds).group.prepareCommit({ operations, nowMs })).frame;
  const bobsLeaf = bob.group.me.leaf;
  const nextFrames = [
    commit(alice),
    commit(bob),
    commit(alice, [{ kind: 'add', role: 'member', device: false, expiresAtMs: nowMs + 1_000_000 }]),
    commit(alice, [{ kind: 'remove', leaf: bobsLeaf }]),
    commit(alice, [
      { kind: 'set-role', leaf: bobsLeaf, role: 'admin' },
      { kind: 'set-mode', mode: { ...openMode, leafProof: true, minWriter: 'admin' } },
    ]),
    valueOf(bob.copyTo(ds).group.encryptMessage({ content: { kind: 'text', text: 'next' }, nowMs })).frame,
    valueOf(bob.copyTo(ds).group.leave({ nowMs })).frame,
  ];
  return { alice, bob, frames: ds.log.map(({ bytes }) => bytes), nextFrames, invite };
}
