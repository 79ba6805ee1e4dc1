import type { Member, MemberList } from '@conclave/sdk';
import { describe, expect, it } from 'vitest';
import { findMembers } from './find-by-name.ts';

function member(id: string, name: string): Member {
  return { id, name, role: 'member', isMe: false, devices: [] };
}

const list: MemberList = {
  members: [
    member('aaaa1111', 'Ada'),
    member('bbbb2222', 'Ada'),
    member('cccc3333', 'Adam'),
    member('dddd', 'Bo Li'),
  ],
  pending: [{ leaf: 4, role: 'reader', expiresAtMs: 0, isExpired: false, invitedBy: undefined }],
  unlistedLeaves: [],
  unknownLeaves: [],
};

function idsOf(text: string): string[] {
  return findMembers(list, text).map((target) =>
    target.kind === 'member' ? target.member.id : `invite ${target.invite.leaf}`,
  );
}

describe('finding a member by what was typed', () => {
  it('prefers the whole name to a beginning, whatever the case', () => {
    expect(idsOf('ada')).toEqual(['aaaa1111', 'bbbb2222']);
    expect(idsOf('adam')).toEqual(['cccc3333']);
    expect(idsOf('bo')).toEqual(['dddd']);
  });

  it('tells namesakes apart by the short id', () => {
    expect(idsOf('Ada #bbbb2')).toEqual(['bbbb2222']);
    expect(idsOf('#cccc3')).toEqual(['cccc3333']);
  });

  it('finds open invites by number, and nobody by a wrong name', () => {
    expect(idsOf('invite 4')).toEqual(['invite 4']);
    expect(idsOf('invite 5')).toEqual([]);
    expect(idsOf('Zoe')).toEqual([]);
  });
});
