/**
 * Who is connected, and which channels have subscribers.
 *
 * A channel exists while it has subscribers; its history outlives it (history.ts).
 * Called by: connection.ts, the commands, server-api.ts, gateway.ts.
 */
import { Channel, type Membership } from './channel.ts';
import type { Connection } from './connection.ts';
import type { GatewayMetrics } from './deps.ts';
import type { FlushScheduler } from './flush-scheduler.ts';
import type { History } from './history.ts';
import type { ResolvedNamespace } from './options.ts';
import type { Publication, StreamPosition } from './protocol.ts';

export interface ConnectionFilter {
  readonly user?: string;
  readonly client?: string;
}

export class Hub {
  readonly scheduler: FlushScheduler;
  readonly #history: History;
  readonly #metrics: GatewayMetrics | undefined;
  readonly #channels = new Map<string, Channel>();
  readonly #connections = new Map<string, Connection>();
  readonly #connectionsByUser = new Map<string, Set<Connection>>();

  constructor(scheduler: FlushScheduler, history: History, metrics: GatewayMetrics | undefined) {
    this.scheduler = scheduler;
    this.#history = history;
    this.#metrics = metrics;
  }

  get channels(): ReadonlyMap<string, Channel> {
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
  find({ user, client }: ConnectionFilter): Connection[] {
    if (client !== undefined) {
      const connection = this.#connections.get(client);
      return connection && (user === undefined || connection.user === user) ? [connection] : [];
    }
    return [...(user === undefined ? this.#connections.values() : (this.#connectionsByUser.get(user) ?? []))];
  }

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
    if (!channel) return;
    channel.leave(connection);
    if (channel.namespace.keepsHistory) this.#history.unpin(name);
    if (channel.size === 0) this.#channels.delete(name);
  }

  /** The position is set where the namespace keeps history. */
  publish(
    name: string,
    namespace: ResolvedNamespace,
    publication: Publication,
    keep: boolean,
  ): StreamPosition | undefined {
    const numbered = namespace.keepsHistory && keep;
    const sent = numbered ? this.#history.append(name, namespace, publication) : publication;
    const channel = this.#channels.get(name);
    channel?.publish(sent);
    this.#metrics?.published?.(namespace.name, channel?.size ?? 0);
    return numbered ? this.#history.position(name) : undefined;
  }
}
