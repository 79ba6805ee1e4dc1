/**
 * The address in an invite link. Who reaches the server at `localhost` would make links that lead every other machine to
 * itself; if the same server also answers at an address of this machine in its network, the link gets that one.
 */
import { networkInterfaces } from 'node:os';
import { formatInviteLink, parseInviteLink } from '@conclave/sealed-group';

export interface InviteAddress {
  readonly link: string;
  /** `same`: nothing was changed. `network`: the link names this machine's address. `local`: it works on this machine alone. */
  readonly reach: 'same' | 'network' | 'local';
}

export interface InviteAddressDeps {
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Addresses under which other machines may reach this one, best first. */
  readonly addresses?: () => string[];
}

export async function addressForOthers(link: string, deps: InviteAddressDeps = {}): Promise<InviteAddress> {
  const parsed = parseInviteLink(link);
  if (!parsed.ok || !isLoopback(parsed.value.serverOrigin)) return { link, reach: 'same' };
  const { serverOrigin, transferId, secret } = parsed.value;
  const doFetch = deps.fetch ?? fetch;
  const here = await describe(doFetch, serverOrigin);
  for (const address of (deps.addresses ?? lanAddresses)()) {
    const url = new URL(serverOrigin);
    url.hostname = address;
    if (here === undefined || (await describe(doFetch, url.origin)) !== here) continue;
    return { link: formatInviteLink({ serverOrigin: url.origin, transferId, secret }), reach: 'network' };
  }
  return { link, reach: 'local' };
}

function isLoopback(origin: string): boolean {
  const { hostname } = new URL(origin);
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}

function lanAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)
    .filter((address) => !address.startsWith('169.254.'));
}

/** What the server signs challenges for; undefined when nobody answers there as a Conclave server. */
async function describe(
  doFetch: NonNullable<InviteAddressDeps['fetch']>,
  server: string,
): Promise<string | undefined> {
  try {
    const response = await doFetch(`${server}/_conclave/sealed/v1`, { signal: AbortSignal.timeout(1_500) });
    const { origin } = (await response.json()) as { origin?: unknown };
    return typeof origin === 'string' ? origin : undefined;
  } catch {
    // Not reachable there, or something else listens: then it is no address for a link.
    return undefined;
  }
}
