/**
 * Unidirectional server-sent events: a connect *request* (not a command) opens a stream of pushes.
 *
 * Works with `curl` and a browser's bare EventSource. The channels come from the connection token.
 * Source: centrifugal.dev/docs/transports/uni_sse.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseConnectRequest } from '../command-parser.ts';
import type { GatewayContext } from '../context.ts';
import { uniSseJson } from '../wire/formats.ts';
import { readConnectParameter } from './connect-parameter.ts';
import { refuseRequest } from './http-refusal.ts';
import { openStream } from './http-response-transport.ts';

export async function serveUniSse(
  context: GatewayContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const parameter = await readConnectParameter(request, context.limits.maxFrameBytes);
  if (!parameter.ok) return parameter.status && refuseRequest(response, parameter.status);
  const decoded = uniSseJson.codec.decodeCommands(parameter.bytes, 1);
  const parsed = decoded.ok ? parseConnectRequest(decoded.commands[0]) : undefined;
  if (!parsed?.ok) return refuseRequest(response, 400);
  const connection = openStream(context, response, {
    name: 'uni_sse',
    format: uniSseJson,
    contentType: 'text/event-stream; charset=utf-8',
  });
  connection?.receiveCommand(parsed.command);
}
