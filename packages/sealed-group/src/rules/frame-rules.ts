import { defineRules } from './rule.ts';

/** Rules of `src/wire/`: what a frame must look like before anything in it is believed. */
export const frameRules = defineRules({
  'frame/size': { says: 'A frame is at most 2 MiB long.', checkedBy: 'both' },
  'frame/decodes': { says: 'Frame, body and trailer decode as protobuf messages.', checkedBy: 'both' },
  'frame/canonical': {
    says: 'Encoding the decoded frame, body and trailer again gives exactly the bytes received: no unknown fields, no other field order, no longer varints, no explicit defaults.',
    checkedBy: 'both',
    attack: 'F10',
  },
  'frame/version': { says: 'Version and suite are the ones this protocol defines.', checkedBy: 'both' },
  'frame/origin': {
    says: 'The origin is 1 to 255 printable ASCII characters without spaces.',
    checkedBy: 'both',
  },
  'frame/content': {
    says: 'A body has exactly one content, and an operation exactly one kind.',
    checkedBy: 'both',
  },
  'frame/length': {
    says: 'Keys, hashes, nonces, signatures, commitments, handles and masked headers have exactly their fixed lengths.',
    checkedBy: 'both',
  },
  'frame/range': {
    says: 'Epochs, times, indices, roles and modes lie in their ranges: safe integers, node indices below 2^21, known roles.',
    checkedBy: 'both',
  },
  'frame/count': {
    says: 'A commit has at most 1,024 sealed nodes, 1,023 adds, 4,096 operations, and one possession proof per add.',
    checkedBy: 'both',
  },
});
