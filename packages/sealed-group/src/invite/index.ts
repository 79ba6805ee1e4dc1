export type {
  Invite,
  InviteExpectations,
  InviteFields,
  SnapshotReference,
  UnverifiedInvite,
} from './invite.ts';
export { decodeInvite, encodeInvite, maxInviteBytes, verifyInvite, wipeInvite } from './invite.ts';
export type { InviteLink } from './invite-link.ts';
export { formatInviteLink, parseInviteLink } from './invite-link.ts';
export { linkSecretBytes, openSealedInvite, sealInvite } from './sealed-invite.ts';
export { verifyInviteLeaf, verifyInviter } from './verify-against-group.ts';
