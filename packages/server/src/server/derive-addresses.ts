/** What follows from the configuration about names and URLs. */
import type { Config } from '../config/config-schema.ts';

/** The configured server name, or the host of the configured URL, or of the listener. Never has a port of its own making. */
export function serverNameOf(config: Pick<Config, 'serverName' | 'publicUrl' | 'listen'>): string {
  if (config.serverName !== null) return config.serverName;
  if (config.publicUrl !== null) return new URL(config.publicUrl).hostname;
  return hostForClients(config.listen.host);
}

/** The origin at which clients on this machine reach the server. @param port the one really bound. */
export function publicUrlOf(config: Pick<Config, 'publicUrl' | 'listen'>, port: number): string {
  return config.publicUrl?.replace(/\/$/, '') ?? `http://${hostForClients(config.listen.host)}:${port}`;
}

/** A wildcard address cannot be connected to; from this machine, localhost can. */
function hostForClients(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
