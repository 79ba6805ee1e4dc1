/** All error tables together: the server's own and each feature's. */
import { sealedGroupErrorCodes } from '../sealed-groups/sealed-group-error-codes.ts';
import { transferErrorCodes } from '../transfers/transfer-error-codes.ts';
import { httpErrorCodes, matrixErrorCodes, type ErrorCodeEntry } from './error-codes.ts';

const sections = [
  { title: 'Matrix codes', codes: matrixErrorCodes },
  { title: 'Every route', codes: httpErrorCodes },
  { title: 'Transfers', codes: transferErrorCodes },
  { title: 'Sealed groups', codes: sealedGroupErrorCodes },
] as const;

export type ErrorCode =
  | keyof typeof matrixErrorCodes
  | keyof typeof httpErrorCodes
  | keyof typeof transferErrorCodes
  | keyof typeof sealedGroupErrorCodes;

/** The tables in the order of docs/errors.md. */
export const errorSections: readonly {
  readonly title: string;
  readonly codes: Readonly<Record<string, ErrorCodeEntry>>;
}[] = sections;

export const errorCodes: Readonly<Record<ErrorCode, ErrorCodeEntry>> = {
  ...matrixErrorCodes,
  ...httpErrorCodes,
  ...transferErrorCodes,
  ...sealedGroupErrorCodes,
};
