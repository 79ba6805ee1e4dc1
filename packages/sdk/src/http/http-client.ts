/**
 * The one place where the SDK speaks HTTP. It adds time limits, cancellation, bounded answers and, for requests that
 * may be repeated, retries. Whatever a caller does not pass is not sent: no cookies, no referrer, no cached
 * credentials [F12]; a bearer token goes out only with the request that names it.
 *
 * Errors: `NETWORK`, `TIMED_OUT`, `ABORTED`, `BAD_RESPONSE`, or the server's own `errcode` unchanged.
 */
import type { RandomSource } from '@conclave/ristretto';
import { concatBytes, fromUtf8 } from '../encoding/bytes.ts';
import { abortedError, ConclaveError, isConclaveError, throwIfAborted } from '../errors/conclave-error.ts';
import { sleep, type Clock } from '../time/clock.ts';
import { backoffDelayMs } from './backoff.ts';

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface HttpClientDeps {
  /** `https://chat.example` (a path is allowed, a trailing slash is not needed). */
  readonly server: string;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly fetch?: Fetch;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: { readonly json: unknown } | { readonly octets: Uint8Array };
  /** Sent as `Authorization: Bearer …`. */
  readonly bearer?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** For one try, from the request to the last octet. Default 20 s. */
  readonly timeoutMs?: number;
  /** Tries in all; 1 for a request whose repetition would do something else. Default 4. */
  readonly attempts?: number;
  /** Larger answers are `BAD_RESPONSE`. Default 32 MiB. */
  readonly maxResponseBytes?: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly octets: Uint8Array;
}

export interface HttpClient {
  readonly server: string;
  request(request: HttpRequest): Promise<HttpAnswer>;
  /** The answer as a JSON object. */
  requestJson(request: HttpRequest): Promise<Readonly<Record<string, unknown>>>;
  /** One try; resolves with the headers of a successful answer, whose body the caller reads. */
  open(request: HttpRequest & { readonly stream?: ReadableStream<Uint8Array> }): Promise<Response>;
}

const DEFAULT_TIMEOUT_MS = 20_000;
const DEFAULT_ATTEMPTS = 4;
const MAX_WAIT_MS = 30_000;
const RETRIED_STATUSES = new Set([429, 502, 503, 504]);

export function createHttpClient(deps: HttpClientDeps): HttpClient {
  const { clock, random } = deps;
  const doFetch: Fetch = deps.fetch ?? ((url, init) => fetch(url, init));
  const server = deps.server.replace(/\/+$/, '');

  async function open(
    request: HttpRequest & { readonly stream?: ReadableStream<Uint8Array> },
  ): Promise<Response> {
    const { body, stream } = request;
    const headers = new Headers(request.headers);
    if (request.bearer !== undefined) headers.set('authorization', `Bearer ${request.bearer}`);
    const init: RequestInit & { duplex?: 'half' } = {
      method: request.method,
      headers,
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      cache: 'no-store',
      redirect: 'error',
      signal: request.signal ?? null,
    };
    if (stream !== undefined) {
      headers.set('content-type', 'application/octet-stream');
      init.body = stream;
      init.duplex = 'half';
    } else if (body !== undefined) {
      headers.set('content-type', 'json' in body ? 'application/json' : 'application/octet-stream');
      init.body = 'json' in body ? JSON.stringify(body.json) : body.octets.slice();
    }
    let response: Response;
    try {
      response = await doFetch(server + pathAndQuery(request), init);
    } catch (error) {
      if (request.signal?.aborted === true) throw abortedError(request.signal);
      throw new ConclaveError('NETWORK', 'The server could not be reached', { cause: error });
    }
    if (response.ok) return response;
    throw serverError(response.status, await readBounded(response, 65_536, request.signal), response.headers);
  }

  async function once(request: HttpRequest): Promise<HttpAnswer> {
    const { signal: callerSignal, timeoutMs = DEFAULT_TIMEOUT_MS } = request;
    throwIfAborted(callerSignal);
    const controller = new AbortController();
    const onAbort = (): void => controller.abort(callerSignal?.reason);
    callerSignal?.addEventListener('abort', onAbort, { once: true });
    let timedOut = false;
    using _timer = clock.schedule(timeoutMs, () => {
      timedOut = true;
      controller.abort();
    });
    try {
      const response = await open({ ...request, signal: controller.signal });
      const octets = await readBounded(response, request.maxResponseBytes ?? 2 ** 25, controller.signal);
      return { status: response.status, octets };
    } catch (error) {
      if (callerSignal?.aborted === true) throw abortedError(callerSignal);
      if (timedOut)
        throw new ConclaveError('TIMED_OUT', `No answer within ${timeoutMs} ms`, { cause: error });
      throw error;
    } finally {
      callerSignal?.removeEventListener('abort', onAbort);
    }
  }

  async function request(wanted: HttpRequest): Promise<HttpAnswer> {
    const attempts = wanted.attempts ?? DEFAULT_ATTEMPTS;
    for (let attempt = 0; ; attempt++) {
      try {
        return await once(wanted);
      } catch (error) {
        if (attempt + 1 >= attempts || !isWorthRetrying(error)) throw error;
        const asked = error instanceof ConclaveError ? (error.retryAfterMs ?? 0) : 0;
        if (asked > MAX_WAIT_MS) throw error;
        await sleep(
          clock,
          asked + backoffDelayMs(attempt, { baseMs: 250, maxMs: 8_000 }, random),
          wanted.signal,
        );
      }
    }
  }

  return {
    server,
    open,
    request,
    async requestJson(wanted) {
      const { octets } = await request({ maxResponseBytes: 2 ** 25, ...wanted });
      return parseObject(octets) ?? badResponse('The answer is not a JSON object');
    },
  };
}

