/** What applications see of a group: members, messages, events. Plain values, copies of the state. */
import type { GroupMode, Role } from '@conclave/sealed-group';
import type { Attachment } from '../attachments/attachment.ts';

export type { GroupMode, Role } from '@conclave/sealed-group';

/** Base64url of a person's Ed25519 identity key: the same in every group and on every device of that person. */
export type MemberId = string;

export interface MemberDevice {
  readonly leaf: number;
  readonly name: string;
  readonly role: Role;
  /** Added by the person as a further device of its own. */
  readonly isFurtherDevice: boolean;
  readonly isThis: boolean;
  /** Asked to leave; the next commit removes it. */
  readonly isLeaving: boolean;
}

/** A person: all leaves of one identity. */
export interface Member {
  readonly id: MemberId;
  readonly name: string;
  /** The highest role among its devices. */
  readonly role: Role;
  readonly isMe: boolean;
  readonly devices: readonly MemberDevice[];
}

/** An invited position that nobody has taken yet. It may read. */
export interface PendingMember {
  readonly leaf: number;
  readonly role: Role;
  readonly expiresAtMs: number;
  readonly isExpired: boolean;
  /** Undefined when the inviter is gone. */
  readonly invitedBy: MemberId | undefined;
}

export interface MemberList {
  readonly members: readonly Member[];
  readonly pending: readonly PendingMember[];
  /** Leaves that joined without saying who they are: admins' clients remove them. */
  readonly unlistedLeaves: readonly number[];
  /** Leaves that this device knows no name for, because the roster did not reach it: names come with their next commits. */
  readonly unknownLeaves: readonly number[];
}

export interface Sender {
  readonly id: MemberId;
  readonly name: string;
  readonly device: string;
  readonly leaf: number;
}

export type MessageContent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'attachment'; readonly attachment: Attachment }
  /** An application's own type (printable ASCII, at most 128 characters). */
  | { readonly kind: 'application'; readonly type: string; readonly bytes: Uint8Array };

export interface Message {
  /** The frame's body hash in base64url: the same for every member. While pending, the local id. */
  readonly id: string;
  /** Place in the group's log; undefined while pending. */
  readonly seq: number | undefined;
  readonly state: 'pending' | 'sent';
  readonly sender: Sender;
  readonly mine: boolean;
  /** The sender's clock. */
  readonly sentAtMs: number;
  readonly content: MessageContent;
}

/**
 * How a server shows another log than before, or than it shows others:
 * - `rolled-back`: the log ends before frames that this device has processed;
 * - `rewritten`: another frame stands in the place of one that this device has processed;
 * - `withheld`: a frame that is or was in the log was not shown to this device; without `by`: what stands in its place, or comes after it,
 *   does not continue what this device has verified, or the server itself spoke of it;
 * - `reordered`: a frame came after a message whose author had seen it before.
 */
export type ServerEvidence = 'rolled-back' | 'rewritten' | 'withheld' | 'reordered';

/** What the group's members may see as odd, or should act on. None of it stops the group. */
export type Warning =
  /** A member's commit, message or invite holds something false: `rule` says what; `by` names the member if known. */
  | { readonly kind: 'misbehaviour'; readonly rule: string; readonly by: string | undefined }
  /** A message that is not shown, because it does not verify. */
  | { readonly kind: 'unauthentic-message'; readonly rule: string; readonly seq: number }
  /** A message of an epoch whose keys this device does not have (any more). */
  | { readonly kind: 'unreadable-message'; readonly seq: number }
  /** Somebody sealed a secret badly and cost every member computing time; this device re-keys. */
  | { readonly kind: 'slow-secret'; readonly by: string | undefined }
  /** Who was removed had invited these; remove them too? */
  | { readonly kind: 'descendants-remain'; readonly members: readonly MemberId[] }
  /** A leaf joined without a name; an admin’s client removes it. */
  | { readonly kind: 'unlisted-leaf'; readonly leaf: number }
  /** The server's log does not continue what was verified. The group stands still. */
  | { readonly kind: 'out-of-sync'; readonly rule: string; readonly seq: number }
  /**
   * The server shows a log that cannot be the one it showed before, or shows others. `seq`: the first frame concerned, or the message
   * whose author (`by`) had seen what this device was not shown; that member may also have said so falsely. Without `by` the group
   * stands still until the log is what it was: a server that was restored from an old backup looks the same.
   */
  | {
      readonly kind: 'server-misbehaviour';
      readonly evidence: ServerEvidence;
      readonly seq: number;
      readonly by: MemberId | undefined;
    }
  /** Background work failed; it is tried again. `code` is an error code. */
  | { readonly kind: 'background-failure'; readonly code: string };

export interface GroupEvents {
  /** A message was logged and saved, in the order of the log; one's own too. */
  message: Message;
  /** One's own message changed its state before it came back in `message`. */
  outgoing: {
    readonly localId: string;
    readonly state: 'pending' | 'accepted' | 'failed';
    readonly code?: string;
  };
  /** Members, roles or pending positions changed. */
  members: MemberList;
  mode: GroupMode;
  /** The group has another name. */
  renamed: { readonly name: string };
  epoch: { readonly epoch: number };
  /** Somebody took an invited position. */
  joined: { readonly member: Member; readonly leaf: number };
  /** This device is out. `verified`: the removing commit was seen; otherwise the server only denies reading. */
  removed: { readonly verified: boolean };
  warning: Warning;
  connection: { readonly state: 'online' | 'offline' };
}

/** `joining`: the first commit is still to be accepted. `restored`: history from a backup, without keys. */
export type GroupStatus = 'creating' | 'joining' | 'joined' | 'leaving' | 'removed' | 'restored';
