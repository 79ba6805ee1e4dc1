/** A member's side of a group. */
export type { GroupEvent } from './group-event.ts';
export type { JoinFindings, JoinInput } from './join-group.ts';
export type { MemberDeps, MemberStatus } from './member-state.ts';
export { hashFrame } from './process-commit.ts';
export type { ProcessOptions } from './process-commit.ts';
export { SealedGroup } from './sealed-group.ts';
export type { CreateGroupInput, Joined, Member, PrepareCommitInput, PreparedFrame } from './sealed-group.ts';
