/**
 * Bidirectional HTTP streaming: a POST whose body is the connect command and whose response carries replies.
 *
 * Source: centrifugal.dev/docs/transports/http_stream.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GatewayContext } from '../context.ts';
import { httpStreamJson, httpStreamProtobuf } from '../wire/formats.ts';
import { refuseRequest } from './http-refusal.ts';
import { openStream } from './http-response-transport.ts';
import { readBody } from './request-body.ts';

export const PROTOBUF_CONTENT_TYPE = 'application/octet-stream';

export async function serveHttpStream(
  context: GatewayContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'POST') return refuseRequest(response, 405);
  const body = await readBody(request, context.limits.maxFrameBytes);
  if (!body.ok) return body.reason === 'too-large' ? refuseRequest(response, 413) : undefined;
  if (body.bytes.length === 0) return refuseRequest(response, 400);
  const isProtobuf = request.headers['content-type'] === PROTOBUF_CONTENT_TYPE;
  const connection = openStream(context, response, {
    name: 'http_stream',
    format: isProtobuf ? httpStreamProtobuf : httpStreamJson,
    contentType: isProtobuf ? PROTOBUF_CONTENT_TYPE : 'application/json',
  });
  connection?.receive(body.bytes);
}
