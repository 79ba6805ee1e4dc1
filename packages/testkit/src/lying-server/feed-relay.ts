/**
 * The live feed through the lying proxy: Centrifugo's JSON protocol over WebSocket, line by line. Publications of group
 * channels are told as the lies have it; everything else passes as it is.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';

export interface FeedFrame {
  readonly seq: number;
  readonly epoch: number | undefined;
  readonly octets: Uint8Array | undefined;
}

export interface FeedRelayDeps {
  /** Of the real server, `ws://…`. */
  readonly target: string;
  /** What `markToken` made: to whom the connection token was issued, and the token as the real server issued it. */
  readonly unmarkToken: (connectionToken: string) => MarkedToken;
  /** What this viewer is told when the real log got this frame: none, one or several publications. */
  readonly tell: (groupId: string, frame: FeedFrame, viewer: string | undefined) => readonly FeedFrame[];
}

export interface MarkedToken {
  readonly token: string;
  readonly viewer: string | undefined;
}

export interface FeedRelay {
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Publishes on every group channel of these connections what the real server never said. */
  forge(frame: FeedFrame, to: ReadonlySet<string> | undefined): void;
  /** Breaks these connections: clients come back by themselves. */
  cut(to: ReadonlySet<string> | undefined): void;
}

/** As the real server: larger frames are announced by their number only. */
const maxAnnouncedFrameBytes = 48 * 1024;

interface Connection {
  readonly near: WebSocket;
  readonly channels: Set<string>;
  viewer: string | undefined;
}

export function createFeedRelay(deps: FeedRelayDeps): FeedRelay {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const connections = new Set<Connection>();
  const isMeant = (connection: Connection, to: ReadonlySet<string> | undefined): boolean =>
    to === undefined || (connection.viewer !== undefined && to.has(connection.viewer));

  function join(near: WebSocket, far: WebSocket): void {
    const connection: Connection = { near, channels: new Set(), viewer: undefined };
    connections.add(connection);
    const waiting: string[] = [];
    near.on('message', (data: Buffer) => {
      const commands = data.toString('utf8').split('\n');
      const text = commands.map((line) => takeCommand(connection, line)).join('\n');
      if (far.readyState === WebSocket.OPEN) far.send(text);
      else waiting.push(text);
    });
    far.on('open', () => {
      for (const text of waiting.splice(0)) far.send(text);
    });
    far.on('message', (data: Buffer) => {
      const lines = data.toString('utf8').split('\n');
      const told = lines.flatMap((line) => retell(connection, line));
      if (told.length > 0 && near.readyState === WebSocket.OPEN) near.send(told.join('\n'));
    });
    const end = (): void => {
      connections.delete(connection);
      near.terminate();
      far.terminate();
    };
    for (const side of [near, far]) {
      side.on('close', end);
      // A broken connection closes, and that is all there is to do.
      side.on('error', end);
    }
  }

  /** What the real server is to get of it. */
  function takeCommand(connection: Connection, line: string): string {
    const command = parse(line);
    if (typeof command?.subscribe?.channel === 'string') connection.channels.add(command.subscribe.channel);
    for (const part of [command?.connect, command?.refresh]) {
      if (typeof part?.token !== 'string') continue;
      const { token, viewer } = deps.unmarkToken(part.token);
      connection.viewer = viewer;
      part.token = token;
      return JSON.stringify(command);
    }
    return line;
  }

  function retell(connection: Connection, line: string): string[] {
    const reply = parse(line);
    const channel = reply?.push?.channel;
    const data = reply?.push?.pub?.data;
    const groupId = typeof channel === 'string' ? groupOf(channel) : undefined;
    if (groupId === undefined || typeof data?.seq !== 'number') return [line];
    const frame: FeedFrame = {
      seq: data.seq,
      epoch: data.epoch,
      octets: typeof data.frame === 'string' ? Buffer.from(data.frame, 'base64') : undefined,
    };
    return deps
      .tell(groupId, frame, connection.viewer)
      .map((told) => JSON.stringify({ push: { channel, pub: { data: dataOf(told) } } }));
  }

  return {
    accept(request, socket, head) {
      const far = new WebSocket(deps.target + (request.url ?? '/'), { perMessageDeflate: false });
      server.handleUpgrade(request, socket, head, (near) => join(near, far));
    },
    forge(frame, to) {
      for (const connection of connections) {
        if (!isMeant(connection, to)) continue;
        for (const channel of connection.channels)
          connection.near.send(JSON.stringify({ push: { channel, pub: { data: dataOf(frame) } } }));
      }
    },
    cut(to) {
      for (const connection of connections) if (isMeant(connection, to)) connection.near.terminate();
    },
  };
}

function dataOf({ seq, epoch, octets }: FeedFrame): object {
  const isSmall = octets !== undefined && octets.length <= maxAnnouncedFrameBytes;
  return { seq, epoch, ...(isSmall ? { frame: Buffer.from(octets).toString('base64') } : {}) };
}

/** `group:ID.EPOCH`. */
function groupOf(channel: string): string | undefined {
  return /^group:([^.]+)\.\d+$/.exec(channel)?.[1];
}

interface Line {
  readonly connect?: { token?: unknown };
  readonly refresh?: { token?: unknown };
  readonly subscribe?: { readonly channel?: string };
  readonly push?: {
    readonly channel?: string;
    readonly pub?: {
      readonly data?: { readonly seq?: number; readonly epoch?: number; readonly frame?: string };
    };
  };
}

/** Undefined for pings (`{}` is one too) and what is no JSON. */
function parse(line: string): Line | undefined {
  try {
    return JSON.parse(line) as Line;
  } catch {
    // An empty line, or another encoding: not ours to judge.
    return undefined;
  }
}
