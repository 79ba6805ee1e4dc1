/**
 * Keeps secrets out of log fields by their names, at every level of plain objects and arrays. (pino's own
 * redaction takes exact paths; enough of them to cover these names cost forty times as much per line.)
 */
import { serializeError } from './serialize-error.ts';

/** A name holds a secret if, without case, `-` and `_`, it is or ends with one of these. */
const SECRET_ENDINGS = [
  'authorization',
  'cookie',
  'token',
  'tokens',
  'password',
  'passphrase',
  'secret',
  'secrets',
  'privatekey',
  'secretkey',
  'apikey',
  'macaroon',
  'credential',
  'credentials',
  'invite',
  'inviteurl',
  'invitelink',
];

export const CENSOR = '[redacted]';
/** Names by which a child logger might be bound to a secret. */
export const BOUND_SECRETS: readonly string[] = [
  'authorization',
  'cookie',
  'token',
  'accessToken',
  'refreshToken',
  'readToken',
  'password',
  'secret',
  'privateKey',
  'apiKey',
  'invite',
];

const MAX_DEPTH = 8;

/** A copy of `fields` that may be written. Byte strings become their length, errors their serialised form. */
export function redactFields(fields: Record<string, unknown>): Record<string, unknown> {
  return redactObject(fields, 0);
}

export function isSecretName(name: string): boolean {
  const plain = name.toLowerCase().replaceAll(/[-_]/g, '');
  return SECRET_ENDINGS.some((ending) => plain.endsWith(ending));
}

function redactObject(fields: Record<string, unknown>, depth: number): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const name in fields) {
    const value = fields[name];
    // What is absent is no secret, and knowing that it is absent often explains an error.
    copy[name] =
      value !== undefined && value !== null && isSecretName(name) ? CENSOR : redactValue(value, depth);
  }
  return copy;
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return serializeError(value);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH) return '[too deep]';
  if (Array.isArray(value)) return value.map((item: unknown) => redactValue(item, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    return redactObject(value as Record<string, unknown>, depth + 1);
  }
  // Instances (requests, replies) are the business of their serializers and of their own `toJSON`.
  return value;
}
