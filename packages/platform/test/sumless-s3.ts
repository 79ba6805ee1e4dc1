/**
 * An S3 server that knows no checksums: a real one behind a proxy that leaves every trace of them out of the answers, as older
 * servers do, and can change what it gives back.
 */
import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

export interface SumlessS3 extends AsyncDisposable {
  readonly endpoint: string;
  /** Objects are given back with an octet changed. */
  isDamaging: boolean;
  /** Requests for whole objects so far. */
  readonly reads: number;
}

export async function startSumlessS3(target: string): Promise<SumlessS3> {
  let reads = 0;
  const { hostname, port } = new URL(target);
  const listener = createServer((request, response) => {
    const { method, url, headers } = request;
    const isObject = method === 'GET' && /^\/[^/?]+\/[^?]+/.test(url ?? '');
    if (isObject) reads++;
    const forwarded = send({ hostname, port, method, path: url, headers }, (answer) => {
      void answerWithout(answer, response, isObject && state.isDamaging);
    });
    forwarded.on('error', () => response.destroy());
    request.pipe(forwarded);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const state = {
    endpoint: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    isDamaging: false,
    get reads() {
      return reads;
    },
    async [Symbol.asyncDispose]() {
      listener.closeAllConnections();
      listener.close();
      await once(listener, 'close');
    },
  };
  return state;
}

async function answerWithout(
  answer: IncomingMessage,
  response: ServerResponse,
  isDamaging: boolean,
): Promise<void> {
  const fields = Object.fromEntries(
    Object.entries(answer.headers).filter(([name]) => !/checksum|transfer-encoding/.test(name)),
  );
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  let octets = Buffer.concat(chunks);
  if (String(fields['content-type']).includes('xml')) {
    octets = Buffer.from(octets.toString().replaceAll(/<Checksum\w+>[^<]*<\/Checksum\w+>/g, ''));
    fields['content-length'] = String(octets.length);
  }
  if (isDamaging && octets.length > 0) octets[octets.length - 1]! ^= 1;
  response.writeHead(answer.statusCode ?? 502, fields);
  response.end(octets);
}
