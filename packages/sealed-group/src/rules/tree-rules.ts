import { defineRules } from './rule.ts';

/** Rules of `src/tree/`: encodings of the public tree, and what a commit may do to it. */
export const treeRules = defineRules({
  // Encodings of trees, nodes and paths.
  'tree/encoding': {
    says: 'A tree, node or path decodes completely, and encoding it again gives the same bytes.',
    checkedBy: 'both',
    attack: 'F10',
  },
  'tree/malformed-key': {
    says: 'Every node key is a canonical point other than the identity.',
    checkedBy: 'both',
    attack: 'F7',
  },
  'tree/leaf-count': {
    says: 'The number of leaf places is a power of two up to 2^20, and unless it is 1 a leaf stands in the right half.',
    checkedBy: 'both',
  },
  'tree/node-place': {
    says: 'Leaves stand at even node indices, parents at odd ones, all inside the tree.',
    checkedBy: 'both',
  },
  'tree/unmerged-leaves': {
    says: 'Unmerged leaves ascend, are non-blank leaves under the node, and are unmerged in every non-blank node between.',
    checkedBy: 'both',
  },
  'tree/parent-without-members': {
    says: 'A parent with a key has, on both sides, a leaf that knows its secret.',
    checkedBy: 'both',
  },
  'tree/unique-key': {
    says: 'A key stands at one node only, and a new key stood at none before the commit.',
    checkedBy: 'both',
  },
  'tree/ownerless': { says: 'A tree has a joined owner.', checkedBy: 'both' },
  'tree/path-hash': { says: 'The hashes along a leaf path lead to the tree hash.', checkedBy: 'both' },

  // Who may commit.
  'tree/known-committer': { says: 'The committer is a leaf of the tree.', checkedBy: 'both' },
  'tree/first-commit-only': {
    says: 'A pending leaf commits once, without operations and fills.',
    checkedBy: 'both',
  },
  'tree/first-commit-in-time': { says: 'A pending leaf commits before it expires.', checkedBy: 'both' },

  // What an operation may target.
  'tree/known-leaf': { says: 'An operation targets a leaf of the tree.', checkedBy: 'both' },
  'tree/one-operation-per-leaf': { says: 'A commit has at most one operation on a leaf.', checkedBy: 'both' },
  'tree/own-leaf': {
    says: 'The only operation on oneself is to lower one’s own role.',
    checkedBy: 'both',
    attack: 'F8',
  },
  'tree/owner-target': { says: 'Only owners act on owner leaves.', checkedBy: 'both' },
  'tree/last-owner': { says: 'A joined owner remains after every commit.', checkedBy: 'both', attack: 'F8' },

  // Roles.
  'tree/set-role-authority': { says: 'Only owners and admins set roles.', checkedBy: 'both' },
  'tree/set-role-pending': {
    says: 'A pending leaf is no target of set-role.',
    checkedBy: 'both',
    attack: 'F8',
  },
  'tree/role-unchanged': { says: 'Set-role changes the role.', checkedBy: 'both' },
  'tree/role-given': {
    says: 'A given role is below the giver’s own; owners give any; a device’s is at most its adder’s as long as that one stands.',
    checkedBy: 'both',
  },

  // Removals.
  'tree/remove-authority': {
    says: 'Who is neither owner nor admin removes only leaves that signed a leave or expired.',
    checkedBy: 'both',
  },

  // Adds.
  'tree/add-authority': {
    says: 'Only owners and admins add others; only non-readers add devices.',
    checkedBy: 'both',
  },
  'tree/device-adds': { says: 'A device leaf adds nobody.', checkedBy: 'both' },
  'tree/devices-off': { says: 'Devices are added only if the mode allows it.', checkedBy: 'both' },
  'tree/device-limit': { says: 'An adder has at most 8 live device leaves.', checkedBy: 'both' },
  'tree/expiry-range': {
    says: 'An added leaf expires after the commit’s now and at most 30 days later.',
    checkedBy: 'both',
  },
  'tree/add-limit': { says: 'A commit adds at most 1,023 leaves.', checkedBy: 'both' },
  'tree/leaf-limit': { says: 'A tree has at most 2^20 leaves.', checkedBy: 'both' },

  // Modes.
  'tree/mode-authority': { says: 'Only owners and admins set the mode.', checkedBy: 'both' },
  'tree/one-mode': { says: 'A commit sets the mode at most once.', checkedBy: 'both' },
  'tree/leaf-proof-required': {
    says: 'Leaf proofs are on while a reader exists or only admins or owners may write.',
    checkedBy: 'both',
    attack: 'F13',
  },

  // Fills and seals.
  'tree/fill-order': { says: 'Fills are strictly ascending by level, then index.', checkedBy: 'both' },
  'tree/fill-place': {
    says: 'A fill is a parent node of the tree, off the committer’s direct path.',
    checkedBy: 'both',
    attack: 'F17',
  },
  'tree/fill-sides': { says: 'Both children of a fill resolve to someone.', checkedBy: 'both' },
  'tree/fill-leaves': {
    says: 'Every leaf under a fill is pending and was added by the committer.',
    checkedBy: 'both',
    attack: 'F8',
  },
  'tree/fill-ancestors': {
    says: 'An ancestor of a fill is itself filled, blank, or on the committer’s direct path.',
    checkedBy: 'both',
    attack: 'F17',
  },
  'tree/seal-limit': { says: 'A commit seals at most 1,024 nodes.', checkedBy: 'both', attack: 'F3' },
  'tree/recipient-limit': {
    says: 'A commit seals to at most 3,833 recipients: more fit in no frame.',
    checkedBy: 'both',
  },
});
