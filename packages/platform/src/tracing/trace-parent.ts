/**
 * W3C Trace Context, level 1: the one header that says which trace a piece of work belongs to, and below which span.
 *
 *     00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *     │  └ trace id, 16 octets            └ span id, 8     └ flags, bit 0: sampled
 *     └ version
 *
 * Within the program it travels as this text: in the outbox row, in the message's header, in memory. Work that is not
 * traced has none, so what it costs to pass on is a comparison with `undefined`.
 */
export interface TraceParent {
  /** 32 hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 hexadecimal digits, not all zero. */
  readonly spanId: string;
  readonly isSampled: boolean;
}

const version00 = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
/** Longer than version 00; versions to come may append fields, and nobody needs many. */
const maxLength = 256;
const laterVersion = /^(?!00|ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-[\x20-\x7e]*)?$/;
const zeros = /^0+$/;

/** Undefined for everything that the specification calls invalid. Never throws, whatever `text` is. */
export function parseTraceParent(text: string | undefined): TraceParent | undefined {
  if (text === undefined || text.length > maxLength) return undefined;
  const [, traceId, spanId, flags] = version00.exec(text) ?? laterVersion.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (zeros.test(traceId) || zeros.test(spanId)) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceParent({ traceId, spanId, isSampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}
