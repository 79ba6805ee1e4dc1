/** Ids and octets as they stand in paths, headers and JSON: base64url without padding, of an exact length. */
import { ApiError } from '../../errors/api-error.ts';

/** Sixteen bytes. Another length cannot be a group: the answer is that of a group that does not exist. */
const groupIdPattern = /^[A-Za-z0-9_-]{21}[AQgw]$/;

export function isGroupId(text: string): boolean {
  return groupIdPattern.test(text);
}

/** Throws {@link ApiError} `M_INVALID_PARAM` naming `name` unless `text` is base64url of `min` to `max` bytes. */
export function readBase64url(name: string, text: unknown, min: number, max = min): Uint8Array {
  if (typeof text === 'string' && /^[A-Za-z0-9_-]*$/.test(text)) {
    const bytes = Buffer.from(text, 'base64url');
    const isCanonical = bytes.toString('base64url') === text;
    if (isCanonical && bytes.length >= min && bytes.length <= max) return Uint8Array.from(bytes);
  }
  throw new ApiError(
    'M_INVALID_PARAM',
    `${name}: expected base64url of ${min === max ? min : `${min} to ${max}`} bytes`,
  );
}

/** Throws {@link ApiError} `M_INVALID_PARAM` naming `name` unless `text` is a decimal number within the bounds. */
export function readInteger(
  name: string,
  text: unknown,
  bounds: { min: number; max: number; fallback?: number },
): number {
  if (text === undefined && bounds.fallback !== undefined) return bounds.fallback;
  const value = typeof text === 'string' && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= bounds.min && value <= bounds.max) return value;
  throw new ApiError('M_INVALID_PARAM', `${name}: expected an integer from ${bounds.min} to ${bounds.max}`);
}
