/** The groups in which rules are broken one at a time, and who breaks them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { TestMember } from '@conclave/testkit';
import { answerText } from '../attack.ts';
import { Mallory } from '../mallory/mallory.ts';
import { besiege } from '../siege.ts';
import type { Siege } from '../siege.ts';
import { openArena, patiently, settled, stillTalk } from '../stage.ts';
import type { Arena, Stage } from '../stage.ts';
import { frameFormAttacks } from './frame-form.ts';
import { attack, ownerAttacks, operations, remove, witnessedForgery } from './owner-rules.ts';
import {
  adminAttacks,
  deviceAttacks,
  deviceLiftAttacks,
  memberAttacks,
  pendingAttacks,
  readerAttacks,
} from './role-rules.ts';

export async function breakFrames(stage: Stage): Promise<void> {
  const arena = await openArena(stage, 'the open group');
  // Leaves 3 to 6, whose secrets are Mallory's: what fills are about.
  await arena.founder.member.add('member', 'member', 'member', 'member');
  await settled(arena);
  const by = arena.founder;
  await besiege(stage, { part: 'octets that are no frame', arena, by, attacks: frameFormAttacks });
  await besiege(stage, { part: 'an owner’s commits', arena, by, attacks: ownerAttacks });
  await besiege(stage, { part: 'an owner’s commits', arena, by, attacks: witnessedForgery });
  await noteTalk(stage, arena, 'broken rules');
}

export async function breakRoles(stage: Stage): Promise<void> {
  const part = 'roles';
  const arena = await openArena(stage, 'the group of roles', { mode: { leafProof: true } });
  const { founder } = arena;
  const admin = await founder.accomplice('admin', 'admin');
  const member = await founder.accomplice('member', 'member');
  const reader = await founder.accomplice('reader', 'reader');
  const device = await ownDevice(founder);
  const pending = await pendingLeaf(founder, 100_000);
  await settled(arena);
  const sieges: Omit<Siege, 'part' | 'arena'>[] = [
    { by: pending, attacks: pendingAttacks },
    { by: admin, attacks: adminAttacks },
    { by: member, attacks: memberAttacks },
    { by: reader, attacks: readerAttacks },
    { by: device, attacks: deviceAttacks },
  ];
  for (const siege of sieges) await besiege(stage, { part, arena, ...siege });
  await noteTalk(stage, arena, 'broken roles');
}

/** A leaf that is no owner commits as fast as it can: after three commits it has to wait four seconds for the next one. */
export async function breakHaste(stage: Stage): Promise<void> {
  const arena = await openArena(stage, 'the group in haste', { people: [] });
  const member = await arena.founder.accomplice('member', 'member');
  await commitInHaste(member, 3);
  await besiege(stage, {
    part: 'leaves and removals',
    arena,
    by: member,
    attacks: [
      {
        ...attack('commit/wait', 'a member commits again at once', (mallory, good) => mallory.forge(good)),
        impatient: true,
      },
    ],
  });
}

/** Each commit doubles the wait for the next one. */
export async function commitInHaste({ member }: Mallory, commits: number): Promise<void> {
  for (let count = 0; count < commits; count++) {
    const answer = await patiently(() => member.commit());
    if (answer.status !== 200) throw new Error(`a commit was answered ${answerText(answer)}`);
  }
}

