/** What a member learns from a frame. Events of one frame come in order and are complete: state and events change together. */
import type { GroupProfile, IdentityEntry } from '../identity/index.ts';
import type { MemberContent } from '../message/index.ts';
import type { RuleId } from '../rules/index.ts';
import type { GroupMode, Instance, LeafIndex, Role } from '../tree/index.ts';

export type GroupEvent =
  /** The frame that created the group was logged. */
  | { readonly kind: 'group-created' }
  /** Follows the changes that the commit made. */
  | {
      readonly kind: 'epoch-changed';
      readonly epoch: number;
      readonly committer: LeafIndex;
      readonly nowMs: number;
    }
  | {
      readonly kind: 'leaf-added';
      readonly leaf: LeafIndex;
      readonly role: Role;
      readonly addedBy: LeafIndex;
      readonly device: boolean;
      readonly expiresAtMs: number | undefined;
      /** This member added it: `createInvite(leaf)` works from now on. */
      readonly mine: boolean;
    }
  /** A pending leaf made its first commit; `entry` says who it is, if it said so. */
  | { readonly kind: 'member-joined'; readonly leaf: LeafIndex; readonly entry: IdentityEntry | undefined }
  /** `entry` is the last one known; pending leaves have none. */
  | {
      readonly kind: 'member-removed';
      readonly leaf: LeafIndex;
      readonly by: LeafIndex;
      readonly wasPending: boolean;
      readonly entry: IdentityEntry | undefined;
    }
  | { readonly kind: 'role-changed'; readonly leaf: LeafIndex; readonly from: Role; readonly to: Role }
  | { readonly kind: 'mode-changed'; readonly mode: GroupMode }
  | { readonly kind: 'profile-changed'; readonly profile: GroupProfile; readonly by: LeafIndex }
  | { readonly kind: 'leave-announced'; readonly leaf: LeafIndex }
  /** This member is out; its keys are gone and nothing later can be read. */
  | { readonly kind: 'removed-self'; readonly by: LeafIndex }
  /** One's own commit made the epoch. */
  | { readonly kind: 'commit-accepted'; readonly bodyHash: Uint8Array }
  /** One's own commit lost its epoch to another: prepare it again, everything is made fresh. */
  | { readonly kind: 'commit-lost'; readonly bodyHash: Uint8Array }
  /** The committer did what only members can see: wrong confirmation, payload or entry. The commit counts all the same [F2]. */
  | { readonly kind: 'commit-flagged'; readonly committer: LeafIndex; readonly flags: readonly RuleId[] }
  /** A sealed secret had digits that only a slow search found: re-key after a random delay, if still needed. */
  | { readonly kind: 'slow-opening'; readonly committer: LeafIndex }
  | {
      readonly kind: 'message';
      readonly bodyHash: Uint8Array;
      readonly epoch: number;
      readonly sender: Instance;
      /** Who the sender said it was in `epoch`, not what it calls itself since. */
      readonly entry: IdentityEntry | undefined;
      readonly content: MemberContent;
      /** The sender's clock, as signed. */
      readonly sentAtMs: number;
      /** Body hash of the last frame that the sender had processed: another history shows here. */
      readonly lastSeen: Uint8Array;
    }
  /** One's own message was logged. */
  | { readonly kind: 'own-message'; readonly bodyHash: Uint8Array }
  /** A message that must not be shown as anybody's, and why: its maker had the group's keys. */
  | { readonly kind: 'unauthentic-message'; readonly bodyHash: Uint8Array; readonly rule: RuleId }
  /** A message of an epoch whose keys this member never had, or has forgotten. */
  | { readonly kind: 'unreadable-message'; readonly bodyHash: Uint8Array }
  /** A leave of a leaf that may not leave; it changes nothing. */
  | { readonly kind: 'refused-leave'; readonly rule: RuleId }
  /** For owners and admins: a leaf joined without saying who it is; remove it at once [F1]. */
  | { readonly kind: 'unlisted-leaf'; readonly leaf: LeafIndex }
  /** For owners and admins: joined leaves that descend from a removed one; offer their removal too [F1]. */
  | {
      readonly kind: 'descendants-remain';
      readonly removed: LeafIndex;
      readonly leaves: readonly LeafIndex[];
    };
