/** From a broken rule of the protocol, found here or by the server, to the SDK's error for it. */
import type { Violation } from '@conclave/sealed-group';
import { ConclaveError } from './conclave-error.ts';

/** A change that this member asked for and that the rules forbid. */
export function notAllowed({ rule, detail }: Violation): ConclaveError {
  return new ConclaveError('NOT_ALLOWED', `The group's rules forbid it (${rule})`, {
    details: { rule, ...(detail === undefined ? {} : { detail }) },
  });
}
