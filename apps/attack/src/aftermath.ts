/** What is left when all is over: the server lives, kept nothing that it refused, wrote down nobody's business, and starts again. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { base64url } from '@conclave/testkit';
import { openDatabaseView } from './database-view.ts';
import { atMost, exactly, measured } from './report.ts';
import type { Metric } from './report.ts';
import { readServerHealth } from './server-health.ts';
import { passwordOf, stillTalk } from './stage.ts';
import type { Stage } from './stage.ts';

const maxResidentMiB = 1_024;
const maxLagMs = 1_000;

export async function lookAround(stage: Stage): Promise<Metric[]> {
  const { server, say } = stage;
  const health = await readServerHealth(server);
  const metrics = [
    exactly('after all: the server lives', health.isReady ? 1 : 0, 1, 'server'),
    atMost('after all: memory of the server', health.residentMiB, maxResidentMiB, 'MiB'),
    atMost('after all: longest delay of its event loop', health.maxLagMs, maxLagMs, 'ms'),
    exactly('after all: what could not be published', health.outboxParked, 0, 'rows'),
    measured('frames that were refused', stage.badFrames.size, 'frames'),
    exactly(
      'frames that were refused and are stored',
      stage.database.countFrames(stage.badFrames),
      0,
      'frames',
    ),
  ];

  const exitCode = await server.stop();
  metrics.push(exactly('after all: exit code of the server', exitCode ?? -1, 0, 'code'));
  {
    using database = openDatabaseView(stage.dataDirectory);
    const { integrity, outbox, parked } = database.health();
    metrics.push(
      exactly('after all: the database is whole', integrity === 'ok' ? 1 : 0, 1, 'database'),
      exactly('after all: rows that wait to be published', outbox + parked, 0, 'rows'),
      exactly('after all: groups that do not add up', database.brokenGroups(), 0, 'groups'),
    );
  }
  const leaks = await findLeaks(stage);
  for (const leak of leaks) say(`leak: ${leak}`);
  metrics.push(exactly('secrets and ids in what the server printed', leaks.length, 0, 'words'));

  await server.restart();
  const faults: string[] = [];
  const arenas = stage.arenas.filter(({ people, name }) => people.length > 0 && talks.has(name));
  for (const arena of arenas) faults.push(...(await stillTalk(arena, 'the restart')));
  for (const fault of faults) say(`after the restart: ${fault}`);
  metrics.push(
    exactly(
      'after the restart: groups whose members talk',
      arenas.length - faults.length,
      talks.size,
      'groups',
    ),
  );
  return metrics;
}

/** Groups whose members are as they were: in others somebody cheated, was removed, or was lied to by a proxy that is gone. */
const talks: ReadonlySet<string> = new Set(['the open group', 'the group of roles', 'the group of pairs']);

/** Everything that identifies or opens something, as text: in what the server printed it has no place. */
async function findLeaks(stage: Stage): Promise<string[]> {
  const words = new Map<string, string>();
  for (const { groupId, founder } of stage.arenas) {
    words.set(groupId, 'a group id');
    words.set(Buffer.from(groupId, 'base64url').toString('hex'), 'a group id in hexadecimal');
    const { readToken } = founder.member;
    if (readToken !== undefined) words.set(readToken, 'a read token');
    words.set(base64url(founder.leafSecret), 'a leaf secret');
  }
  words.set(stage.accessToken, 'an access token');
  words.set(passwordOf('mallory'), 'a password');
  words.set('127.0.0.1:', 'an address of a client');
  words.set('still here', 'a message');
  // The server says at its start where it listens, and nothing else may name an address.
  const printed = stage.server.output.replaceAll(/^.*(?:listening|Metrics and readiness).*$/gim, '');
  const found = [...words]
    .filter(([word]) => printed.includes(word))
    .map(([, what]) => `${what} in the output`);
  // Nor do messages lie in its files: they are sealed.
  for (const entry of await readdir(stage.dataDirectory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const octets = await readFile(join(entry.parentPath, entry.name));
    for (const word of ['still here', passwordOf('mallory'), stage.accessToken]) {
      if (octets.includes(word)) found.push(`${words.get(word)} in ${entry.name}`);
    }
  }
  return found;
}
