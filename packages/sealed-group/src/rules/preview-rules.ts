import { defineRules } from './rule.ts';

/** Rules of `src/preview/`: what a newcomer checks before it has the tree. */
export const previewRules = defineRules({
  'preview/form': {
    says: 'Start, openings and pages of a preview are canonically encoded, with fields of the right length and range.',
    checkedBy: 'client',
    attack: 'F10',
  },
  'preview/next-epoch': {
    says: 'An opening is for the epoch after the last one that was opened.',
    checkedBy: 'client',
  },
  'preview/path': {
    says: "The path of the invite's leaf in an opening is complete: a larger tree brings every new ancestor.",
    checkedBy: 'client',
    attack: 'F2',
  },
  'preview/opens': {
    says: "What is sealed to the newcomer opens, without a slow search, to the secrets of the path's keys up to the head.",
    checkedBy: 'client',
    attack: 'F2',
  },
  'preview/confirm': {
    says: "An opening's `confirm` is that of the epoch's keys: it covers tree hash, transcript, mode, epoch and group, and only members can make it.",
    checkedBy: 'client',
    attack: 'F2',
  },
  'preview/ended': {
    says: 'A preview ends with the first opening that fails, so that nobody tries ciphertexts on it.',
    checkedBy: 'client',
    attack: 'F7',
  },
});
