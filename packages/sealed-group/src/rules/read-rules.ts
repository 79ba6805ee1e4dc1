import { defineRules } from './rule.ts';

/** Rules of `src/read/`. */
export const readRules = defineRules({
  'read/challenge': {
    says: 'A challenge was made by this server for this origin and group and has not expired; it lives 60 seconds at most.',
    checkedBy: 'server',
    attack: 'F4',
  },
  'read/proof': {
    says: "A reader signs the challenge by the key of a node in the group's current tree.",
    checkedBy: 'server',
    attack: 'F4',
  },
  'read/token': {
    says: 'A read token was made by this server for this origin and group and has not expired.',
    checkedBy: 'server',
  },
  'read/token-epoch': {
    says: 'A read token is not older than the last removal: its epoch is that of the removal or a later one.',
    checkedBy: 'server',
  },
  'read/blob-proof': {
    says: 'Who stores a blob proves knowledge of an epoch key since the last removal, over blob id, size and hash.',
    checkedBy: 'server',
  },
});
