/**
 * The messages of Centrifugo's client protocol (version 2), as the gateway handles them.
 *
 * Field names are those of the protocol's JSON form; the protobuf codec maps to and from them.
 * Source: github.com/centrifugal/protocol, definitions/client.proto.
 */
import type { ClientError, Disconnect, Unsubscribe } from './codes.ts';
import type { JsonPayload } from './json-payload.ts';

export interface StreamPosition {
  readonly offset: number;
  readonly epoch: string;
}

export interface ClientInfo {
  readonly user: string;
  readonly client: string;
  readonly conn_info?: JsonPayload;
  readonly chan_info?: JsonPayload;
}

export interface Publication {
  readonly data: JsonPayload;
  /** Set where the channel's namespace keeps history; the first publication has offset 1. */
  readonly offset?: number;
  readonly tags?: Readonly<Record<string, string>>;
}

// ---- from the client -------------------------------------------------------------------------------------

export interface ConnectRequest {
  readonly token: string;
  /** Positions from which server-side subscriptions are to be recovered. */
  readonly subs: ReadonlyMap<string, RecoverRequest>;
}

export interface RecoverRequest {
  readonly recover: boolean;
  readonly offset: number;
  readonly epoch: string;
}

export interface SubscribeRequest extends RecoverRequest {
  readonly channel: string;
  readonly token: string;
  readonly positioned: boolean;
  readonly recoverable: boolean;
  readonly join_leave: boolean;
  /** 0 is a stream subscription; the others (map, shared poll) are not spoken here. */
  readonly type: number;
  /** Bit 2: answer error 112 instead of `recovered: false`. */
  readonly flag: number;
}

export interface HistoryRequest {
  readonly channel: string;
  /** 0 asks for the position only, a negative number for as many as allowed. */
  readonly limit: number;
  readonly since: StreamPosition | undefined;
  readonly reverse: boolean;
}

export type Command =
  | { readonly method: 'connect'; readonly id: number; readonly request: ConnectRequest }
  | { readonly method: 'subscribe'; readonly id: number; readonly request: SubscribeRequest }
  | { readonly method: 'unsubscribe'; readonly id: number; readonly request: { readonly channel: string } }
  | { readonly method: 'publish'; readonly id: number; readonly request: { readonly channel: string } }
  | { readonly method: 'presence'; readonly id: number; readonly request: { readonly channel: string } }
  | { readonly method: 'presence_stats'; readonly id: number; readonly request: { readonly channel: string } }
  | { readonly method: 'history'; readonly id: number; readonly request: HistoryRequest }
  | { readonly method: 'ping'; readonly id: number }
  | { readonly method: 'send'; readonly id: number }
  | { readonly method: 'rpc'; readonly id: number }
  | { readonly method: 'refresh'; readonly id: number; readonly request: { readonly token: string } }
  | {
      readonly method: 'sub_refresh';
      readonly id: number;
      readonly request: { readonly channel: string; readonly token: string };
    }
  /** The empty command: the answer to a server ping. */
  | { readonly method: 'pong'; readonly id: 0 };

// ---- to the client ---------------------------------------------------------------------------------------

export interface SubscribeResult {
  readonly expires?: true;
  /** Seconds. */
  readonly ttl?: number;
  readonly recoverable?: true;
  readonly positioned?: true;
  readonly epoch?: string;
  readonly offset?: number;
  readonly publications?: readonly Publication[];
  readonly recovered?: true;
  readonly was_recovering?: true;
}

export interface ConnectResult {
  readonly client: string;
  readonly version?: string;
  readonly expires?: true;
  readonly ttl?: number;
  readonly subs?: Readonly<Record<string, SubscribeResult>>;
  /** Seconds between server pings. */
  readonly ping: number;
  readonly pong?: true;
  readonly session?: string;
  readonly node?: string;
}

export interface RefreshResult {
  readonly client?: string;
  readonly version?: string;
  readonly expires?: true;
  readonly ttl?: number;
}

export interface HistoryResult {
  readonly publications: readonly Publication[];
  readonly epoch: string;
  readonly offset: number;
}

export interface PresenceResult {
  readonly presence: Readonly<Record<string, ClientInfo>>;
}

export interface PresenceStatsResult {
  readonly num_clients: number;
  readonly num_users: number;
}

/** The result of one command; exactly one field is set. */
export type ReplyBody =
  | { readonly connect: ConnectResult }
  | { readonly subscribe: SubscribeResult }
  | { readonly unsubscribe: Record<string, never> }
  | { readonly presence: PresenceResult }
  | { readonly presence_stats: PresenceStatsResult }
  | { readonly history: HistoryResult }
  | { readonly ping: Record<string, never> }
  | { readonly refresh: RefreshResult }
  | { readonly sub_refresh: { readonly expires?: true; readonly ttl?: number } };

export type Push =
  | { readonly channel: string; readonly pub: Publication }
  | { readonly channel: string; readonly join: { readonly info: ClientInfo } }
  | { readonly channel: string; readonly leave: { readonly info: ClientInfo } }
  | { readonly channel: string; readonly unsubscribe: Unsubscribe }
  | { readonly channel: string; readonly subscribe: SubscribeResult }
  | { readonly refresh: RefreshResult }
  | { readonly disconnect: Disconnect };

/** The empty reply is a server ping. */
export type Reply =
  | Record<string, never>
  | { readonly id: number; readonly error: ClientError }
  | ({ readonly id: number } & ReplyBody)
  | { readonly push: Push };
