/**
 * Performs the play with real processes and then checks what each of them heard, what the removed member can do with the
 * keys it kept, and what the server's disk gives away.
 *
 *   director ──fork──▶ Adalheid, Bohumila, Cyprienne, Dagmar-Lou, Eberhard   (SDK, a store on disk each)
 *       └────spawn──▶ the server                                              (SQLite; killed half-way)
 */
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { startServerProcess } from '@conclave/testkit';
import type { ServerProcess } from '@conclave/testkit';
import type { Check } from './checks.ts';
import { checkLeaks, checkLoot, checkOrder, checkPart, checkWhole } from './checks.ts';
import { scanBytes, scanFolder } from './leak-scan.ts';
import type { HeardMessage } from './member-main.ts';
import { keyFile, storeFile } from './member-main.ts';
import { MemberProcess } from './member-process.ts';
import { owner, people } from './script.ts';
import type { Person, Step } from './script.ts';
import { tryStolenKeys } from './stolen-keys.ts';

export interface PlayOptions {
  /** Empty; everything of the play lies in it. */
  readonly folder: string;
  readonly steps: readonly Step[];
  readonly say: (line: string) => void;
}

/** What somebody could hear: the lines said while it was a member. */
interface Expectation {
  from: number;
  to: number | undefined;
}

const groupName = 'The players of the demonstration';
const username = 'adalheid-account';

export async function perform({ folder, steps, say }: PlayOptions): Promise<Check[]> {
  const dataDirectory = join(folder, 'server');
  await using server = await startServerProcess({ dataDirectory });
  say(`server: ${server.url}, data in ${dataDirectory}`);
  const players = new Map<Person, MemberProcess>(
    people.map((name) => [name, new MemberProcess({ name, folder: join(folder, name), server: server.url })]),
  );
  const player = (name: Person): MemberProcess => players.get(name)!;
  const present = new Set<Person>();
  const heardBy = new Map<Person, Expectation>();
  const said: string[] = [];
  const copy = join(folder, 'copied-keys');
  let removal: { readonly who: Person; readonly copiedSeq: number; readonly removedSeq: number } | undefined;

  try {
    await player(owner).start();
    await player(owner).call('create', {
      username,
      registrationToken: server.firstAccountToken,
      group: groupName,
    });
    present.add(owner);
    heardBy.set(owner, { from: 0, to: undefined });
    for (const name of people)
      if (name !== owner && !steps.some((step) => step.kind === 'add' && step.who === name)) await add(name);

    let dying: Promise<void> | undefined;
    for (const step of steps) {
      switch (step.kind) {
        case 'say':
          await Promise.all(step.lines.map(({ by, text }) => player(by).call('say', text)));
          for (const { by, text } of step.lines) {
            said.push(text);
            say(`${by.padEnd(11)} ${text}`);
          }
          await dying;
          dying = undefined;
          break;
        case 'kill-server':
          say('— the server is killed (SIGKILL) while two people speak, and started again —');
          dying = killAndRestart(server);
          break;
        case 'add':
          await add(step.who);
          break;
        case 'remove':
          await remove(step.who);
          break;
        case 'leave-the-network':
          say(`— ${step.who} goes offline (its process is killed) —`);
          await player(step.who).kill();
          break;
        case 'return':
          await player(step.who).start();
          say(`— ${step.who} is back —`);
          break;
      }
    }
    return await check();
  } finally {
    await Promise.all([...players.values()].map((member) => member.kill()));
  }

  async function add(name: Person): Promise<void> {
    const link = await player(owner).call('invite', undefined);
    await player(name).start();
    await player(name).call('join', link);
    present.add(name);
    await everybodyKnows();
    heardBy.set(name, { from: said.length, to: undefined });
    say(`— ${name} joined by a link from ${owner} —`);
  }

  async function remove(name: Person): Promise<void> {
    await player(name).call('waitForMessages', said.length - heardBy.get(name)!.from);
    await cp(player(name).folder, copy, { recursive: true, filter: (path) => keepsKeys(path) });
    const copiedSeq = lastSeq(dataDirectory);
    // Said after the copy was made and before the removal: the copied keys must be able to read it, or the attack proves nothing.
    const control = `A last word in the presence of ${name}.`;
    await player(owner).call('say', control);
    said.push(control);
    await player(name).call('waitForMessages', said.length - heardBy.get(name)!.from);
    await player(owner).call('remove', name);
    present.delete(name);
    heardBy.get(name)!.to = said.length;
    await player(name).call('waitForRemoval', undefined);
    await everybodyKnows();
    removal = { who: name, copiedSeq, removedSeq: lastSeq(dataDirectory) };
    say(`— ${name} is removed; it has kept a copy of all its keys —`);
  }

  /** Those online agree on who is a member. */
  async function everybodyKnows(): Promise<void> {
    const names = [...present];
    const online = names.filter((name) => player(name).isRunning);
    await Promise.all(online.map((name) => player(name).call('waitForMembers', names)));
  }

  async function check(): Promise<Check[]> {
    const heard = new Map<Person, HeardMessage[]>();
    for (const [name, { from, to }] of heardBy) {
      const expected = said.slice(from, to);
      await player(name).call('waitForMessages', expected.length);
      heard.set(name, await player(name).heard());
    }
    const checks: Check[] = [];
    for (const [name, { from, to }] of heardBy) {
      const own = heard.get(name)!;
      const expected = said.slice(from, to);
      checks.push(
        expected.length === said.length ? checkWhole(name, own, expected) : checkPart(name, own, expected),
      );
    }
    checks.push(checkOrder(heard));
    if (removal !== undefined) {
      const database = join(dataDirectory, 'conclave.db');
      const before = {
        folder: copy,
        database,
        fromSeq: removal.copiedSeq + 1,
        toSeq: removal.removedSeq - 1,
      };
      const after = { folder: copy, database, fromSeq: removal.removedSeq };
      checks.push(...checkLoot(removal.who, await tryStolenKeys(before), await tryStolenKeys(after)));
    }
    await server.stop();
    const words = [...said, ...people, groupName, ...people.map((name) => `${name}'s machine`)];
    const leaks = [
      ...(await scanFolder(dataDirectory, words)),
      ...scanBytes(Buffer.from(server.output), words, 'output'),
    ];
    checks.push(...checkLeaks(leaks, accountsOf(dataDirectory), `@${username}:conclave.test`));
    return checks;
  }
}

