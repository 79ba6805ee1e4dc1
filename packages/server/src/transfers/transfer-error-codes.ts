import type { ErrorTable } from '../errors/error-codes.ts';

export const transferErrorCodes = {
  CONCLAVE_TRANSFER_GONE: {
    statuses: [404],
    meaning: 'The transfer was read before, has expired, or never existed: the server does not tell which.',
    remedy: 'Ask the sender for a new one. If you never read it, somebody or something else did.',
  },
  CONCLAVE_TRANSFER_EMPTY: {
    statuses: [400],
    meaning: 'The body of a transfer to be created is empty.',
    remedy: 'Send at least one octet, as application/octet-stream.',
  },
  CONCLAVE_TRANSFER_QUOTA: {
    statuses: [503],
    meaning: 'The unread transfers together have reached the quota of the server.',
    remedy: 'Try again later; the operator can raise transfers.quotaBytes or transfers.quotaCount.',
  },
} as const satisfies ErrorTable;
