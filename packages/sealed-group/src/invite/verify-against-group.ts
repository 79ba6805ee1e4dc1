/**
 * Whether an invite fits what the server shows of the group: the newcomer trusts the signed invite, and takes the tree from
 * the server only because its hash is in the invite [F2].
 */
import { equalBytes } from '@noble/ciphers/utils.js';
import type { IdentityEntry } from '../identity/identity-entry.ts';
import type { Roster } from '../identity/roster.ts';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { parseSecret, publicKeyOf } from '../signature/keys.ts';
import type { Suite } from '../suite.ts';
import type { LeafNode } from '../tree/tree-node.ts';
import { isSameInstance } from '../tree/tree-node.ts';
import type { TreeReader } from '../tree/tree-reader.ts';
import type { Invite } from './invite.ts';

/** `tree` is the one that the server gives for the invite's epoch. Answers with the newcomer's leaf. */
export function verifyInviteLeaf(
  suite: Suite,
  invite: Invite,
  tree: Pick<TreeReader, 'leaf' | 'treeHash'>,
): Result<LeafNode> {
  if (!equalBytes(tree.treeHash(), invite.treeHash)) return violation('invite/tree-hash');
  const leaf = tree.leaf(invite.leaf);
  const secret = parseSecret(suite, invite.leafSecret.reveal());
  if (secret === undefined) return violation('invite/leaf-secret');
  const isInvitees =
    leaf?.addedBy !== undefined &&
    leaf.epoch === invite.epoch &&
    leaf.expiresAtMs === invite.expiresAtMs &&
    isSameInstance(leaf.addedBy, invite.inviter) &&
    equalBytes(leaf.publicKey, publicKeyOf(suite, secret));
  return isInvitees ? accept(leaf) : violation('invite/leaf', `leaf ${invite.leaf}`);
}

/** Who invited, as the verified roster of the invite's epoch knows them. */
export function verifyInviter(invite: Invite, roster: Roster): Result<IdentityEntry> {
  const entry = roster.entry(invite.inviter.leaf);
  return entry !== undefined &&
    entry.leafEpoch === invite.inviter.epoch &&
    equalBytes(entry.identityKey, invite.inviterKey)
    ? accept(entry)
    : violation('invite/inviter-listed');
}