function isWorthRetrying(error: unknown): boolean {
  if (isConclaveError(error, 'NETWORK', 'TIMED_OUT')) return true;
  return error instanceof ConclaveError && error.status !== undefined && RETRIED_STATUSES.has(error.status);
}

function pathAndQuery({ path, query = {} }: HttpRequest): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) parameters.set(name, String(value));
  return parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
}

async function readBounded(
  response: Response,
  maxBytes: number,
  signal?: AbortSignal | null,
): Promise<Uint8Array> {
  if (response.body === null) return new Uint8Array();
  const reader = response.body.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return concatBytes(...parts);
      size += value.length;
      if (size > maxBytes) return badResponse(`The answer is larger than ${maxBytes} octets`);
      parts.push(value);
    }
  } catch (error) {
    if (signal?.aborted === true) throw abortedError(signal);
    if (error instanceof ConclaveError) throw error;
    throw new ConclaveError('NETWORK', 'The connection broke during the answer', { cause: error });
  } finally {
    // Frees the connection when the answer was not read to its end; after the end it does nothing.
    reader.cancel().catch(() => undefined);
  }
}

function serverError(status: number, body: Uint8Array, headers: Headers): ConclaveError {
  const { errcode, error, retry_after_ms: retryAfter, ...details } = parseObject(body) ?? {};
  const retryHeader = Number(headers.get('retry-after') ?? Number.NaN) * 1_000;
  const retryAfterMs =
    typeof retryAfter === 'number' ? retryAfter : Number.isFinite(retryHeader) ? retryHeader : undefined;
  const code = typeof errcode === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(errcode) ? errcode : undefined;
  return new ConclaveError(
    code ?? 'BAD_RESPONSE',
    typeof error === 'string' ? error.slice(0, 500) : `The server answered ${status}`,
    { status, details, ...(retryAfterMs === undefined ? {} : { retryAfterMs: Math.max(0, retryAfterMs) }) },
  );
}

function parseObject(octets: Uint8Array): Record<string, unknown> | undefined {
  const text = fromUtf8(octets);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    // Not JSON: a value for the caller, who knows whether it matters.
    return undefined;
  }
}

export function badResponse(message: string): never {
  throw new ConclaveError('BAD_RESPONSE', message);
}

/** Reads typed members of an answer; throws `BAD_RESPONSE` when one has another type. */
export function stringOf(answer: Readonly<Record<string, unknown>>, key: string): string {
  const value = answer[key];
  return typeof value === 'string' ? value : badResponse(`The answer has no text ${key}`);
}

export function numberOf(answer: Readonly<Record<string, unknown>>, key: string): number {
  const value = answer[key];
  return typeof value === 'number' && Number.isSafeInteger(value)
    ? value
    : badResponse(`The answer has no integer ${key}`);
}
