/** The stable codes of {@link BusError}. */
export type BusErrorCode =
  /** The subject, pattern or message id is not well-formed. Trying again cannot help. */
  | 'BUS_INVALID'
  /** The payload is larger than the bus takes. Trying again cannot help. */
  | 'BUS_TOO_LARGE'
  /** A subscriber is too far behind to take the message in time. Try again later. */
  | 'BUS_FULL'
  /** The bus cannot be reached, or did not acknowledge in time. Try again later. */
  | 'BUS_UNAVAILABLE'
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

/** Whether the same message may be accepted later, so that the failure says nothing against the message. */
export function isTransientBusError(error: unknown): boolean {
  return (
    error instanceof BusError &&
    (error.code === 'BUS_FULL' || error.code === 'BUS_UNAVAILABLE' || error.code === 'BUS_CLOSED')
  );
}
