import { defineRules } from './rule.ts';

/** Rules of `src/message/` and of the secret tree in `src/schedule/`. In the order in which `openMessage` checks them. */
export const messageRules = defineRules({
  'message/same-epoch': {
    says: 'A message opens only with the keys of its group and epoch.',
    checkedBy: 'client',
  },
  'message/header-length': {
    says: 'The masked header has 8 bytes, the ciphertext at least 16.',
    checkedBy: 'client',
  },
  'message/leaf-in-tree': { says: 'The header names a leaf that is not blank.', checkedBy: 'client' },
  'message/leaf-proof-matches': {
    says: 'In leaf-proof mode the leaf that signed the frame is the leaf in the encrypted header.',
    checkedBy: 'client',
    attack: 'F13',
  },
  'message/sender-joined': {
    says: 'A pending leaf does not write: what it sends is discarded.',
    checkedBy: 'client',
    attack: 'F13',
  },
  'message/sender-may-write': {
    says: "The sender's role is at least the mode's minimum, and readers never write.",
    checkedBy: 'client',
    attack: 'F13',
  },
  'message/generation-unused': {
    says: 'A generation opens one message: replays, and messages whose kept key was dropped, are refused.',
    checkedBy: 'client',
    attack: 'F5',
  },
  'message/generation-in-window': {
    says: 'A generation is at most 1,000 ahead of the last one known of its leaf.',
    checkedBy: 'client',
    attack: 'F5',
  },
  'message/decrypts': {
    says: 'The ciphertext opens under the key of its generation, frame nonce and additional data.',
    checkedBy: 'client',
    attack: 'F5',
  },
  'message/padding': {
    says: 'Padding is zeros up to exactly the length that the content implies.',
    checkedBy: 'client',
  },
  'message/content': {
    says: 'The content is canonically encoded, with fields of the right length and text in valid UTF-8.',
    checkedBy: 'client',
    attack: 'F10',
  },
  'message/sender-certified': {
    says: "The sender's current leaf key has a verified identity entry: without one nothing is shown as authentic.",
    checkedBy: 'client',
    attack: 'F1',
  },
  'message/signature': {
    says: "The inner signature verifies under the sender's leaf-bound key, before any key is deleted.",
    checkedBy: 'client',
    attack: 'F5',
  },
  'message/content-size': {
    says: 'Type and content are within their sizes, before sealing.',
    checkedBy: 'client',
  },
});
