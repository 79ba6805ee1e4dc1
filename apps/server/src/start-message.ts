/** What the start command tells the person who ran it. */
import type { ConclaveServer } from '@conclave/server';

export function describeStart(
  server: Pick<ConclaveServer, 'url' | 'adminUrl' | 'serverName' | 'addresses'>,
  firstAccountToken: string | undefined,
): string {
  const lines = ['', `  Conclave is listening at ${server.url}`, `  Server name: ${server.serverName}`];
  if (server.adminUrl !== undefined)
    lines.push(`  Metrics and readiness: ${server.adminUrl}/metrics, ${server.adminUrl}/ready`);
  if (firstAccountToken !== undefined) {
    lines.push(
      '',
      '  There is no account yet. Creating a group needs one; joining a group does not.',
      `  Registration token for the first account (works once): ${firstAccountToken}`,
    );
  }
  lines.push(
    '',
    '  Next, in another terminal:  ./conclave chat --help',
    '  Invite others to register:  ./conclave admin registration-token create',
  );
  if (server.addresses.every(isLoopback)) {
    lines.push('  Only this machine can connect; --listen.host=0.0.0.0 opens it to the network.');
  }
  lines.push('  Stop with Ctrl-C.', '', '');
  return lines.join('\n');
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}
