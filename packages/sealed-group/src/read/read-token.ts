/**
 * The token that a proof of membership buys (§7): short-lived, checked on every request, void from the next removal on,
 * so that who was removed cannot go on reading with an old one. The server keeps nothing.
 */
import { concatBytes } from '@noble/hashes/utils.js';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { uint64 } from '../schedule/index.ts';
import { appendMac, checkMac, readUint64 } from './server-mac.ts';

const fieldsBytes = 8 + 8;

export interface ReadTokenScope {
  /** The server's MAC key. */
  readonly key: Uint8Array;
  readonly origin: string;
  readonly groupId: Uint8Array;
}

export interface ReadTokenContent {
  /** The group's epoch when the token was given. */
  readonly epoch: number;
  readonly expiresAtMs: number;
}

/** 48 bytes: epoch, expiry, MAC. */
export function issueReadToken(scope: ReadTokenScope, content: ReadTokenContent): Uint8Array {
  const fields = concatBytes(uint64(content.epoch), uint64(content.expiresAtMs));
  return appendMac({ ...scope, label: 'read-token', fields });
}

export function checkReadToken(
  scope: ReadTokenScope,
  token: Uint8Array,
  now: { readonly nowMs: number; readonly lastRemovalEpoch: number },
): Result<ReadTokenContent> {
  const fields = checkMac({ ...scope, label: 'read-token' }, token, fieldsBytes);
  if (fields === undefined) return violation('read/token');
  const content: ReadTokenContent = { epoch: readUint64(fields, 0), expiresAtMs: readUint64(fields, 8) };
  if (now.nowMs >= content.expiresAtMs) return violation('read/token');
  if (content.epoch < now.lastRemovalEpoch) return violation('read/token-epoch');
  return accept(content);
}
