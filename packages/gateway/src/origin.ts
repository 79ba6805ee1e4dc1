/**
 * Which browser pages may use the gateway.
 *
 * Browsers send an Origin header with every WebSocket handshake and cross-origin request; other programs need
 * not, and need no protection from a page they did not open.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

export type OriginCheck = 'none' | 'same-host' | 'listed' | 'refused';

export function checkOrigin(request: IncomingMessage, allowedOrigins: ReadonlySet<string>): OriginCheck {
  const origin = request.headers.origin?.toLowerCase();
  if (origin === undefined) return 'none';
  const host = URL.canParse(origin) ? new URL(origin).host : '';
  if (host !== '' && host === request.headers.host?.toLowerCase()) return 'same-host';
  return allowedOrigins.has(origin) || allowedOrigins.has('*') ? 'listed' : 'refused';
}

/** What a browser needs to see to give a listed origin's page the response. */
export function setCorsHeaders(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Access-Control-Allow-Origin', request.headers.origin ?? '');
  response.setHeader('Access-Control-Allow-Credentials', 'true');
  response.setHeader('Access-Control-Allow-Methods', 'GET, POST, OPTIONS');
  response.setHeader('Access-Control-Allow-Headers', 'Content-Type');
  response.setHeader('Access-Control-Max-Age', '600');
  response.setHeader('Vary', 'Origin');
}
