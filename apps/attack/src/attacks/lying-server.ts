/**
 * A server that lies about its log: a proxy before the real one withholds, swaps, rewrites, rolls back and forks frames, and
 * forges the live feed. It cannot forge what members accept; what it does to the order honest clients must notice and say.
 * Every lie has a group and a proxy of its own; the same conversation through a proxy that does not lie is the control.
 */
import { systemRandom } from '@conclave/platform';
import type { Warning } from '@conclave/sdk';
import { startLyingServer } from '@conclave/testkit';
import type { LyingServer } from '@conclave/testkit';
import { patienceMs } from '../honest/honest-process.ts';
import type { HonestProcess } from '../honest/honest-process.ts';
import { openArena, stillTalk } from '../stage.ts';
import type { Arena, Stage } from '../stage.ts';

const part = 'a lying server';

interface Scene {
  readonly arena: Arena;
  readonly lying: LyingServer;
  readonly ada: HonestProcess;
  readonly bo: HonestProcess;
  /** Says it and waits until the speaker and these others have it. */
  readonly say: (speaker: HonestProcess, text: string, ...hearers: readonly HonestProcess[]) => Promise<void>;
  /** The number of the newest frame. */
  readonly lastSeq: () => Promise<number>;
}

interface Lie {
  readonly name: string;
  readonly tell: (scene: Scene) => Promise<void>;
  /** Who must notice. */
  readonly noticed: readonly ('Ada' | 'Bo')[];
}

const lies: readonly Lie[] = [
  {
    name: 'a message is withheld from Bo',
    noticed: ['Bo'],
    async tell({ lying, lastSeq, say, ada, bo }) {
      lying.withhold([(await lastSeq()) + 1], { to: ['Bo'] });
      await say(ada, 'Bo shall not read this');
      await say(ada, 'but this', bo);
    },
  },
  {
    name: 'a message is withheld from Bo, and its place left empty',
    noticed: ['Bo'],
    async tell({ lying, lastSeq, say, ada }) {
      lying.withhold([(await lastSeq()) + 1], { to: ['Bo'], leaveHole: true });
      await say(ada, 'Bo shall not read this');
      await say(ada, 'nor perhaps this');
      lying.cutFeed();
    },
  },
  {
    name: 'two messages are shown to Bo in another order',
    noticed: ['Bo'],
    async tell({ lying, lastSeq, say, ada, bo }) {
      const next = (await lastSeq()) + 1;
      lying.swap(next, next + 1, { to: ['Bo'] });
      await say(ada, 'first');
      await say(ada, 'second');
      await say(ada, 'third', bo);
    },
  },
  {
    name: 'the log is rolled back',
    noticed: ['Ada', 'Bo'],
    async tell({ lying, lastSeq, say, ada, bo }) {
      await say(ada, 'this was said', bo);
      lying.rollBack((await lastSeq()) - 1);
      lying.cutFeed();
    },
  },
  {
    name: 'a message that Bo has read is replaced by another',
    noticed: ['Bo'],
    async tell({ arena, lying, lastSeq, say, ada, bo }) {
      await say(ada, 'this was said', bo);
      lying.replace(await lastSeq(), arena.founder.message(), { to: ['Bo'] });
      lying.cutFeed({ to: ['Bo'] });
    },
  },
  {
    name: 'Ada and Bo are shown two logs, and then one',
    noticed: ['Ada', 'Bo'],
    async tell({ lying, lastSeq, say, ada, bo }) {
      const takeBack = lying.fork(await lastSeq(), [['Ada'], ['Bo']]);
      await say(ada, 'in one world');
      await say(bo, 'in another');
      await say(ada, 'still in the one');
      takeBack();
      lying.cutFeed();
    },
  },
  {
    name: 'the feed tells of a message that is not in the log',
    noticed: ['Bo'],
    async tell({ arena, lying, lastSeq, say, ada, bo }) {
      // By a member that is in league with the server: what nobody vouches for, clients do not even look at.
      const { member } = arena.founder;
      const seq = (await lastSeq()) + 1;
      const text = 'only Bo shall hear this';
      const octets = member.prepareText(text).frame;
      // Until Bo listens: whoever is not connected is told nothing.
      for (let tries = 0; tries < 100; tries++) {
        lying.forgeFeed({ seq, octets }, { to: ['Bo'] });
        if (await bo.call('waitForText', { group: arena.groupId, text, timeoutMs: 200 })) break;
      }
      await say(ada, 'this stands in its place');
      lying.cutFeed({ to: ['Bo'] });
    },
  },
];

/** Lies that honest clients need not even report: they do not believe them, and go on. */
async function tellNoise(stage: Stage, control: readonly string[]): Promise<void> {
  await using lying = await startLyingServer({ target: stage.url });
  const scene = await openScene(stage, lying, 'noise on the feed');
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
  const faults = await tellNoLies(stage);
  await Promise.all([
    tellNoise(stage, faults),
    ...lies.map(({ name, tell, noticed }) => tellOne(stage, name, tell, noticed, faults)),
  ]);
}

async function openScene(stage: Stage, lying: LyingServer, name: string): Promise<Scene> {
  const arena = await openArena(stage, name, { via: lying.url });
  const [ada, bo] = arena.people as [HonestProcess, HonestProcess];
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
  const scene = await openScene(stage, lying, 'no lies');
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
  name: string,
  tell: Lie['tell'],
  noticed: Lie['noticed'],
  control: readonly string[],
): Promise<void> {
  await using lying = await startLyingServer({ target: stage.url });
  const scene = await openScene(stage, lying, name);
  const faults: string[] = [];
  const seen: string[] = [];
  await tell(scene);
  for (const person of scene.arena.people.filter((one) => noticed.some((who) => who === one.name))) {
    const evidence = await evidenceOf(person, scene.arena.groupId);
    seen.push(`${person.name}: ${evidence ?? 'nothing'}`);
    if (evidence === undefined) {
      const warnings = await person.call('warnings', scene.arena.groupId);
      faults.push(`${person.name} does not notice (${JSON.stringify(warnings)})`);
    }
  }
  stage.outcomes.push({
    part,
    name,
    target: 'surface/log',
    mark: undefined,
    expected: `noticed by ${noticed.join(' and ')}`,
    observed: seen.join(', '),
    faults: [...faults, ...control],
    isControlled: control.length === 0,
  });
}

/** What the person's client says of the server, as soon as it does. */
async function evidenceOf(person: HonestProcess, group: string): Promise<string | undefined> {
  const deadline = Date.now() + patienceMs;
  while (Date.now() < deadline) {
    const warnings = await person.call('warnings', group);
    const found = warnings.find(isAboutServer);
    if (found !== undefined) return found.evidence;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return undefined;
}

function isAboutServer(warning: Warning): warning is Extract<Warning, { kind: 'server-misbehaviour' }> {
  return warning.kind === 'server-misbehaviour';
}
