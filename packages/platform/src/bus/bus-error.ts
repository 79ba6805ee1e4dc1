/** The stable codes of {@link BusError}. */
export type BusErrorCode =
  /** The subject, pattern or message id is not well-formed. Trying again cannot help. */
  | 'BUS_INVALID'
  /** The payload is larger than the bus takes. Trying again cannot help. */
  | 'BUS_TOO_LARGE'
  /** The bus refused the message for a reason of its own, which `cause` tells. */
  | 'BUS_REFUSED'
  /** A subscriber is too far behind to take the message in time, or the bus has no room. Try again later. */
  | 'BUS_FULL'
  /** The bus cannot be reached, or did not acknowledge in time. Try again later. */
  | 'BUS_UNAVAILABLE'
  /** The bus does not accept our credentials, or grants less than we need. An operator has to repair it. */
  | 'BUS_DENIED'
  /** The stream exists and is not the one that this program needs. An operator has to repair it. */
  | 'BUS_STREAM_MISMATCH'
  /** The right to publish is lost, or somebody else has published on the subject. Nothing was accepted. */
  | 'BUS_FENCED'
  /** This side of the bus is closed. */
  | 'BUS_CLOSED';

export class BusError extends Error {
  override readonly name = 'BusError';
  readonly code: BusErrorCode;

  constructor(code: BusErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Those that speak against the message itself. */
const FINAL: readonly BusErrorCode[] = ['BUS_INVALID', 'BUS_TOO_LARGE', 'BUS_REFUSED'];

/** Whether the same message may be accepted later, so that the failure says nothing against the message. */
export function isTransientBusError(error: unknown): boolean {
  return error instanceof BusError && !FINAL.includes(error.code);
}
