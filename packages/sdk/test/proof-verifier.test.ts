/** Clients on a real server whose claims are verified in a worker: what is refused, what goes on meanwhile, and what closing does. */
import { SealedGroup, SigningKey, type ProofVerifier } from '@conclave/sealed-group';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { identityCodec } from '../src/group/group-records.ts';
import { createSystemClock, createSystemRandom } from '../src/index.ts';
import { startProofThread } from '../src/node/proof-thread.ts';
import { createWorkerVerifier } from '../src/proof-worker/worker-verifier.ts';
import { paths } from '../src/store/paths.ts';
import { commitWithFalseProof } from './forge-commit.ts';
import { gatherLiedToPeople } from './lying-people.ts';
import { foundGroup, gatherPeople, suite, textOf, until, untilHistory, type People } from './test-people.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const random = createSystemRandom();
/** Without the threshold: these groups are small. */
const worker = createWorkerVerifier({
  startThread: startProofThread,
  kernel: suite.kernel,
  clock: createSystemClock(),
});
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await worker.close();
  await server[Symbol.asyncDispose]();
});

/** By whoever's store this is, with a program of their own. */
async function forgeFromStore(people: People, name: string, groupId: string): Promise<Uint8Array> {
  const store = await people.openStore(name);
  const [publicPart, secretPart, identity] = await Promise.all(
    [paths.publicState(groupId), paths.secretState(groupId), paths.identity].map((path) => store.get(path)),
  );
  await store.close();
  const deps = {
    suite,
    random,
    identity: SigningKey.fromSeed(identityCodec.decode(identity!).seed),
    profile: { name, deviceName: 'test', picture: undefined },
  };
  const group = SealedGroup.decode(deps, { public: publicPart!, secret: secretPart! });
  if (!group.ok) throw new Error(group.rule);
  return commitWithFalseProof({ suite, random, group: group.value, nowMs: Date.now() });
}

/** Claims wait until they are let go, or nobody wants the verdict any more. */
function heldVerifier() {
  const asked = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  const verify: ProofVerifier = async (claims, signal) => {
    asked.resolve();
    signal?.addEventListener('abort', () => letGo.resolve(), { once: true });
    await letGo.promise;
    return await worker.verify(claims, signal);
  };
  return { verify, asked: asked.promise, letGo: letGo.resolve };
}

test('a false proof that a lying server lets through is refused by the same rule as in place', async () => {
  await using world = await gatherLiedToPeople(server);
  const [ada, mallory] = [await world.open('Ada'), await world.open('Mallory')];
  const [adas, mallorys] = await foundGroup(world.people, ada, 'Ada', [mallory]);
  const { id, epoch } = adas!;
  await world.close('Ada');
  const { seq } = await mallorys!.send('what was really said');
  await world.close('Mallory');
  world.lying.replace(seq!, await forgeFromStore(world.people, 'Mallory', id), { to: ['Ada'] });

  const rules: unknown[] = [];
  let verdicts = 0;
  const counted: ProofVerifier = async (claims, signal) => {
    verdicts += 1;
    return await worker.verify(claims, signal);
  };
  for (const options of [{}, { proofVerifier: counted }]) {
    const group = (await world.open('Ada', options)).group(id)!;
    const refused = await group.sync().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'OUT_OF_SYNC', details: { seq } });
    rules.push((refused as { details: { rule: string } }).details.rule);
    expect(group.epoch).toBe(epoch);
    await world.close('Ada');
  }
  expect(rules[0]).toMatch(/^sealing\//);
  expect(rules[1]).toBe(rules[0]);
  expect(verdicts).toBeGreaterThan(0);

  world.lying.beHonest();
  const group = (await world.open('Ada', { proofVerifier: counted })).group(id)!;
  await untilHistory(group, ['what was really said']);
});

test('while a commit waits for its verdict, other groups of the client go on; then it is taken', async () => {
  await using people = await gatherPeople({}, { server });
  const held = heldVerifier();
  const ada = await people.open('Ada', { proofVerifier: held.verify });
  const bob = await people.open('Bob');
  const bobs = await bob.createGroup({ name: 'Bob’s', accessToken: await people.accessToken('Bob') });
  const others = await ada.createGroup({ name: 'Others', accessToken: await people.accessToken('Ada') });
  const joining = ada.join((await bobs.invite()).link);
  await held.asked;
  expect(textOf(await others.send('meanwhile'))).toBe('meanwhile');
  expect(ada.group(bobs.id)).toBeUndefined();
  held.letGo();
  const adas = await joining;
  await bobs.send('welcome');
  await until(adas, 'message', async () => (await adas.history()).length > 0);
});

test('closing a client ends a verification; the commit is taken when the group is opened again', async () => {
  await using people = await gatherPeople({}, { server });
  const ada = await people.open('Ada');
  const bob = await people.open('Bob');
  const [bobs, adas] = await foundGroup(people, bob, 'Bob', [ada]);
  const { id, epoch } = adas!;
  await ada.close();
  const held = heldVerifier();
  const waiting = await people.open('Ada', { proofVerifier: held.verify });
  await bobs!.invite();
  await held.asked;
  expect(waiting.group(id)!.epoch).toBe(epoch);
  await waiting.close();

  const again = (await people.open('Ada')).group(id)!;
  await until(again, 'epoch', () => again.epoch > epoch);
});
