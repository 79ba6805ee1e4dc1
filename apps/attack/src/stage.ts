/** Where attacks are carried out: a real server, honest people in processes of their own, and what is noted of all that happens. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GroupMode, Role } from '@conclave/sealed-group';
import { defaultMode, startServerProcess, TestMember } from '@conclave/testkit';
import type { ServerAnswer, ServerProcess } from '@conclave/testkit';
import type { Outcome } from './attack.ts';
import { openDatabaseView } from './database-view.ts';
import type { DatabaseView } from './database-view.ts';
import { HonestProcess, patienceMs } from './honest/honest-process.ts';
import type { View } from './honest/honest-main.ts';
import { Mallory } from './mallory/mallory.ts';

/** What the server calls itself in frames. */
export const serverName = 'conclave.test';

export interface Stage extends AsyncDisposable {
  readonly server: ServerProcess;
  readonly url: string;
  readonly folder: string;
  readonly dataDirectory: string;
  readonly accessToken: string;
  readonly database: DatabaseView;
  /** Ada and Bo. */
  readonly people: readonly HonestProcess[];
  /** Every attack that was carried out. */
  readonly outcomes: Outcome[];
  readonly arenas: Arena[];
  /** SHA-256 of the frames that must be nowhere when all is over. */
  readonly badFrames: Set<string>;
  readonly say: (line: string) => void;
}

/** A group with honest and malicious members. */
export interface Arena {
  readonly name: string;
  readonly groupId: string;
  /** Its founder, an owner, is malicious. */
  readonly founder: Mallory;
  readonly people: readonly HonestProcess[];
}

export async function openStage(options: {
  readonly folder: string;
  readonly say: (line: string) => void;
}): Promise<Stage> {
  const { folder, say } = options;
  const dataDirectory = join(folder, 'server');
  const server = await startServerProcess({
    dataDirectory,
    flags: { ...attackedServerFlags, serverName },
  });
  const people: HonestProcess[] = [];
  try {
    const accessToken = await registerAccount(server.url, 'mallory');
    for (const name of ['Ada', 'Bo']) {
      people.push(await HonestProcess.start({ name, folder: join(folder, name), server: server.url }));
    }
    const database = openDatabaseView(dataDirectory);
    return {
      server,
      url: server.url,
      folder,
      dataDirectory,
      accessToken,
      database,
      people,
      outcomes: [],
      arenas: [],
      badFrames: new Set(),
      say,
      async [Symbol.asyncDispose]() {
        database[Symbol.dispose]();
        await Promise.all(people.map((person) => person[Symbol.asyncDispose]()));
        await server[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await Promise.all(people.map((person) => person[Symbol.asyncDispose]()));
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Bodies that arrive slowly are cut off sooner than by default, so that a run need not wait half a minute for it. */
const attackedServerFlags = {
  'accounts.registration': 'open',
  'listen.requestTimeoutMs': '3000',
  'sealedGroups.maxPerAccount': '1000',
};

/** A group founded by Mallory; honest people come by invite links, as they always do. */
export async function openArena(
  stage: Stage,
  name: string,
  options: {
    readonly mode?: Partial<GroupMode>;
    readonly people?: readonly (readonly [HonestProcess, Role])[];
    /** What honest people take for the server: a proxy before it. */
    readonly via?: string;
  } = {},
): Promise<Arena> {
  const { url, accessToken } = stage;
  const founder = new Mallory(
    await TestMember.create({
      url,
      name: `Mallory of ${name}`,
      accessToken,
      origin: serverName,
      mode: { ...defaultMode, ...options.mode },
    }),
  );
  const groupId = founder.member.groupId;
  const [ada, bo] = stage.people;
  const people = options.people ?? [
    [ada!, 'owner'],
    [bo!, 'member'],
  ];
  for (const [person, role] of people) {
    await person.call('join', await founder.inviteLink(role, options.via));
    await founder.member.sync();
  }
  const arena: Arena = { name, groupId, founder, people: people.map(([person]) => person) };
  await settled(arena);
  stage.arenas.push(arena);
  return arena;
}

/** Everybody is in the epoch that the log has reached, with the same keys. */
export async function settled({ groupId, founder, people }: Arena): Promise<boolean> {
  await founder.member.sync();
  const { epoch } = founder.member.group;
  const reached = await Promise.all(
    people.map((person) => person.call('waitForEpoch', { group: groupId, epoch, timeoutMs: patienceMs })),
  );
  const views = await viewsOf(founder.member.groupId, people);
  return reached.every(Boolean) && new Set(views.map(({ fingerprint }) => fingerprint)).size <= 1;
}

export function viewsOf(groupId: string, people: readonly HonestProcess[]): Promise<View[]> {
  return Promise.all(people.map((person) => person.view(groupId)));
}

/** The founder says something and everybody hears it: what is wrong, or nothing. Until then the honest may still see a change. */
export async function founderSays(
  { groupId, founder, people }: Arena,
  text: string,
): Promise<string | undefined> {
  const answer = await patiently(() => founder.member.say(text));
  if (answer.status !== 200) return `answered ${answer.status}`;
  const hears = people.map((person) =>
    person.call('waitForText', { group: groupId, text, timeoutMs: patienceMs }),
  );
  return (await Promise.all(hears)).every(Boolean) ? undefined : 'not everybody hears it';
}

/** A message of each honest member reaches all the others. */
export async function stillTalk({ groupId, people }: Arena, occasion: string): Promise<string[]> {
  const faults: string[] = [];
  for (const speaker of people) {
    const text = `${speaker.name} after ${occasion}`;
    await speaker.call('say', { group: groupId, text });
    for (const listener of people) {
      if (!(await listener.call('waitForText', { group: groupId, text, timeoutMs: patienceMs }))) {
        faults.push(`${listener.name} does not hear ${speaker.name}`);
      }
    }
  }
  return faults;
}

/** Posts again while the server says to wait: budgets of leaves, and limits of a busy server, are not what is attacked. */
export async function patiently(post: () => Promise<ServerAnswer>): Promise<ServerAnswer> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const answer = await post();
    const mustWait = answer.status === 429 || answer.status === 503;
    if (!mustWait || Date.now() > deadline) return answer;
    await sleep(Math.max(20, Math.min(answer.body.retry_after_ms ?? 100, 5_000)));
  }
}

export async function registerAccount(url: string, username: string): Promise<string> {
  const response = await fetch(`${url}/_matrix/client/v3/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password: passwordOf(username), auth: { type: 'm.login.dummy' } }),
  });
  const body = (await response.json()) as { readonly access_token?: string };
  if (body.access_token === undefined) throw new Error(`registering was answered with ${response.status}`);
  return body.access_token;
}

/** Long, so that looking for it in a log finds no accident. */
export function passwordOf(username: string): string {
  return `password-${createHash('sha256').update(username).digest('hex')}`;
}
