import { defineRules } from './rule.ts';

/** Rules of `src/commit/` and `src/group/`: what makes a well-formed frame a valid one. */
export const commitRules = defineRules({
  'commit/eligible': {
    says: 'The frame names this group, and is proven by the current leaf key of the committer, leaver or writer, or by an epoch key since the last removal. Until that is verified every failure gives this one answer.',
    checkedBy: 'both',
    attack: 'F14',
  },
  'commit/epoch': {
    says: 'A commit is made in the current epoch. A message is sent in the current epoch, or within its grace in the one before.',
    checkedBy: 'both',
  },
  'commit/clock': {
    says: "A frame's time lies within five minutes of the server's clock.",
    checkedBy: 'server',
  },
  'commit/monotone': {
    says: "A commit's time is not before that of the commit it follows.",
    checkedBy: 'both',
  },
  'commit/wait': {
    says: 'A leaf that is not an owner waits after an accepted commit, doubling; an epoch reserved for a lost removal takes no other commit.',
    checkedBy: 'server',
  },
  'commit/required-removals': {
    says: 'A commit removes the outstanding leaves and expired pending leaves, the first 64 of them; left out are the committer, and an owner who would be the last after the commit. First commits are exempt.',
    checkedBy: 'server',
  },
  'commit/key': {
    says: 'Every new leaf key and node key is the canonical encoding of a point that is not the identity.',
    checkedBy: 'both',
    attack: 'F7',
  },
  'commit/nodes': {
    says: 'A commit seals exactly the nodes of its fill list and its filtered direct path, in order.',
    checkedBy: 'both',
  },
  'commit/recipients': {
    says: 'Every sealed node has exactly one vector of handles for each key in the resolutions of its children.',
    checkedBy: 'both',
  },
  'commit/new-signature': {
    says: "The committer's new leaf key signed the commit, which proves that it is possessed.",
    checkedBy: 'both',
    attack: 'F7',
  },
  'commit/possession': {
    says: 'The adder proves possession of the key of every leaf it adds.',
    checkedBy: 'both',
    attack: 'F7',
  },
  'commit/leave-signature': {
    says: 'A removal that carries out a leave holds the signature of the leaf key over group and instance.',
    checkedBy: 'both',
  },
  'commit/create-possession': {
    says: 'The first owner proves possession of its leaf key over the whole frame.',
    checkedBy: 'both',
    attack: 'F7',
  },
  'commit/create-mode': {
    says: 'A group is created in a mode that a group of one owner may have.',
    checkedBy: 'both',
  },
  'commit/message-proof': {
    says: 'With leaf proofs required a message is signed by its writing leaf; otherwise it carries a proof by the epoch key.',
    checkedBy: 'both',
    attack: 'F13',
  },
  'commit/message-writer': {
    says: 'The leaf that signs a message is joined and its role may write in the group.',
    checkedBy: 'both',
    attack: 'F13',
  },
  'commit/leave-joined': {
    says: 'Only a leaf that made its first commit leaves; others expire.',
    checkedBy: 'both',
  },
  'commit/leave-last-owner': {
    says: 'An owner leaves only if another joined owner stays that is not leaving.',
    checkedBy: 'both',
  },
  'commit/opens': {
    says: 'The sealed secrets of a commit open for their recipients and give the published keys.',
    checkedBy: 'client',
  },
  'commit/adding-commit': {
    says: 'A newcomer comes in by the commit that made the epoch of its invite, made by the inviter with its key in that tree.',
    checkedBy: 'client',
    attack: 'F2',
  },
  'commit/member': {
    says: 'Only a member that holds the keys of the epoch, or is about to make its first commit, makes frames and proofs.',
    checkedBy: 'client',
  },
  'commit/invitable': {
    says: 'An invite is made for a leaf that this member added, after the adding commit was accepted and before the leaf joined.',
    checkedBy: 'client',
  },
  'commit/gap': {
    says: 'A member processes frames in the order of their sequence numbers, none left out.',
    checkedBy: 'client',
  },
  'commit/state': { says: 'A stored state decodes completely and its parts agree.', checkedBy: 'client' },
});
