import { defineRules } from './rule.ts';

/**
 * Rules of `src/identity/`. None of them makes a client reject a commit: what breaks one is dropped, and whoever sent it is
 * flagged (docs/sealed-groups.md §5), or a member could stop a group with a payload that only members can judge.
 */
export const identityRules = defineRules({
  'identity/entry-form': {
    says: 'An identity entry has keys and signatures of the right length and names that are short and printable.',
    checkedBy: 'client',
  },
  'identity/entry-leaf': {
    says: 'An identity entry names the instance and the current key of a joined leaf.',
    checkedBy: 'client',
    attack: 'F2',
  },
  'identity/entry-identity-signature': {
    says: 'An identity entry is signed by its identity key, for this origin and group.',
    checkedBy: 'client',
    attack: 'F1',
  },
  'identity/entry-leaf-signature': {
    says: 'An identity entry is signed by its leaf key: an inviter cannot give a leaf another name or signing key.',
    checkedBy: 'client',
    attack: 'F2',
  },
  'identity/entry-present': {
    says: "A commit's payload holds an entry for the committer's own leaf.",
    checkedBy: 'client',
    attack: 'F1',
  },
  'identity/same-identity': {
    says: 'An instance keeps its identity from commit to commit.',
    checkedBy: 'client',
  },
  'identity/device-of-adder': {
    says: "A device leaf's identity is that of the leaf which added it.",
    checkedBy: 'client',
  },
  'identity/confirm': {
    says: "`confirm` is the MAC that the new epoch's keys give: the committer derived the same keys.",
    checkedBy: 'client',
  },
  'identity/payload-decrypts': {
    says: "A commit's payload opens with the new epoch's payload key.",
    checkedBy: 'client',
  },
  'identity/payload-form': {
    says: "A commit's payload is padded and encoded canonically.",
    checkedBy: 'client',
  },
  'identity/profile-authority': {
    says: 'Only owners and admins change name, description and picture of a group.',
    checkedBy: 'client',
  },
  'identity/profile-form': {
    says: "A group's name and description are short and printable.",
    checkedBy: 'client',
  },
  'identity/snapshot-hash': { says: "A roster snapshot has the invite's hash.", checkedBy: 'client' },
  'identity/snapshot-decrypts': {
    says: "A roster snapshot opens with the invite's key, for its group and epoch.",
    checkedBy: 'client',
  },
  'identity/snapshot-form': {
    says: 'A roster snapshot is padded and encoded canonically.',
    checkedBy: 'client',
  },
  'identity/snapshot-duplicate': { says: 'A roster snapshot holds one entry per leaf.', checkedBy: 'client' },
});