/** In groups without honest people, whose clients would tidy up at once what is due. */
export async function breakDuties(stage: Stage): Promise<void> {
  const part = 'leaves and removals';
  const arena = await openArena(stage, 'the group that is left', { people: [] });
  const { founder } = arena;
  await besiege(stage, {
    part,
    arena,
    by: founder,
    attacks: [attack('commit/leave-last-owner', 'the last owner leaves', (mallory) => mallory.leaveFrame())],
  });
  const leaver = await founder.accomplice('leaver', 'member');
  const [adder, device] = [founder, await memberWithDevice(founder)];
  await besiege(stage, { part, arena, by: adder, attacks: deviceLiftAttacks(device) });
  await leave(leaver);
  await founder.member.sync();
  const leaf = leaver.leaf;
  await besiege(stage, {
    part,
    arena,
    by: founder,
    // The good commit carries the leave out: `prepare` adds what is due.
    attacks: [
      operations('commit/required-removals', 'a leave is passed over', () => []),
      operations('commit/leave-signature', 'a leave that nobody signed is carried out', () => [
        { ...remove(leaf), kind: 'remove', leaf, leaveSignature: new Uint8Array(64).fill(7) },
      ]),
      attack('commit/leave-signature', 'a leave is carried out with another’s signature', (mallory, good) =>
        mallory.forge(good, {
          content: ({ operations }) => ({
            operations: operations.map((operation) =>
              operation.kind === 'remove'
                ? { ...operation, leaveSignature: mallory.leaveSignature(leaf, 0, mallory.leafSecret) }
                : operation,
            ),
          }),
        }),
      ),
    ],
  });
}

export async function leave({ member }: Mallory): Promise<void> {
  const answer = answerText(await member.leave());
  if (answer !== '200') throw new Error(`a leave was answered ${answer}`);
}

export async function ownDevice(adder: Mallory): Promise<Mallory> {
  const { member } = adder;
  const before = new Set(member.group.invitableLeaves());
  const expiresAtMs = Date.now() + 3_600_000;
  const answer = await member.commit([{ kind: 'add', role: 'member', device: true, expiresAtMs }]);
  if (answer.status !== 200) throw new Error(`adding a device was answered ${answerText(answer)}`);
  const leaf = member.group.invitableLeaves().find((other) => !before.has(other))!;
  const { url, deps } = member;
  const device = await TestMember.join({ url, name: 'device', deps }, member.invite(leaf));
  await member.sync();
  return new Mallory(device);
}

/** The leaf of a device whose adder is no owner. */
async function memberWithDevice(founder: Mallory): Promise<number> {
  const adder = await founder.accomplice('adder', 'member');
  const expiresAtMs = Date.now() + 3_600_000;
  const answer = await adder.member.commit([{ kind: 'add', role: 'member', device: true, expiresAtMs }]);
  if (answer.status !== 200) throw new Error(`adding a device was answered ${answerText(answer)}`);
  const [leaf] = adder.member.group.invitableLeaves();
  const given = adder.member.invite(leaf!);
  // Who is charged for the device's first commit is its adder, who has just committed.
  await sleep(1_100);
  const { url, deps } = adder.member;
  await TestMember.join({ url, name: 'device', deps }, given);
  await founder.member.sync();
  return leaf!;
}

export async function pendingLeaf(founder: Mallory, ttlMs: number): Promise<Mallory> {
  const { member } = founder;
  const before = new Set(member.group.invitableLeaves());
  const operation = { kind: 'add', role: 'member', device: false, expiresAtMs: Date.now() + ttlMs } as const;
  const answer = await member.commit([operation]);
  if (answer.status !== 200) throw new Error(`adding a leaf was answered ${answerText(answer)}`);
  const leaf = member.group.invitableLeaves().find((other) => !before.has(other))!;
  return new Mallory(await TestMember.accept({ url: member.url, name: 'pending' }, member.invite(leaf)));
}

/** Notes as an outcome of its own that honest members go on as if nothing had happened. */
export async function noteTalk(stage: Stage, arena: Arena, occasion: string): Promise<void> {
  const faults = await stillTalk(arena, occasion);
  stage.outcomes.push({
    part: 'honest members go on',
    name: `${arena.name}, after ${occasion}`,
    target: 'surface/conversation',
    mark: undefined,
    expected: 'everybody hears everybody',
    observed: faults.length === 0 ? 'everybody hears everybody' : faults.join(', '),
    faults,
    isControlled: true,
  });
}
