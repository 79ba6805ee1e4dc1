import type { ErrorTable } from '../errors/error-codes.ts';

export const sealedGroupErrorCodes = {
  CONCLAVE_FRAME_MALFORMED: {
    statuses: [400],
    meaning: 'The octets are not a frame in canonical encoding; `rule` names what is wrong (docs/rules.md).',
    remedy: 'A bug in the client that built it.',
  },
  CONCLAVE_FRAME_TOO_LARGE: {
    statuses: [413],
    meaning: 'The frame is larger than 2 MiB.',
    remedy: 'Make several commits; send large content as an attachment.',
  },
  CONCLAVE_NOT_ELIGIBLE: {
    statuses: [403],
    meaning:
      "The frame does not prove that its sender may speak to this group. One answer for an unknown group, another server's group, an unknown or removed leaf, and a false proof.",
    remedy: 'Catch up with the group; if that fails, this device is no longer a member.',
  },
  CONCLAVE_WRONG_EPOCH: {
    statuses: [409],
    meaning:
      'Another commit came first. `epoch` is the current one. Only those who proved membership see this.',
    remedy: 'Process the frames since, then make the change anew with everything fresh.',
  },
  CONCLAVE_FRAME_CONFLICT: {
    statuses: [409],
    meaning: 'A different frame with the same body is stored already.',
    remedy: 'Post exactly the octets posted before, or build a new frame.',
  },
  CONCLAVE_CLOCK_SKEW: {
    statuses: [400],
    meaning:
      "The frame's time is more than five minutes from the server's, or before that of the last commit. `now_ms` is the server's time.",
    remedy: 'Set the clock, or correct for the difference.',
  },
  CONCLAVE_LEAF_WAIT: {
    statuses: [429],
    meaning:
      'This leaf must wait before its next commit, or the epoch is reserved for a removal that lost a race.',
    remedy: 'Post again after `retry_after_ms`.',
  },
  CONCLAVE_REMOVALS_REQUIRED: {
    statuses: [409],
    meaning:
      'The next commit has to carry out outstanding leaves and expired invitations: `leaves` names the leaf indices.',
    remedy: 'Include these removals.',
  },
  CONCLAVE_RULE_BROKEN: {
    statuses: [422],
    meaning: 'The frame is from a member and breaks a rule of the protocol; `rule` names it (docs/rules.md).',
    remedy: 'A bug in the client, or a change that this role may not make.',
  },
  CONCLAVE_GROUP_EXISTS: {
    statuses: [409],
    meaning: 'A group with this id exists already.',
    remedy: 'Choose a new random id.',
  },
  CONCLAVE_GROUP_QUOTA: {
    statuses: [403],
    meaning: 'This account has created as many groups as it may (sealedGroups.maxPerAccount).',
    remedy: 'Ask the operator.',
  },
  CONCLAVE_READ_DENIED: {
    statuses: [403],
    meaning:
      'The challenge, the proof of membership or the read token is missing, false, expired, or from before a removal. One answer for all, and for groups that do not exist.',
    remedy: 'Ask for a challenge and prove membership anew.',
  },
  CONCLAVE_NO_SUCH_EPOCH: {
    statuses: [404],
    meaning: 'The group has not reached this epoch.',
    remedy: 'Ask for the current one.',
  },
  CONCLAVE_HISTORY_GONE: {
    statuses: [410],
    meaning:
      'The tree of this epoch is no longer kept: it was superseded longer ago than sealedGroups.historyRetentionMs.',
    remedy: 'Ask for the current one. An invite of that age has expired: ask for a new one.',
  },
  CONCLAVE_NO_SUCH_LEAF: {
    statuses: [404],
    meaning: 'No leaf stands at this index.',
    remedy: 'Catch up with the group.',
  },
  CONCLAVE_BLOB_EXISTS: {
    statuses: [409],
    meaning: 'A different blob with this id is stored already. (The same one again is answered as stored.)',
    remedy: 'Choose a new random id.',
  },
  CONCLAVE_BLOB_MISMATCH: {
    statuses: [400],
    meaning: 'The octets do not have the size and SHA-256 that the proof is made over. Nothing was kept.',
    remedy: 'Upload again; if it happens again, the client is at fault.',
  },
  CONCLAVE_BLOB_QUOTA: {
    statuses: [413],
    meaning:
      'The blob is larger than sealedGroups.maxBlobBytes, or the group has used its sealedGroups.blobQuotaBytes.',
    remedy: 'Delete attachments, or send a smaller one.',
  },
  CONCLAVE_BLOB_GONE: {
    statuses: [404],
    meaning: 'No blob has this id, or the delete capability is not its own: the server does not tell which.',
    remedy: 'It was deleted, or never uploaded.',
  },
} as const satisfies ErrorTable;
