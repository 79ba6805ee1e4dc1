/**
 * Channel names: `<namespace>:<rest>`, printable ASCII, as in Centrifugo.
 */
import { ERROR, type ClientError } from './codes.ts';
import type { GatewayContext } from './context.ts';
import type { ResolvedNamespace } from './options.ts';

const NAME = /^[\x21-\x7e]+$/;

export type CheckedChannel =
  | { readonly ok: true; readonly namespace: ResolvedNamespace }
  | { readonly ok: false; readonly error: ClientError };

export function namespaceName(channel: string): string {
  const colon = channel.indexOf(':');
  return colon === -1 ? '' : channel.slice(0, colon);
}

export function checkChannel(context: GatewayContext, channel: string): CheckedChannel {
  if (channel === '' || channel.length > context.limits.maxChannelLength || !NAME.test(channel)) {
    return { ok: false, error: ERROR.badRequest };
  }
  const namespace = context.namespaceOf(channel);
  return namespace ? { ok: true, namespace } : { ok: false, error: ERROR.unknownChannel };
}
