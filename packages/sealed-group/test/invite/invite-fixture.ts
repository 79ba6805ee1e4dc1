/** Cleo, an admin here, invites someone to leaf 4. */
import type { IdentityEntry } from '../../src/identity/identity-entry.ts';
import { Roster } from '../../src/identity/roster.ts';
import type { Invite, InviteFields, UnverifiedInvite } from '../../src/invite/invite.ts';
import { decodeInvite, encodeInvite, verifyInvite } from '../../src/invite/invite.ts';
import { Secret } from '../../src/schedule/secret.ts';
import type { LeafNode } from '../../src/tree/tree-node.ts';
import type { People } from '../identity/people-fixture.ts';
import { cleo, createPeople, epoch, groupId, invited, origin, suite } from '../identity/people-fixture.ts';

export const expiresAtMs = 1_000_000;
export const nowMs = 500_000;
const treeHash = new Uint8Array(32).fill(21);

export interface InviteFixture {
  readonly people: People;
  readonly leaf: LeafNode;
  readonly fields: InviteFields;
  readonly tree: { leaf(index: number): LeafNode | undefined; treeHash(): Uint8Array };
  readonly roster: Roster;
  encode(changes?: Partial<InviteFields>): Uint8Array;
  decoded(changes?: Partial<InviteFields>): UnverifiedInvite;
  verified(changes?: Partial<InviteFields>): Invite;
}

export function createInviteFixture(): InviteFixture {
  const people = createPeople('invites');
  const inviter = people.persons[cleo]!;
  const invitee = people.persons[invited]!;
  const leaf: LeafNode = {
    ...invitee.node,
    epoch,
    addedBy: { leaf: cleo, epoch: inviter.node.epoch },
    expiresAtMs,
  };
  const fields: InviteFields = {
    origin,
    groupId,
    mode: { leafProof: false, minWriter: 'member', ownDevices: true },
    epoch,
    chain: Secret.copyOf(new Uint8Array(32).fill(20)),
    treeHash,
    transcript: new Uint8Array(32).fill(22),
    leaf: invited,
    leafSecret: Secret.copyOf(invitee.leafSecret),
    expiresAtMs,
    inviter: { leaf: cleo, epoch: inviter.node.epoch },
    roster: {
      blobId: new Uint8Array(16).fill(23),
      sha256: new Uint8Array(32).fill(24),
      key: Secret.copyOf(new Uint8Array(32).fill(25)),
    },
  };
  const entry: IdentityEntry = people.verified(cleo);
  const fixture: InviteFixture = {
    people,
    leaf,
    fields,
    tree: {
      leaf: (index) => (index === invited ? leaf : people.persons[index]?.node),
      treeHash: () => treeHash,
    },
    roster: Roster.of([entry], epoch, { name: '', description: '', picture: undefined }),
    encode: (changes = {}) => encodeInvite({ ...fields, ...changes }, inviter.identity),
    decoded(changes) {
      const invite = decodeInvite(fixture.encode(changes));
      if (!invite.ok) throw new Error(`${invite.rule} ${invite.detail}`);
      return invite.value;
    },
    verified(changes) {
      const invite = verifyInvite(suite, fixture.decoded(changes), { nowMs });
      if (!invite.ok) throw new Error(invite.rule);
      return invite.value;
    },
  };
  return fixture;
}
