/** A publication of the live feed, from whoever controls it. Never throws: what comes of it is a hint that the log may be read. */
import { decodeBase64 } from '../encoding/base64url.ts';

/** The log has at least this frame; `frame` is there when it was small, and is not believed (`log-sync.ts`). */
export interface Hint {
  readonly seq: number;
  readonly frame: Uint8Array | undefined;
}

/** `data` is parsed JSON of any shape. A frame that is no base64 is left out, and the hint counts. */
export function parsePublication(data: unknown): Hint | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const { seq, frame } = data as Record<string, unknown>;
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq)) return undefined;
  return { seq, frame: typeof frame === 'string' ? decodeBase64(frame) : undefined };
}
