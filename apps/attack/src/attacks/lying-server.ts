/**
 * A server that lies about its log: a proxy before the real one withholds, swaps, rewrites, rolls back and forks frames, and
 * forges the live feed. It cannot forge what members accept; what it does to the order honest clients must notice and say.
 * Every lie has a group and a proxy of its own. Two controls: the same conversation through a proxy that does not lie, of which
 * nobody says anything; and the same lie told to clients without the code that notices (`honest/blindfold.ts`), which do not notice.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemRandom } from '@conclave/platform';
import type { Warning } from '@conclave/sdk';
import { startLyingServer } from '@conclave/testkit';
import type { LyingServer } from '@conclave/testkit';
import { HonestProcess, patienceMs } from '../honest/honest-process.ts';
import { openArena, stillTalk } from '../stage.ts';
import type { Stage } from '../stage.ts';
import type { Lie, Scene } from './lie.ts';
import { liesAboutCommits } from './lies-about-commits.ts';
import { liesAboutMessages } from './lies-about-messages.ts';

const part = 'a lying server';
/** Who is not blind says so within a fraction of this. */
export const blindMs = 3_000;

/** Lies that honest clients need not even report: they do not believe them, and go on. */
async function tellNoise(stage: Stage, control: readonly string[]): Promise<void> {
  await using lying = await startLyingServer({ target: stage.url });
  const scene = await openScene(stage, lying, 'noise on the feed', stage.people);
  const { arena, ada, bo, say, lastSeq } = scene;
  await say(ada, 'before', bo);
  const seq = (await lastSeq()) + 1;
  const noise = [
    arena.founder.message(),
    systemRandom.bytes(300),
    new Uint8Array(0),
    arena.founder.leaveFrame(),
  ];
  for (const octets of noise) {
    for (const number of [seq, seq + 5, 1, Number.MAX_SAFE_INTEGER, -1])
      lying.forgeFeed({ seq: number, octets });
  }
  await say(ada, 'after', bo);
  const faults = await stillTalk(arena, 'noise on the feed');
  for (const person of arena.people) {
    const { messageCount } = await person.view(arena.groupId);
    if (messageCount !== 4) faults.push(`${person.name} has ${messageCount} messages`);
  }
  stage.outcomes.push({
    part,
    name: 'the feed tells of frames that nobody vouches for',
    target: 'surface/log',
    mark: undefined,
    expected: 'not believed',
    observed: faults.length === 0 ? 'not believed' : faults.join(', '),
    faults: [...faults, ...control],
    isControlled: control.length === 0,
  });
}

export async function lie(stage: Stage): Promise<void> {
  const calm = await tellNoLies(stage);
  await using blind = await blindfolded(stage);
  const lies = [...liesAboutMessages, ...liesAboutCommits];
  await Promise.all([tellNoise(stage, calm), ...lies.map((one) => tellOne(stage, one, blind.people, calm))]);
}

/** Ada and Bo again, with the same SDK but for the code that notices lies. */
export async function blindfolded(
  { folder, url }: Stage,
  occasion = 'blind',
): Promise<AsyncDisposable & { readonly people: readonly HonestProcess[] }> {
  const people = await Promise.all(
    ['Ada', 'Bo'].map((name) =>
      HonestProcess.start({ name, folder: join(folder, occasion, name), server: url, isBlindfolded: true }),
    ),
  );
  return {
    people,
    async [Symbol.asyncDispose]() {
      for (const person of people) await person[Symbol.asyncDispose]();
    },
  };
}

async function openScene(
  stage: Stage,
  lying: LyingServer,
  name: string,
  listeners: readonly HonestProcess[],
): Promise<Scene> {
  const [ada, bo] = listeners as [HonestProcess, HonestProcess];
  const people = [
    [ada, 'owner'],
    [bo, 'member'],
  ] as const;
  const arena = await openArena(stage, name, { via: lying.url, people });
  return {
    arena,
    lying,
    ada,
    bo,
    async say(speaker, text, ...hearers) {
      await speaker.call('say', { group: arena.groupId, text });
      for (const person of [speaker, ...hearers]) {
        const argument = { group: arena.groupId, text, timeoutMs: patienceMs };
        if (!(await person.call('waitForText', argument))) throw new Error(`${person.name} hears nothing`);
      }
    },
    async lastSeq() {
      await arena.founder.member.sync();
      return arena.founder.member.group.lastSeq;
    },
  };
}

