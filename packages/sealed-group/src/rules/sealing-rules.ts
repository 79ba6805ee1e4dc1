import { defineRules } from './rule.ts';

/** Rules of `src/sealing/`. */
export const sealingRules = defineRules({
  'sealing/node-limit': {
    says: 'A frame seals at most 1,024 node secrets.',
    checkedBy: 'both',
    attack: 'F3',
  },
  'sealing/shape': {
    says: 'A sealed secret has 16 commitments and, for each of its one or more recipients, 16 handles.',
    checkedBy: 'both',
  },
  'sealing/statement-encoding': {
    says: 'Keys, commitments and handles are canonical encodings of points other than the identity.',
    checkedBy: 'both',
    attack: 'F7',
  },
  'sealing/proof-length': {
    says: 'A proof has exactly the length that its numbers of nodes and recipients imply; without nodes it is empty.',
    checkedBy: 'both',
  },
  'sealing/proof-encoding': {
    says: 'Points of a proof are canonical and not the identity; its scalars are below the group order.',
    checkedBy: 'both',
    attack: 'F7',
  },
  'sealing/response-bounds': {
    says: 'Every shortness response z lies in [S, Z).',
    checkedBy: 'both',
    attack: 'F3',
  },
  'sealing/key-consistency': {
    says: 'The sealed digits of every node add up to the secret of the key that the node publishes.',
    checkedBy: 'both',
  },
  'sealing/handle-consistency': {
    says: 'All handles of a digit use the randomness of its commitment, so that every recipient opens the same digits.',
    checkedBy: 'both',
  },
  'sealing/shortness': {
    says: 'Every sealed digit is short enough for a recipient to find.',
    checkedBy: 'both',
    attack: 'F10',
  },
  'sealing/digit-in-table': {
    says: 'Honestly sealed digits lie in [0, 2^16); others need a slow search.',
    checkedBy: 'client',
  },
  'sealing/opens-to-key': {
    says: 'What a recipient opens is the secret of the published key.',
    checkedBy: 'client',
  },
});
