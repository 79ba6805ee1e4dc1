import { decodeBase64url, encodeBase64url } from '../../../packages/sdk/src/encoding/base64url.ts';
import { ApiError } from '../../../packages/server/src/errors/api-error.ts';
import {
  isGroupId,
  readBase64url,
  readInteger,
} from '../../../packages/server/src/sealed-groups/routes/path-ids.ts';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';

export const target: FuzzTarget = {
  about: 'ids, octets and numbers in paths, queries and headers; server and client read base64url alike',
  format: 'octets',
  maxBytes: 256,
  runs: 20_000,
  prepare: () => ({
    seeds: ['AAECAwQFBgcICQoLDA0ODw', '9007199254740991', '0', '', 'AA', 'A_-'].map((text) =>
      Buffer.from(text),
    ),
    check(bytes) {
      const text = Buffer.from(bytes).toString('latin1');
      const atServer = answerOf(() => readBase64url('value', text, 0, 64));
      const atClient = decodeBase64url(text);
      if (atClient === undefined || atClient.length <= 64)
        demand(hex(atServer) === hex(atClient), 'server and client read base64url alike');
      if (atServer !== undefined) demand(encodeBase64url(atServer) === text, 'octets have one text');
      if (isGroupId(text)) demand(atServer?.length === 16, 'a group’s id is 16 octets');
      const number = answerOf(() => readInteger('value', text, { min: 0, max: Number.MAX_SAFE_INTEGER }));
      if (number !== undefined)
        demand(Number.isSafeInteger(number) && number >= 0, 'a number is within its bounds');
    },
  }),
};

function hex(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString('hex');
}

/** Undefined where the parser refuses. */
function answerOf<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}
