/**
 * Junk at a steady rate against one group, while honest people of another, or of the same, talk: how long does a message take from being
 * said to being heard, and how long did it take before?
 *
 *   flooder, 127.0.2.x ──▶ server ◀── Cy, Dee, 127.0.0.1
 *
 * The server has the limits per address that it has by default; flooder and honest people have addresses of their own, as in
 * the world. They share the machine, so the flooder's own work slows them too.
 */
import { join } from 'node:path';
import type { Role } from '@conclave/sealed-group';
import { parseConfig } from '@conclave/server';
import { startServerProcess, TestMember } from '@conclave/testkit';
import { HonestProcess, patienceMs } from '../honest/honest-process.ts';
import { Mallory } from '../mallory/mallory.ts';
import { atMost, exactly, measured } from '../report.ts';
import type { Metric } from '../report.ts';
import { readServerHealth } from '../server-health.ts';
import { registerAccount } from '../stage.ts';
import { floodKinds } from './flood-kinds.ts';
import type { FloodKind } from './flood-kinds.ts';
import { sendFlood } from './flooder.ts';

const floodedName = 'flooded.test';
/** Loopback addresses are a network of their own: the server takes each for somebody else. */
const flooderAddress = (index: number): string => `127.0.${2 + Math.floor(index / 250)}.${1 + (index % 250)}`;
/** A message so often. */
const paceMs = 100;
const maxSlowdown = 3;
/** The machine may have been busy with something else: what the server cannot do it cannot do three times. */
const maxTries = 3;
const maxResidentMiB = 1_024;

export async function runFloods(options: {
  readonly folder: string;
  readonly say: (line: string) => void;
  readonly durationMs: number;
}): Promise<Metric[]> {
  const { folder, say, durationMs } = options;
  await using server = await startServerProcess({
    dataDirectory: join(folder, 'flooded-server'),
    flags: { serverName: floodedName, 'accounts.registration': 'open', ...defaultLimits() },
  });
  await using cy = await HonestProcess.start({ name: 'Cy', folder: join(folder, 'Cy'), server: server.url });
  await using dee = await HonestProcess.start({
    name: 'Dee',
    folder: join(folder, 'Dee'),
    server: server.url,
  });
  const accessToken = await registerAccount(server.url, 'mallory');
  const group = await cy.call('create', { accessToken, name: 'Those who only want to talk' });
  const joined = dee.call('join', await cy.call('invite', { group, role: 'member' }));
  await joined;
  await cy.call('waitForEpoch', { group, epoch: 2, timeoutMs: patienceMs });
  const leaves = await floodedGroup(server.url, accessToken);
  const flooded = leaves[0]!.member.groupId;
  for (const person of [cy, dee]) {
    await person.call('join', await leaves[0]!.inviteLink('member'));
    await leaves[0]!.member.sync();
  }
  for (const { member } of leaves) await member.sync();
  const { epoch } = leaves[0]!.member.group;
  for (const person of [cy, dee]) {
    await person.call('waitForEpoch', { group: flooded, epoch, timeoutMs: patienceMs });
  }
  const kinds = floodKinds(leaves);

  // The first messages of a process are slower than all others.
  await conversation(cy, dee, group, 'warming up', durationMs / 2);
  const metrics: Metric[] = [];
  for (const kind of kinds) metrics.push(...(await floodUntilCalm(kind)));
  const health = await readServerHealth(server);
  metrics.push(
    exactly('floods: the flooded server lives', health.isReady ? 1 : 0, 1, 'server'),
    atMost('floods: memory of the server', health.residentMiB, maxResidentMiB, 'MiB'),
    exactly('floods: exit code of the flooded server', (await server.stop()) ?? -1, 0, 'code'),
  );
  return metrics;

  async function floodUntilCalm(kind: FloodKind): Promise<Metric[]> {
    for (let tries = 1; ; tries++) {
      const found = await flood(kind, tries);
      const isSlow = found.some(({ unit, met }) => unit === '×' && met === false);
      const isWrong = found.some(({ unit, met }) => unit !== '×' && met === false);
      if (!isSlow || isWrong || tries === maxTries)
        return [...found, measured(`flood of ${kind.name}: tries`, tries, 'floods')];
    }
  }

  async function flood(kind: FloodKind, tries: number): Promise<Metric[]> {
    // Every line is said once: by its text its hearing is known.
    const occasion = `${kind.name}, ${tries}`;
    const { name, perSecond, addressCount = 1, isAmongThem = false } = kind;
    const shots = kind.makeShots();
    const talkedIn = isAmongThem ? flooded : group;
    // What is normal is asked anew before every flood: the machine may have other things to do.
    const idle = await conversation(cy, dee, talkedIn, `before ${occasion}`, durationMs / 2);
    const before = await readServerHealth(server);
    const startedMs = performance.now();
    const localAddresses = Array.from({ length: addressCount }, (_, index) => flooderAddress(index));
    const order = { url: server.url, localAddresses, perSecond, shots };
    const [result, talk] = await Promise.all([
      sendFlood({ ...order, durationMs: durationMs + 500 }),
      conversation(cy, dee, talkedIn, occasion, durationMs),
    ]);
    const health = await readServerHealth(server);
    const cores = (health.cpuSeconds - before.cpuSeconds) / ((performance.now() - startedMs) / 1_000);
    const answers = Object.entries(result.answers)
      .map(([answer, count]) => `${count} × ${answer}`)
      .join(', ');
    say(
      `flood of ${name}: ${result.perSecond.toFixed(0)}/s of ${perSecond}/s sent (${answers}); ` +
        `idle median ${idle.medianMs.toFixed(1)} ms, p95 ${idle.p95Ms.toFixed(1)} ms; ` +
        `under flood median ${talk.medianMs.toFixed(1)} ms, p95 ${talk.p95Ms.toFixed(1)} ms; ` +
        `the server used ${cores.toFixed(2)} cores, its event loop was at most ${health.maxLagMs.toFixed(0)} ms late`,
    );
    const about = `flood of ${name}`;
    return [
      exactly(`${about}: messages heard`, talk.heard + idle.heard, talk.said + idle.said, 'messages'),
      measured(`${about}: idle median`, idle.medianMs, 'ms'),
      measured(`${about}: idle p95`, idle.p95Ms, 'ms'),
      measured(`${about}: median`, talk.medianMs, 'ms'),
      measured(`${about}: p95`, talk.p95Ms, 'ms'),
      atMost(`${about}: median against idle`, talk.medianMs / idle.medianMs, maxSlowdown, '×'),
      atMost(`${about}: p95 against idle`, talk.p95Ms / idle.p95Ms, maxSlowdown, '×'),
      measured(`${about}: sent`, result.perSecond, 'a second'),
      measured(`${about}: the server’s share of the machine`, cores, 'cores'),
      measured(`${about}: longest delay of the event loop`, health.maxLagMs, 'ms'),
      exactly(`${about}: accepted, or answered as a bug`, wrongAnswers(result.answers), 0, 'answers'),
    ];
  }
}

