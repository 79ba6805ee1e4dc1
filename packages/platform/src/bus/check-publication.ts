import type { BusMessage } from './bus.ts';
import { BusError } from './bus-error.ts';
import { isSubject } from './subject.ts';

/** The longest message id, in UTF-16 units. */
const MAX_MESSAGE_ID_LENGTH = 256;

/** What no bus takes: throws {@link BusError} `BUS_INVALID`. */
export function checkPublication(subject: string, messageId: string): void {
  if (!isSubject(subject)) throw new BusError('BUS_INVALID', 'the subject is not well-formed');
  if (!subject.startsWith('events.')) {
    throw new BusError('BUS_INVALID', 'the subject does not begin with "events."');
  }
  // An id travels as a header on one line.
  if (messageId.length === 0 || messageId.length > MAX_MESSAGE_ID_LENGTH || /[^\x21-\x7e]/.test(messageId)) {
    throw new BusError(
      'BUS_INVALID',
      'the message id is empty, too long, or not printable ASCII without spaces',
    );
  }
}

/** https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACE_PARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** What is handed on for those who watch. What is not well-formed is dropped: it is no reason to refuse a message. */
export type Notes = Pick<BusMessage, 'traceParent' | 'acceptedAtMs'>;

export function notesOf(given: {
  readonly traceParent?: string | null | undefined;
  readonly acceptedAtMs?: number | undefined;
}): Notes {
  const { traceParent, acceptedAtMs } = given;
  return {
    ...(traceParent != null && TRACE_PARENT.test(traceParent) && { traceParent }),
    ...(acceptedAtMs !== undefined &&
      Number.isSafeInteger(acceptedAtMs) &&
      acceptedAtMs > 0 && { acceptedAtMs }),
  };
}

export function tooLarge(maxBytes: number): BusError {
  return new BusError('BUS_TOO_LARGE', `the payload is larger than ${maxBytes} bytes`);
}

export function closedError(): BusError {
  return new BusError('BUS_CLOSED', 'the bus is closed');
}
