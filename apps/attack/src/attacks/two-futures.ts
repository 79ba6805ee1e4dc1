/**
 * A server that is two: from a moment on Ada's and Bo's requests go to two real servers, each with a copy of the other's database,
 * and both let a commit through. The halves have different keys from there on; no proxy could do that, because one server takes
 * one commit of an epoch. It must be noticed as soon as anything of one future shows in the other, and when a copy that has
 * missed a commit takes the place of the server.
 *
 *   Ada ──▶ router ──▶ first server ◀── copied while it was stopped ──▶ second server ◀── proxy ◀── router ◀── Bo
 */
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultMode, startLyingServer, startServerProcess, TestMember } from '@conclave/testkit';
import { patienceMs } from '../honest/honest-process.ts';
import type { HonestProcess } from '../honest/honest-process.ts';
import { Mallory } from '../mallory/mallory.ts';
import { registerAccount, serverName } from '../stage.ts';
import type { Stage } from '../stage.ts';
import { blindfolded, blindMs, evidenceOf, foundBy, noteLie } from './lying-server.ts';
import type { Finds } from './lying-server.ts';

/** What a client takes for the server, and where its octets go. */
interface Router extends AsyncDisposable {
  readonly url: string;
  /** From now on to this server; connections that stand are broken. */
  lead(url: string): void;
}

/** A group on the first server, of a malicious founder, Ada and Bo; all have heard each other. */
interface Half {
  readonly people: readonly [ada: HonestProcess, bo: HonestProcess];
  readonly group: string;
  readonly toAda: Router;
  readonly toBo: Router;
}

export async function splitServer(stage: Stage): Promise<void> {
  const flags = { serverName, 'accounts.registration': 'open' };
  const folders = ['first-future', 'second-future'].map((name) => join(stage.folder, name));
  const [firstFolder, secondFolder] = folders as [string, string];
  await using first = await startServerProcess({ dataDirectory: firstFolder, flags });
  const accessToken = await registerAccount(first.url, 'mallory');
  await using blind = await blindfolded(stage, 'blind-to-futures');
  const open = (people: readonly HonestProcess[]) => openHalf(first.url, accessToken, people);
  const calm: string[] = [];

  const forked = [await open(stage.people), await open(blind.people)] as const;
  const crossed = [await open(stage.people), await open(blind.people)] as const;
  const rolledBack = [await open(stage.people), await open(blind.people)] as const;
  // A server that was away is the control: of that nobody says anything.
  await first.stop();
  await first.restart();
  for (const half of [forked[0], crossed[0], rolledBack[0]]) calm.push(...(await talkCalmly(half)));
  await first.stop();
  await cp(firstFolder, secondFolder, { recursive: true });
  await first.restart();
  await using second = await startServerProcess({ dataDirectory: secondFolder, flags });

  const ends = { first: first.url, second: second.url };
  await Promise.all([
    tell('Ada and Bo commit in two futures, and then are shown one', ['Bo'], forked, forkAndUnite),
    tell('a message of the one future is shown in the other', ['Bo'], crossed, forkAndCross),
    tell(
      'the server is replaced by its own copy from before a commit',
      ['Ada', 'Bo'],
      rolledBack,
      replaceServer,
    ),
  ]);
  for (const { toAda, toBo } of [...forked, ...crossed, ...rolledBack]) {
    await toAda[Symbol.asyncDispose]();
    await toBo[Symbol.asyncDispose]();
  }

  type Act = (
    half: Half,
    ends: { readonly first: string; readonly second: string },
  ) => Promise<AsyncDisposable>;

  async function tell(
    name: string,
    noticed: readonly string[],
    [sighted, unsighted]: readonly [Half, Half],
    act: Act,
  ): Promise<void> {
    const concerned = ({ people }: Half) => people.filter((person) => noticed.includes(person.name));
    const inSight = async (): Promise<Finds> => {
      await using _standing = await act(sighted, ends);
      return await evidenceOf(sighted.group, concerned(sighted));
    };
    const inTheDark = async (): Promise<Finds> => {
      await using _standing = await act(unsighted, ends);
      await sleep(blindMs);
      return await foundBy(unsighted.group, concerned(unsighted));
    };
    const [seen, unseen] = await Promise.all([inSight(), inTheDark()]);
    noteLie(stage, { name, noticed, seen, unseen, calm });
  }
}

