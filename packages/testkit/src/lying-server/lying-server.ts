/**
 * A server that lies: an HTTP and WebSocket proxy before a real server, with switches for what it shows. Frames that are posted
 * go to the real server untouched; pages of `getFrames`, numbers in answers to posts, and the live feed are told as the lies have
 * it, consistently. Without lies it is transparent. For tests of what clients notice, and for attack suites.
 *
 * ```ts
 * await using lying = await startLyingServer({ target: server.url });
 * const ada = await ConclaveClient.open({ server: lying.url, fetch: lying.fetchAs('ada'), … });
 * lying.withhold([5], { to: ['bob'] });   // bob never learns of frame 5, later ones move up
 * lying.rollBack(7);                      // everybody: the log ends after frame 7
 * lying.cutFeed();                        // clients reconnect, and read
 * ```
 *
 * Who is lied to: a *viewer* is known by a header that `fetchAs(name)` adds to requests, and on the feed by a mark on the connection
 * token that it was given (tokens of subscribers are anonymous: those of one second are equal). Clients that cannot set a header are told apart by giving each a proxy of its own (start two before one server).
 * Numbers in lies are those of the real log. Meant for small logs of one group: the whole log is kept in memory.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createFeedRelay, type FeedFrame, type MarkedToken } from './feed-relay.ts';
import { GroupTruth } from './group-truth.ts';
import {
  forking,
  replacing,
  rollingBack,
  showLog,
  swapping,
  withholding,
  type Lie,
  type TrueFrame,
} from './shown-log.ts';

export interface LieOptions {
  /** Only these viewers are lied to; default: everybody. */
  readonly to?: readonly string[];
}

/** Takes the lie back. */
export type TakeBack = () => void;

export interface LyingServer extends AsyncDisposable {
  /** What clients take for the server. */
  readonly url: string;
  /** A `fetch` by which the proxy knows who asks. */
  fetchAs(viewer: string): typeof fetch;

  /** These frames never were; with `leaveHole` later ones keep their numbers. */
  withhold(seqs: readonly number[], options?: LieOptions & { readonly leaveHole?: boolean }): TakeBack;
  /** Two frames in each other's place. */
  swap(first: number, second: number, options?: LieOptions): TakeBack;
  /** The log as it was when this was its last frame. */
  rollBack(lastSeq: number, options?: LieOptions): TakeBack;
  /** Other octets in the place of a frame. */
  replace(seq: number, octets: Uint8Array, options?: LieOptions): TakeBack;
  /** After this frame each side sees only what its own viewers post; messages only (see `forking`). */
  fork(after: number, sides: readonly (readonly string[])[]): TakeBack;
  /** Other octets in the answers of 200 by routes whose path this matches; not for pages of frames, which the lies above tell. */
  rewrite(path: RegExp, change: (octets: Uint8Array) => Uint8Array, options?: LieOptions): TakeBack;
  /** No publications, while the connections stand. */
  muteFeed(options?: LieOptions): TakeBack;
  /** Takes back all lies. */
  beHonest(): void;

  /** One publication on the feed that the real server never made. */
  forgeFeed(frame: { readonly seq: number; readonly octets?: Uint8Array }, options?: LieOptions): void;
  /** Breaks the live connections; clients come back. */
  cutFeed(options?: LieOptions): void;

  /** What the proxy has seen of the real log, by its base64url group id. */
  truth(groupId: string): readonly TrueFrame[];
}

const viewerHeader = 'x-conclave-viewer';
const framesPath = /^\/_conclave\/sealed\/v1\/groups\/([^/]+)\/frames$/;
const subscriptionPath = /^\/_conclave\/sealed\/v1\/groups\/[^/]+\/subscription$/;
/** Those that belong to one connection, and those that are computed anew. */
const ownHeaders = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'transfer-encoding',
  viewerHeader,
]);

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly octets: Uint8Array;
}

interface Rewriting {
  readonly path: RegExp;
  readonly change: (octets: Uint8Array) => Uint8Array;
  readonly to: ReadonlySet<string> | undefined;
}

interface Asked {
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly octets: Uint8Array;
  readonly viewer: string | undefined;
}

