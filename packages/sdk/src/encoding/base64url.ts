/** Base64url without padding (RFC 4648 §5), for ids in paths and fragments of links. */

export function encodeBase64url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** `undefined` when the text is not canonical base64url. */
export function decodeBase64url(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined;
  const bytes = decodeAscii(text.replaceAll('-', '+').replaceAll('_', '/'));
  return bytes !== undefined && encodeBase64url(bytes) === text ? bytes : undefined;
}

export function encodeBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 0x80_00) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 0x80_00)));
  }
  return btoa(parts.join(''));
}

/** Accepts padded standard base64, whatever its unused bits; `undefined` for anything else. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const isPadded = text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
  return isPadded ? decodeAscii(text) : undefined;
}

function decodeAscii(text: string): Uint8Array | undefined {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    // atob's only failure is text that is not base64, which this function reports as a value.
    return undefined;
  }
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
