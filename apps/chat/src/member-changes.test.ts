import type { Member, MemberDevice, MemberList } from '@conclave/sdk';
import { describe, expect, it } from 'vitest';
import { describeMemberChanges } from './member-changes.ts';

function device(leaf: number, changes: Partial<MemberDevice> = {}): MemberDevice {
  return {
    leaf,
    name: `device ${leaf}`,
    role: 'member',
    isFurtherDevice: false,
    isThis: false,
    isLeaving: false,
    ...changes,
  };
}

function person(name: string, devices: MemberDevice[], changes: Partial<Member> = {}): Member {
  return { id: name, name, role: 'member', isMe: false, devices, ...changes };
}

function list(members: Member[], pending: MemberList['pending'] = []): MemberList {
  return { members, pending, unlistedLeaves: [], unknownLeaves: [] };
}

const changes = (before: MemberList, after: MemberList): string[] =>
  describeMemberChanges(before, after, ({ name }) => name);

describe('what changed among the members', () => {
  const ada = person('Ada', [device(0)]);
  const bo = person('Bo', [device(1)]);
  const invite = { leaf: 1, role: 'member', expiresAtMs: 0, isExpired: false, invitedBy: 'Ada' } as const;

  it('tells who joined, and is silent about the invite that became a member', () => {
    expect(changes(list([ada], [invite]), list([ada, bo]))).toEqual(['Bo joined']);
  });

  it('tells leaving from being removed', () => {
    const leaving = person('Bo', [device(1, { isLeaving: true })]);
    expect(changes(list([ada, bo]), list([ada, leaving]))).toEqual(['Bo is leaving']);
    expect(changes(list([ada, leaving]), list([ada]))).toEqual(['Bo left']);
    expect(changes(list([ada, bo]), list([ada]))).toEqual(['Bo was removed']);
  });

  it('tells roles, names and further devices', () => {
    const admin = person('Bo', [device(1), device(2)], { role: 'admin' });
    expect(changes(list([ada, bo]), list([ada, admin]))).toEqual([
      'Bo is now admin',
      'Bo joined with a further device: device 2',
    ]);
    expect(changes(list([bo]), list([person('Bob', [device(1)], { id: 'Bo' })]))).toEqual([
      'Bo is now called Bob',
    ]);
  });

  it('tells invites that were withdrawn or expired', () => {
    expect(changes(list([ada], [invite]), list([ada]))).toEqual(['invite 1 was withdrawn']);
    expect(changes(list([ada], [{ ...invite, isExpired: true }]), list([ada]))).toEqual(['invite 1 expired']);
  });
});
