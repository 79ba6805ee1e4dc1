/**
 * The secrets that gateways and this server share, as text: Centrifugo's configuration has no other form, and takes the
 * characters of the text for the key. Each has 256 bits, and all follow from the root key, so nothing has to be copied by hand.
 */
import type { SecretPurpose, ServerSecrets } from '../secrets/server-secrets.ts';

/** The HMAC key of connection and subscription tokens. */
export function gatewayTokenSecret(secrets: ServerSecrets): string {
  return textOf(secrets, 'gateway-tokens');
}

/** For Centrifugo's HTTP API, unless the configuration names a file that holds another one. */
export function gatewayApiKey(secrets: ServerSecrets): string {
  return textOf(secrets, 'gateway-api');
}

/** What an operator logs in with to Centrifugo's admin pages, and what signs the logins. */
export function gatewayAdminSecrets(secrets: ServerSecrets): { password: string; secret: string } {
  return {
    password: textOf(secrets, 'gateway-admin-password'),
    secret: textOf(secrets, 'gateway-admin-secret'),
  };
}

/** The octets that sign and verify tokens: those of the text. */
export function tokenKeyOf(tokenSecret: string): Uint8Array {
  return new TextEncoder().encode(tokenSecret);
}

function textOf(secrets: ServerSecrets, purpose: SecretPurpose): string {
  return Buffer.from(secrets.key(purpose)).toString('base64url');
}
