/**
 * Who is connected, and which channels have subscribers.
 *
 * A channel exists while it has subscribers; its history outlives it (history.ts).
 * Called by: connection.ts, the commands, server-api.ts, gateway.ts.
 */
import type { ChannelSource } from './channel-source.ts';
import { Channel, type Membership } from './channel.ts';
import type { Connection } from './connection.ts';
import type { GatewayMetrics } from './deps.ts';
import type { FlushScheduler } from './flush-scheduler.ts';
import type { History } from './history.ts';
import type { ResolvedNamespace } from './options.ts';
import type { Publication, StreamPosition } from './protocol.ts';

export interface ConnectionFilter {
  /** A subscriber of this channel. */
  readonly channel?: string;
  readonly user?: string;
  readonly client?: string;
}

export class Hub {
  readonly scheduler: FlushScheduler;
  readonly #history: History;
  readonly #source: ChannelSource | undefined;
  readonly #metrics: GatewayMetrics | undefined;
  readonly #channels = new Map<string, Channel<Connection>>();
  readonly #connections = new Map<string, Connection>();
  readonly #connectionsByUser = new Map<string, Set<Connection>>();

  constructor(
    scheduler: FlushScheduler,
    history: History,
    source: ChannelSource | undefined,
    metrics: GatewayMetrics | undefined,
  ) {
    this.scheduler = scheduler;
    this.#history = history;
    this.#source = source;
    this.#metrics = metrics;
  }

  get channels(): ReadonlyMap<string, Channel<Connection>> {
    return this.#channels;
  }

  /** Authenticated connections by client id. */
  get connections(): ReadonlyMap<string, Connection> {
    return this.#connections;
  }

  get userCount(): number {
    return this.#connectionsByUser.size;
  }

  add(connection: Connection): void {
    this.#connections.set(connection.clientId, connection);
    const ofUser = this.#connectionsByUser.get(connection.user);
    if (ofUser) ofUser.add(connection);
    else this.#connectionsByUser.set(connection.user, new Set([connection]));
  }

  remove(connection: Connection): void {
    this.#connections.delete(connection.clientId);
    const ofUser = this.#connectionsByUser.get(connection.user);
    ofUser?.delete(connection);
    if (ofUser?.size === 0) this.#connectionsByUser.delete(connection.user);
  }

  /** A copy: callers disconnect while they iterate. A filter without fields matches every connection. */
  find({ channel, user, client }: ConnectionFilter): Connection[] {
    if (client !== undefined) {
      const connection = this.#connections.get(client);
      return connection && (user === undefined || connection.user === user) ? [connection] : [];
    }
    // Subscribers of groups are all the same anonymous user: of them there are many, in a channel few.
    if (channel !== undefined) {
      const subscribers = [...(this.#channels.get(channel)?.subscribers ?? [])];
      return user === undefined ? subscribers : subscribers.filter((connection) => connection.user === user);
    }
    return [...(user === undefined ? this.#connections.values() : (this.#connectionsByUser.get(user) ?? []))];
  }

  /** The channel's source is held by the caller; from now on {@link leave} releases it. */
  join(connection: Connection, name: string, namespace: ResolvedNamespace, membership: Membership): void {
    let channel = this.#channels.get(name);
    if (!channel) {
      channel = new Channel(name, namespace, this.scheduler);
      this.#channels.set(name, channel);
    }
    if (namespace.keepsHistory) this.#history.pin(name);
    channel.join(connection, membership);
  }

  leave(connection: Connection, name: string): void {
    const channel = this.#channels.get(name);
    if (!channel?.leave(connection)) return;
    if (channel.namespace.keepsHistory) this.#history.unpin(name);
    if (channel.size === 0) this.#channels.delete(name);
    this.#source?.release(name);
  }

  /** The position is set where the namespace keeps history. */
  publish(
    name: string,
    namespace: ResolvedNamespace,
    publication: Publication,
    keep: boolean,
  ): StreamPosition | undefined {
    // With a source a stream begins with its first subscriber: before, this process may have missed publications.
    const known = this.#source === undefined || this.#history.has(name);
    const numbered = namespace.keepsHistory && keep && known;
    const sent = numbered ? this.#history.append(name, namespace, publication) : publication;
    const channel = this.#channels.get(name);
    channel?.publish(sent);
    this.#metrics?.published?.(namespace.name, channel?.size ?? 0);
    return numbered ? this.#history.position(name) : undefined;
  }
}