async function killAndRestart(server: ServerProcess): Promise<void> {
  // Long enough for the burst to be on its way, not always long enough for it to be accepted.
  await new Promise((resolve) => setTimeout(resolve, 30));
  await server.kill();
  await new Promise((resolve) => setTimeout(resolve, 300));
  await server.restart();
}

/** The store and its key; not its lock. */
function keepsKeys(path: string): boolean {
  return !path.includes('.') || path.includes(storeFile) || path.endsWith(keyFile);
}

function lastSeq(dataDirectory: string): number {
  const database = new Database(join(dataDirectory, 'conclave.db'), { readonly: true });
  try {
    return (database.prepare('select max(seq) as seq from sealed_frames').get() as { seq: number }).seq;
  } finally {
    database.close();
  }
}

/** Everything in the tables of sealed groups that looks like a user id. */
function accountsOf(dataDirectory: string): string[] {
  const database = new Database(join(dataDirectory, 'conclave.db'), { readonly: true });
  try {
    const tables = database
      .prepare(`select name from sqlite_master where type = 'table' and name like 'sealed_%'`)
      .all() as { name: string }[];
    const found = new Set<string>();
    for (const { name } of tables) {
      for (const row of database.prepare(`select * from "${name}"`).all() as Record<string, unknown>[]) {
        for (const value of Object.values(row)) {
          const text = Buffer.isBuffer(value) ? value.toString('latin1') : String(value);
          for (const [id] of text.matchAll(/@[a-z0-9._=/+-]+:conclave\.test/g)) found.add(id);
        }
      }
    }
    return [...found].sort();
  } finally {
    database.close();
  }
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