export async function startLyingServer({ target }: { readonly target: string }): Promise<LyingServer> {
  const lies = new Set<Lie>();
  const mutes = new Set<{ readonly to: ReadonlySet<string> | undefined }>();
  const rewritings = new Set<Rewriting>();
  const truthById = new Map<string, GroupTruth>();

  const truthOf = (groupId: string): GroupTruth => {
    const known = truthById.get(groupId) ?? new GroupTruth();
    truthById.set(groupId, known);
    return known;
  };
  const isMeant = (to: ReadonlySet<string> | undefined, viewer: string | undefined): boolean =>
    to === undefined || (viewer !== undefined && to.has(viewer));
  const isMuted = (viewer: string | undefined): boolean => [...mutes].some(({ to }) => isMeant(to, viewer));

  const relay = createFeedRelay({
    target: target.replace(/^http/, 'ws'),
    unmarkToken,
    tell(groupId, frame, viewer): FeedFrame[] {
      const truth = truthOf(groupId);
      truth.note(frame);
      const before = showLog(truth.upTo(frame.seq - 1), lies, viewer);
      const shown = showLog(truth.upTo(frame.seq), lies, viewer);
      if (isMuted(viewer)) return [];
      return shown
        .map(({ epoch, octets, isHole }, index) => ({ seq: index + 1, epoch, octets, isHole }))
        .slice(before.length)
        .filter(({ isHole }) => isHole !== true);
    },
  });

  async function forward({ request, url, octets, viewer }: Asked): Promise<Answer> {
    const posted = framesPath.exec(url.pathname);
    if (posted !== null && request.method === 'POST' && viewer !== undefined)
      truthOf(posted[1]!).notePoster(octets, viewer);
    return await ask(request.method ?? 'GET', url, request.headers, octets);
  }

  async function ask(
    method: string,
    url: URL,
    headers: IncomingMessage['headers'],
    octets?: Uint8Array,
  ): Promise<Answer> {
    const passed = Object.entries(headers).flatMap(([name, value]) =>
      ownHeaders.has(name) || value === undefined
        ? []
        : [[name, [value].flat().join(', ')] as [string, string]],
    );
    const hasBody = method !== 'GET' && method !== 'HEAD' && octets !== undefined;
    const answer = await fetch(url, {
      method,
      headers: passed,
      redirect: 'manual',
      ...(hasBody ? { body: Uint8Array.from(octets) } : {}),
    });
    return {
      status: answer.status,
      headers: answer.headers,
      octets: new Uint8Array(await answer.arrayBuffer()),
    };
  }

  /** Reads the real log with the viewer's own token, and shows what the lies leave of it. */
  async function showPage(groupId: string, asked: Asked): Promise<Answer> {
    const truth = truthOf(groupId);
    let answer: Answer;
    for (;;) {
      const page = new URL(asked.url);
      page.search = `?after=${truth.firstUnknown - 1}&limit=500`;
      answer = await ask('GET', page, asked.request.headers);
      if (answer.status !== 200) return answer;
      const { frames } = bodyOf(answer) as LogPage;
      for (const { seq, epoch, frame } of frames)
        truth.note({ seq, epoch, octets: Buffer.from(frame, 'base64') });
      if (frames.length === 0) break;
    }
    const after = Number(asked.url.searchParams.get('after') ?? 0);
    const limit = Number(asked.url.searchParams.get('limit') ?? 100);
    const shown = showLog(truth.upTo(), lies, asked.viewer);
    const frames = shown
      .map(({ epoch, octets, isHole }, index) => ({
        seq: index + 1,
        epoch: epoch ?? 0,
        frame: Buffer.from(octets ?? []).toString('base64'),
        isHole: isHole === true,
      }))
      .slice(after)
      .filter(({ isHole }) => !isHole)
      .map(({ seq, epoch, frame }) => ({ seq, epoch, frame }))
      .slice(0, limit);
    return withBody(answer, { frames, last_seq: shown.length });
  }

  /** An accepted frame has another number in the log that its author is shown. */
  function renumber(groupId: string, { octets, viewer }: Asked, answer: Answer): Answer {
    const body = bodyOf(answer) as { seq: number };
    const truth = truthOf(groupId);
    truth.note({ seq: body.seq, epoch: undefined, octets });
    const shown = showLog(truth.upTo(body.seq), lies, viewer);
    const index = shown.findIndex(({ seq }) => seq === body.seq);
    return withBody(answer, { ...body, seq: (index === -1 ? shown.length : index) + 1 });
  }

  async function answerTo(asked: Asked): Promise<Answer> {
    const { request, url } = asked;
    const groupId = framesPath.exec(url.pathname)?.[1];
    if (groupId !== undefined && request.method === 'GET') return await showPage(groupId, asked);
    const answer = await forward(asked);
    if (answer.status === 200 && subscriptionPath.test(url.pathname) && asked.viewer !== undefined) {
      const body = bodyOf(answer) as { connection_token: string };
      return withBody(answer, { ...body, connection_token: markToken(body.connection_token, asked.viewer) });
    }
    if (groupId !== undefined && answer.status === 200) return renumber(groupId, asked, answer);
    return answer.status === 200 ? rewritten(answer, asked) : answer;
  }

  function rewritten(answer: Answer, { url, viewer }: Asked): Answer {
    let { octets } = answer;
    for (const { path, change, to } of rewritings) {
      if (path.test(url.pathname) && isMeant(to, viewer)) octets = change(octets);
    }
    return { ...answer, octets };
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const viewer = request.headers[viewerHeader];
    const url = new URL(target + (request.url ?? '/'));
    const asked: Asked = {
      request,
      url,
      octets: Buffer.concat(parts),
      viewer: typeof viewer === 'string' ? viewer : undefined,
    };
    const { status, headers, octets } = await answerTo(asked);
    for (const [name, value] of headers) if (!ownHeaders.has(name)) response.setHeader(name, value);
    response.writeHead(status).end(octets);
  }

  const server = createServer((request, response) => {
    // The real server is down, or the client went: to the client it looks like a broken connection, as it would without us.
    serve(request, response).catch(() => response.destroy());
  });
  server.on('upgrade', (request, socket, head) => relay.accept(request, socket, head));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const tell = (lie: Lie['tell'], { to }: LieOptions = {}): TakeBack => {
    const told: Lie = { to: to === undefined ? undefined : new Set(to), tell: lie };
    lies.add(told);
    return () => lies.delete(told);
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fetchAs: (viewer) => (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set(viewerHeader, viewer);
      return fetch(input, { ...init, headers });
    },
    withhold: (seqs, options = {}) => tell(withholding(seqs, options.leaveHole === true), options),
    swap: (first, second, options) => tell(swapping(first, second), options),
    rollBack: (lastSeq, options) => tell(rollingBack(lastSeq), options),
    replace: (seq, octets, options) => tell(replacing(seq, octets), options),
    fork: (after, sides) => tell(forking(after, sides)),
    rewrite(path, change, { to } = {}) {
      const rewriting = { path, change, to: to === undefined ? undefined : new Set(to) };
      rewritings.add(rewriting);
      return () => rewritings.delete(rewriting);
    },
    muteFeed({ to } = {}) {
      const mute = { to: to === undefined ? undefined : new Set(to) };
      mutes.add(mute);
      return () => mutes.delete(mute);
    },
    beHonest() {
      lies.clear();
      mutes.clear();
      rewritings.clear();
    },
    forgeFeed({ seq, octets }, { to } = {}) {
      relay.forge({ seq, epoch: undefined, octets }, to === undefined ? undefined : new Set(to));
    },
    cutFeed({ to } = {}) {
      relay.cut(to === undefined ? undefined : new Set(to));
    },
    truth: (groupId) => truthOf(groupId).upTo(),
    async [Symbol.asyncDispose]() {
      relay.cut(undefined);
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface LogPage {
  readonly frames: readonly { readonly seq: number; readonly epoch: number; readonly frame: string }[];
}

function bodyOf(answer: Answer): unknown {
  return JSON.parse(Buffer.from(answer.octets).toString('utf8'));
}

function withBody(answer: Answer, body: object): Answer {
  return { ...answer, octets: Buffer.from(JSON.stringify(body)) };
}

// A mark is one more part behind the three of a token.

function markToken(token: string, viewer: string): string {
  return `${token}.${Buffer.from(viewer).toString('base64url')}`;
}

function unmarkToken(marked: string): MarkedToken {
  const parts = marked.split('.');
  const [, , , mark] = parts;
  return {
    token: parts.slice(0, 3).join('.'),
    viewer: mark === undefined ? undefined : Buffer.from(mark, 'base64url').toString(),
  };
}