/** What is wrong with an honest conversation through the proxy: nothing, or no lie says anything. */
async function tellNoLies(stage: Stage): Promise<string[]> {
  await using lying = await startLyingServer({ target: stage.url });
  const scene = await openScene(stage, lying, 'no lies', stage.people);
  const { arena, ada, bo, say } = scene;
  await say(ada, 'an honest word', bo);
  lying.cutFeed();
  await say(bo, 'after a lost connection', ada);
  lying.muteFeed();
  await say(ada, 'while the feed is silent');
  lying.beHonest();
  lying.cutFeed();
  const faults = await stillTalk(arena, 'no lies');
  for (const person of arena.people) {
    const warnings = await person.call('warnings', arena.groupId);
    if (warnings.length > 0) faults.push(`${person.name} was warned of ${JSON.stringify(warnings)}`);
  }
  return faults;
}

async function tellOne(
  stage: Stage,
  { name, tell, noticed }: Lie,
  blind: readonly HonestProcess[],
  calm: readonly string[],
): Promise<void> {
  const [seen, unseen] = await Promise.all([
    tellTo(stage, name, stage.people, async (scene) => {
      await tell(scene);
      return await evidenceOf(scene.arena.groupId, concerned(scene));
    }),
    tellTo(stage, `${name}, in the dark`, blind, async (scene) => {
      await tell(scene);
      await sleep(blindMs);
      return await foundBy(scene.arena.groupId, concerned(scene));
    }),
  ]);
  noteLie(stage, { name, noticed, seen, unseen, calm });

  function concerned({ arena }: Scene): HonestProcess[] {
    return arena.people.filter((one) => noticed.some((who) => who === one.name));
  }
}

async function tellTo(
  stage: Stage,
  name: string,
  people: readonly HonestProcess[],
  act: (scene: Scene) => Promise<Finds>,
): Promise<Finds> {
  await using lying = await startLyingServer({ target: stage.url });
  return await act(await openScene(stage, lying, name, people));
}

/** What each client says of the server, by the person's name; undefined: nothing. */
export type Finds = ReadonlyMap<string, string | undefined>;

export function noteLie(
  stage: Stage,
  lie: {
    readonly name: string;
    readonly noticed: readonly string[];
    readonly seen: Finds;
    /** By clients without the code that notices. */
    readonly unseen: Finds;
    /** What was wrong without any lie. */
    readonly calm: readonly string[];
  },
): void {
  const { name, noticed, seen, unseen, calm } = lie;
  const misses = noticed.filter((who) => seen.get(who) === undefined).map((who) => `${who} does not notice`);
  const controls = [
    ...calm,
    ...[...unseen]
      .filter(([, evidence]) => evidence !== undefined)
      .map(([who, evidence]) => `${who} notices blindfolded (${evidence})`),
  ];
  stage.outcomes.push({
    part,
    name,
    target: 'surface/log',
    mark: undefined,
    expected: `noticed by ${noticed.join(' and ')}, and not blindfolded`,
    observed: [...seen].map(([who, evidence]) => `${who}: ${evidence ?? 'nothing'}`).join(', '),
    faults: [...misses, ...controls],
    isControlled: controls.length === 0,
  });
}

/** What these people's clients say of the server, as soon as all of them do. */
export async function evidenceOf(group: string, people: readonly HonestProcess[]): Promise<Finds> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const finds = await foundBy(group, people);
    if ([...finds.values()].every((evidence) => evidence !== undefined) || Date.now() > deadline)
      return finds;
    await sleep(50);
  }
}

export async function foundBy(group: string, people: readonly HonestProcess[]): Promise<Finds> {
  const finds = new Map<string, string | undefined>();
  for (const person of people) {
    const warnings = await person.call('warnings', group);
    finds.set(person.name, warnings.find(isAboutServer)?.evidence);
  }
  return finds;
}

function isAboutServer(warning: Warning): warning is Extract<Warning, { kind: 'server-misbehaviour' }> {
  return warning.kind === 'server-misbehaviour';
}