/** Nothing of a flood is good, and nothing may be answered with 500. Challenges are everybody's for the asking. */
function wrongAnswers(answers: Readonly<Record<string, number>>): number {
  return (answers['500'] ?? 0) + (answers['201'] ?? 0);
}

/** What `startServerProcess` widens, as it is by default. */
function defaultLimits(): Record<string, string> {
  const { rateLimits } = parseConfig({});
  return Object.fromEntries(
    Object.entries(rateLimits).flatMap(([name, { burst, perMinute }]) => [
      [`rateLimits.${name}.burst`, String(burst)],
      [`rateLimits.${name}.perMinute`, String(perMinute)],
    ]),
  );
}

const floodingRoles: readonly Role[] = Array.from({ length: 15 }, (_, index) =>
  index < 3 ? 'admin' : 'member',
);

/** A group of the flooder's own, with leaves that may each commit. */
async function floodedGroup(url: string, accessToken: string): Promise<Mallory[]> {
  const founder = new Mallory(
    await TestMember.create({ url, name: 'Mallory', accessToken, origin: floodedName }),
  );
  const leaves = await founder.member.add(...floodingRoles);
  const members = [founder];
  for (const leaf of leaves) {
    const given = founder.member.invite(leaf);
    members.push(new Mallory(await TestMember.join({ url, name: `leaf ${leaf}` }, given)));
  }
  for (const { member } of members) await member.sync();
  return members;
}

interface Talk {
  readonly said: number;
  readonly heard: number;
  readonly medianMs: number;
  readonly p95Ms: number;
}

async function conversation(
  speaker: HonestProcess,
  listener: HonestProcess,
  group: string,
  occasion: string,
  durationMs: number,
): Promise<Talk> {
  const count = Math.max(5, Math.floor(durationMs / paceMs));
  const said = await speaker.call('chatter', { group, prefix: occasion, count, everyMs: paceMs });
  await listener.call('waitForText', { group, text: said.at(-1)!.text, timeoutMs: patienceMs });
  const heardAt = new Map((await listener.call('heard', group)).map(({ text, atMs }) => [text, atMs]));
  const delays = said
    .flatMap(({ text, atMs }) => {
      const at = heardAt.get(text);
      return at === undefined ? [] : [at - atMs];
    })
    .sort((a, b) => a - b);
  const at = (share: number): number =>
    delays[Math.min(delays.length - 1, Math.floor(share * delays.length))] ?? Number.NaN;
  return { said: said.length, heard: delays.length, medianMs: at(0.5), p95Ms: at(0.95) };
}
