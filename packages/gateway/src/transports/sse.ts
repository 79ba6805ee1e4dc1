/**
 * Bidirectional server-sent events: the connect command in the `cf_connect` parameter of a GET (EventSource can
 * send nothing else) or in the body of a POST.
 *
 * Source: centrifugal.dev/docs/transports/sse.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GatewayContext } from '../context.ts';
import { sseJson } from '../wire/formats.ts';
import { readConnectParameter } from './connect-parameter.ts';
import { refuseRequest } from './http-refusal.ts';
import { openStream } from './http-response-transport.ts';

export async function serveSse(
  context: GatewayContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const parameter = await readConnectParameter(request, context.limits.maxFrameBytes);
  if (!parameter.ok) return parameter.status && refuseRequest(response, parameter.status);
  if (parameter.bytes.length === 0) return refuseRequest(response, 400);
  const connection = openStream(context, response, {
    name: 'sse',
    format: sseJson,
    contentType: 'text/event-stream; charset=utf-8',
  });
  connection?.receive(parameter.bytes);
}
