/**
 * The client-to-server half of HTTP streaming and SSE: commands for a session, one request each.
 *
 * A session lives exactly as long as its stream. Answers, as the client expects them: 404 makes it give up the
 * stream (another node's session, or the gateway was restarted), 204 is an acceptance, also for a session that
 * just ended, whose stream tells the client so.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Connection } from '../connection.ts';
import type { GatewayContext } from '../context.ts';
import { decodeEmulationRequest } from '../wire/protobuf-codec.ts';
import { refuseRequest } from './http-refusal.ts';
import { PROTOBUF_CONTENT_TYPE } from './http-stream.ts';
import { readBody } from './request-body.ts';

export interface EmulationRequest {
  readonly node: string;
  readonly session: string;
  readonly data: Uint8Array;
}

/** The envelope around the commands: JSON escapes quotes, so it may be larger than the frame inside. */
const ENVELOPE_FACTOR = 2;

export async function serveEmulation(
  context: GatewayContext,
  connectionBySession: ReadonlyMap<string, Connection>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'POST') return refuseRequest(response, 405);
  const body = await readBody(request, context.limits.maxFrameBytes * ENVELOPE_FACTOR);
  if (!body.ok) return body.reason === 'too-large' ? refuseRequest(response, 413) : undefined;
  const isProtobuf = request.headers['content-type'] === PROTOBUF_CONTENT_TYPE;
  const envelope = isProtobuf ? decodeEmulationRequest(body.bytes) : parseEnvelope(body.bytes);
  if (!envelope) return refuseRequest(response, 400);
  if (envelope.data.length > context.limits.maxFrameBytes) return refuseRequest(response, 413);
  if (envelope.node !== context.nodeId) return refuseRequest(response, 404);
  connectionBySession.get(envelope.session)?.receive(envelope.data);
  response.writeHead(204).end();
}

function parseEnvelope(bytes: Buffer): EmulationRequest | undefined {
  let input: unknown;
  try {
    input = JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof input !== 'object' || input === null) return undefined;
  const { node, session, data } = input as Record<string, unknown>;
  if (typeof node !== 'string' || typeof session !== 'string' || typeof data !== 'string') return undefined;
  return { node, session, data: Buffer.from(data) };
}
