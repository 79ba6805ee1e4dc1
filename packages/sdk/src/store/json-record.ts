/** Records as JSON in the vault; byte strings stand in them as `{"$b": base64url}`. Our own data: a misfit is corruption. */
import { decodeBase64url, encodeBase64url } from '../encoding/base64url.ts';
import { fromUtf8, utf8 } from '../encoding/bytes.ts';
import { ConclaveError } from '../errors/conclave-error.ts';

export interface RecordCodec<T extends object> {
  encode(record: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

/** One codec per kind of record; each kind lies under paths of its own, so what is decoded is what was encoded. */
export function createRecordCodec<T extends object>(): RecordCodec<T> {
  return {
    encode: (record) => utf8(JSON.stringify(record, replacer)),
    decode(bytes) {
      try {
        return JSON.parse(fromUtf8(bytes) ?? '', reviver) as T;
      } catch (error) {
        throw new ConclaveError('STORE_CORRUPT', 'A stored record cannot be read', { cause: error });
      }
    },
  };
}

function replacer(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? { $b: encodeBase64url(value) } : value;
}

function reviver(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('$b' in value) || typeof value.$b !== 'string')
    return value;
  return decodeBase64url(value.$b) ?? value;
}
