/**
 * What an SSE client sends to connect: the `cf_connect` parameter of a GET, or the body of a POST.
 */
import type { IncomingMessage } from 'node:http';
import type { RefusalStatus } from './http-refusal.ts';
import { readBody } from './request-body.ts';

export type ConnectParameter =
  | { readonly ok: true; readonly bytes: Buffer }
  /** Without a status nobody is there to be refused. */
  | { readonly ok: false; readonly status: RefusalStatus | undefined };

export async function readConnectParameter(
  request: IncomingMessage,
  maxBytes: number,
): Promise<ConnectParameter> {
  if (request.method === 'GET') {
    const query = request.url?.split('?', 2)[1] ?? '';
    return { ok: true, bytes: Buffer.from(new URLSearchParams(query).get('cf_connect') ?? '') };
  }
  if (request.method !== 'POST') return { ok: false, status: 405 };
  const body = await readBody(request, maxBytes);
  if (body.ok) return { ok: true, bytes: body.bytes };
  return { ok: false, status: body.reason === 'too-large' ? 413 : undefined };
}
