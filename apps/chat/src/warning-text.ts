/** The SDK's warnings and changes of mode as sentences. */
import type { GroupMode, Member, MemberId, ServerEvidence, Warning } from '@conclave/sdk';

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
    case 'server-misbehaviour':
      return loud(serverMisbehaviourText(warning, nameById));
    case 'background-failure':
    default:
      return quiet(`something did not work in the background and is tried again [${warning.code}]`);
  }
}

/** What changed in the log, or what another member's message says about it. */
function serverMisbehaviourText(
  { evidence, seq, by }: Extract<Warning, { kind: 'server-misbehaviour' }>,
  nameById: (id: MemberId) => string,
): string {
  if (by !== undefined) {
    const what =
      evidence === 'reordered' ? 'was shown to you only after that message' : 'was not shown to you';
    return `the server may be lying: ${nameById(by)} had seen something before message ${seq} that ${what}. Ask ${nameById(by)} over another channel`;
  }
  return `the server shows another history than before: ${changeWords[evidence]} (from number ${seq} on). Either it lies, or it was restored from an old backup: ask who runs it. What you have is kept; nothing is read or sent here until the history is the one it was`;
}

const changeWords: Readonly<Record<ServerEvidence, string>> = {
  'rolled-back': 'messages that you received are gone from it',
  rewritten: 'something else stands in the place of what you received',
  withheld: 'it leaves something out',
  reordered: 'its order has changed',
};

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
