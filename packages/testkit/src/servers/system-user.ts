/** The user as whom a server runs that refuses to run as root. */
import { readFileSync } from 'node:fs';

export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The first of these users that this machine has; undefined when this process is not root, and so neither needs nor can
 * be somebody else.
 */
export function unprivilegedUser(...names: readonly string[]): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of [...names, 'nobody']) {
    const fields = lines.find((line) => line.startsWith(`${name}:`))?.split(':');
    if (fields !== undefined) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new Error(`this machine has no user that is not root: ${names.join(', ')}, nobody`);
}