/** Each side commits, and speaks with its own keys. */
async function fork({ people: [ada, bo], group, toBo }: Half, boGoesTo: string): Promise<void> {
  toBo.lead(boGoesTo);
  for (const [person, text] of [
    [ada, 'in the one future'],
    [bo, 'in the other'],
  ] as const) {
    await person.call('refresh', group);
    await person.call('say', { group, text });
    await hears(person, group, text);
  }
}

async function forkAndUnite(
  half: Half,
  { first, second }: { first: string; second: string },
): Promise<AsyncDisposable> {
  await fork(half, second);
  half.toBo.lead(first);
  return nothing;
}

async function forkAndCross(
  half: Half,
  { first, second }: { first: string; second: string },
): Promise<AsyncDisposable> {
  const { group, people } = half;
  const lying = await startLyingServer({ target: second });
  // The proxy before the first server only listens: it knows Ada's frames.
  const listening = await startLyingServer({ target: first });
  half.toAda.lead(listening.url);
  await fork(half, lying.url);
  await people[0].call('sync', group);
  await people[1].call('sync', group);
  const crossing = listening.truth(group).at(-1)!.octets!;
  lying.replace(lying.truth(group).length + 1, crossing);
  people[1].call('say', { group, text: 'in the place of which Ada speaks' }).catch(() => undefined);
  return {
    async [Symbol.asyncDispose]() {
      half.toAda.lead(first);
      half.toBo.lead(second);
      await lying[Symbol.asyncDispose]();
      await listening[Symbol.asyncDispose]();
    },
  };
}

async function replaceServer(half: Half, { second }: { second: string }): Promise<AsyncDisposable> {
  const { people, group, toAda, toBo } = half;
  const [ada, bo] = people;
  await ada.call('refresh', group);
  await ada.call('say', { group, text: 'with new keys' });
  await hears(bo, group, 'with new keys');
  toAda.lead(second);
  toBo.lead(second);
  return nothing;
}

const nothing: AsyncDisposable = { [Symbol.asyncDispose]: () => Promise.resolve() };

/** A server that stopped and came back is no reason to say anything. */
async function talkCalmly({ people, group }: Half): Promise<string[]> {
  const faults: string[] = [];
  for (const speaker of people) {
    const text = `${speaker.name} after a restart`;
    await speaker.call('say', { group, text });
    for (const listener of people) await hears(listener, group, text);
  }
  for (const [name, evidence] of await foundBy(group, people))
    if (evidence !== undefined) faults.push(`${name} says ${evidence} of a server that was restarted`);
  return faults;
}

async function hears(person: HonestProcess, group: string, text: string): Promise<void> {
  if (!(await person.call('waitForText', { group, text, timeoutMs: patienceMs })))
    throw new Error(`${person.name} does not hear: ${text}`);
}

async function openHalf(
  url: string,
  accessToken: string,
  [ada, bo]: readonly HonestProcess[],
): Promise<Half> {
  const routers = [await startRouter(url), await startRouter(url)] as const;
  const [toAda, toBo] = routers;
  const founder = new Mallory(
    await TestMember.create({ url, name: 'Mallory', accessToken, origin: serverName, mode: defaultMode }),
  );
  const group = founder.member.groupId;
  const half: Half = { people: [ada!, bo!], group, toAda, toBo };
  for (const [index, person] of half.people.entries()) {
    await person.call(
      'join',
      await founder.inviteLink(index === 0 ? 'owner' : 'member', routers[index]!.url),
    );
    await founder.member.sync();
  }
  const { epoch } = founder.member.group;
  for (const person of half.people)
    await person.call('waitForEpoch', { group, epoch, timeoutMs: patienceMs });
  await ada!.call('say', { group, text: 'before' });
  await hears(bo!, group, 'before');
  return half;
}

async function startRouter(target: string): Promise<Router> {
  let port = Number(new URL(target).port);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ host: '127.0.0.1', port });
    for (const socket of [near, far]) {
      sockets.add(socket);
      // Whichever side breaks takes the other with it, as a network does.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lead(url) {
      port = Number(new URL(url).port);
      breakAll();
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      breakAll();
      await closed;
    },
  };
}
