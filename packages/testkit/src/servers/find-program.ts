/**
 * Finds the programs of real servers: where `go install` puts them, on PATH, and where Debian puts what is not on it.
 * What `scripts/ensure-servers.sh` installs is found here.
 */
import { accessSync, constants, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The program's path; undefined when there is none that this user may run. */
export function findProgram(name: string): string | undefined {
  for (const folder of programFolders()) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here: the next folder may have it.
    }
  }
  return undefined;
}

/** The name of the first of these programs that is missing. */
export function missingProgram(...names: readonly string[]): string | undefined {
  return names.find((name) => findProgram(name) === undefined);
}

function programFolders(): string[] {
  const goPath = process.env['GOPATH'] ?? join(homedir(), 'go');
  return [
    // First: Debian's nats-server on PATH is too old.
    process.env['GOBIN'] ?? join(goPath, 'bin'),
    ...(process.env['PATH'] ?? '').split(':').filter((folder) => folder !== ''),
    '/usr/sbin',
    '/usr/local/sbin',
    ...postgresFolders(),
  ];
}

/** Debian keeps PostgreSQL's programs off PATH, one folder for each version: the newest first. */
function postgresFolders(): string[] {
  const parent = '/usr/lib/postgresql';
  let versions: string[];
  try {
    versions = readdirSync(parent);
  } catch {
    return [];
  }
  return versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(parent, version, 'bin'));
}
