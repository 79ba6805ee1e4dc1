/**
 * One client is killed at one write of its store, opened again from the same file, and the conversation goes on. What must
 * hold whatever the write: both sides have the same messages in the same order, none twice, every message whose sending was
 * confirmed among them, and the same keys.
 */
import { expect } from 'vitest';
import type { ConclaveClient, GroupHandle } from '../src/index.ts';
import { createCrashingVault, type CrashPlan } from './crashing-vault.ts';
import { textOf, until, type People } from './test-people.ts';

let count = 0;

/** Ada writes, re-keys, invites and writes while dying at `plan`; false when the plan lies beyond the scenario. */
export async function crashWhileTalking(people: People, plan: CrashPlan): Promise<boolean> {
  const run = count++;
  const [adaName, bobName] = [`Ada${run}`, `Bob${run}`];
  const crashing = createCrashingVault();
  const [ada, bob] = [await people.open(adaName, { wrap: crashing.wrap }), await people.open(bobName)];
  const adas = await ada.createGroup({ name: 'Crash', accessToken: await people.accessToken(adaName) });
  const bobs = await bob.join((await adas.invite()).link);
  await adas.sync();

  crashing.arm(plan);
  const confirmed: string[] = [];
  const steps = [
    async () => confirmed.push(textOf(await adas.send('first'))),
    () => adas.refresh(),
    async () => confirmed.push(textOf(await adas.send('second'))),
    () => bobs.send('from Bob').then(() => adas.sync()),
    async () => confirmed.push(textOf(await adas.send('third'))),
  ];
  for (const step of steps) {
    if (crashing.crashed()) break;
    await Promise.race([step().catch(ignoreDeath(crashing.crashed)), untilDead(crashing.crashed)]);
  }
  const hasCrashed = crashing.crashed();
  await ada.close();

  const revived = await people.open(adaName);
  await expectAgreement({ revived: revived.group(adas.id)!, other: bobs, confirmed });
  await revived.close();
  await bob.close();
  return hasCrashed;
}

/** Bob joins while dying at `plan`, and is opened again. */
export async function crashWhileJoining(people: People, plan: CrashPlan): Promise<boolean> {
  const run = count++;
  const [adaName, bobName] = [`Ada${run}`, `Bob${run}`];
  const ada = await people.open(adaName);
  const adas = await ada.createGroup({ name: 'Crash', accessToken: await people.accessToken(adaName) });
  const { link } = await adas.invite();
  const crashing = createCrashingVault();
  const bob = await people.open(bobName, { wrap: crashing.wrap });
  crashing.arm(plan);
  await bob.join(link).catch(ignoreDeath(crashing.crashed));
  const hasCrashed = crashing.crashed();
  await bob.close();

  const revived = await people.open(bobName);
  if (plan.at === 0 && plan.when === 'before') {
    // Killed between reading the invite and saving it: it is lost, which is safe, and the error says so.
    await expect(revived.join(link)).rejects.toMatchObject({ code: 'INVITE_ALREADY_READ' });
  } else {
    const bobs = await groupOrJoin(revived, adas.id, link);
    await expectAgreement({ revived: bobs, other: adas, confirmed: [] });
  }
  await revived.close();
  await ada.close();
  return hasCrashed;
}

/** An interrupted join is completed by opening the client, or by using the same link again. */
async function groupOrJoin(client: ConclaveClient, id: string, link: string): Promise<GroupHandle> {
  const again = await client.join(link).catch((error: { code: string }) => error.code);
  if (typeof again !== 'string') return again;
  expect(['GROUP_EXISTS', 'INVITE_ALREADY_READ']).toContain(again);
  const group = client.group(id);
  if (group === undefined) throw new Error(`the join was lost: ${again}`);
  await until(group, 'epoch', () => group.status === 'joined');
  return group;
}

async function expectAgreement({
  revived,
  other,
  confirmed,
}: {
  revived: GroupHandle;
  other: GroupHandle;
  confirmed: string[];
}): Promise<void> {
  await revived.send('revived');
  await revived.refresh();
  await other.send('the end');
  const ended = async (group: GroupHandle): Promise<string[]> => {
    await until(group, 'message', async () => (await texts(group)).includes('the end'));
    return await texts(group);
  };
  const [mine, theirs] = [await ended(revived), await ended(other)];
  expect(mine).toEqual(theirs);
  expect(new Set(mine).size).toBe(mine.length);
  for (const text of [...confirmed, 'revived']) expect(mine).toContain(text);
  await Promise.all([revived.sync(), other.sync()]);
  expect(revived.fingerprint()).toBe(other.fingerprint());
}

async function texts(group: GroupHandle): Promise<string[]> {
  const history = await group.history({ limit: 1_000 });
  return history.filter(({ state }) => state === 'sent').map(textOf);
}

function ignoreDeath(crashed: () => boolean): (error: unknown) => void {
  return (error) => {
    if (!crashed()) throw error;
  };
}

/** A dead process does not go on waiting for the network. */
async function untilDead(crashed: () => boolean): Promise<void> {
  while (!crashed()) await new Promise((resolve) => setTimeout(resolve, 5));
}
