/** The SDK's warnings and changes of mode as sentences. */
import type { GroupMode, Member, MemberId, Warning } from '@conclave/sdk';

export interface WarningText {
  readonly text: string;
  /** Nothing to act on: shown quietly. */
  readonly isQuiet: boolean;
}

export function warningText(warning: Warning, nameById: (id: MemberId) => string): WarningText {
  const by = (id: MemberId | undefined): string => (id === undefined ? 'a member' : nameById(id));
  switch (warning.kind) {
    case 'misbehaviour':
      return loud(`${by(warning.by)} did something that the rules forbid (${warning.rule})`);
    case 'unauthentic-message':
      return loud(`a message that is not authentic was left out (${warning.rule})`);
    case 'unreadable-message':
      return quiet('a message could not be read: this device has no keys of that time');
    case 'slow-secret':
      return loud(`${by(warning.by)} made the group slow; new keys are being made`);
    case 'descendants-remain':
      return loud(
        `who was removed had invited ${warning.members.map(nameById).join(', ')}: still here; /remove them if you do not know them`,
      );
    case 'unlisted-leaf':
      return loud('somebody joined without saying who they are; an admin’s program removes them');
    case 'out-of-sync':
      return loud(
        `the server’s history does not continue what this device has verified (${warning.rule}): the group stands still`,
      );
    case 'background-failure':
    default:
      return quiet(`something did not work in the background and is tried again [${warning.code}]`);
  }
}

export function modeText(mode: GroupMode): string {
  return mode.minWriter === 'admin' || mode.minWriter === 'owner'
    ? 'broadcast is on: only owners and admins write'
    : 'everyone but readers writes';
}

/** Flags that stand beside a member's name. */
export function memberFlags(member: Member): string[] {
  return [
    ...(member.isMe ? ['you'] : []),
    ...(member.devices.every(({ isLeaving }) => isLeaving) ? ['leaving'] : []),
  ];
}

function loud(text: string): WarningText {
  return { text, isQuiet: false };
}

function quiet(text: string): WarningText {
  return { text, isQuiet: true };
}
