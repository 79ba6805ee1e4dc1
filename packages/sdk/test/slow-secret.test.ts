/**
 * A malicious committer on a real server: its sealing proof holds, and its digits are in nobody's table. Everybody can open the
 * commit after a search, which runs in workers; then somebody re-keys.
 */
import {
  digitsOf,
  SealedGroup,
  SigningKey,
  type SecretScalar,
  type SlowSearch,
} from '@conclave/sealed-group';
import { postFrame } from '@conclave/testkit';
import { expect, test } from 'vitest';
import { createSystemRandom } from '../src/index.ts';
import { startProofThread } from '../src/node/proof-thread.ts';
import { createWorkerSearch } from '../src/proof-worker/worker-search.ts';
import { paths } from '../src/store/paths.ts';
import { identityCodec } from '../src/group/group-records.ts';
import { foundGroup, gatherPeople, suite, textOf, until, untilHistory, type People } from './test-people.ts';

const workers = { startThread: startProofThread, kernel: suite.kernel };

/** The same secret in digits that take 12,000 giant steps each way: as far as a prover gets with a little patience. */
function cutBadly(secret: SecretScalar): number[] {
  const digits = digitsOf(secret);
  const carry = 12_000;
  return digits.with(0, digits[0]! + carry * 2 ** 16).with(1, digits[1]! - carry);
}

/** A commit by whoever's store this is, made by a program of their own. */
async function commitBadly(people: People, name: string, groupId: string): Promise<void> {
  const store = await people.openStore(name);
  const [publicPart, secretPart, identity] = await Promise.all(
    [paths.publicState(groupId), paths.secretState(groupId), paths.identity].map((path) => store.get(path)),
  );
  await store.close();
  const deps = {
    suite,
    random: createSystemRandom(),
    identity: SigningKey.fromSeed(identityCodec.decode(identity!).seed),
    profile: { name, deviceName: 'test', picture: undefined },
    cutDigits: cutBadly,
  };
  const group = SealedGroup.decode(deps, { public: publicPart!, secret: secretPart! });
  if (!group.ok) throw new Error(group.rule);
  const commit = group.value.prepareCommit({ operations: [], nowMs: Date.now() });
  if (!commit.ok) throw new Error(commit.rule);
  const answer = await postFrame(people.server.url, groupId, commit.value.frame);
  expect([answer.status, answer.body.errcode]).toEqual([200, undefined]);
}

test('honest clients open it in workers, go on meanwhile, say who it was, and re-key', async () => {
  await using people = await gatherPeople();
  let steps = 0;
  const inWorker = createWorkerSearch({ ...workers, onStep: () => (steps += 1) });
  const meanwhile: string[] = [];
  /** While the search runs, another group of the same client reads and writes. */
  const watched: SlowSearch = async (search, signal) => {
    const over = new AbortController();
    const found = inWorker(search, signal).finally(() => over.abort());
    while (!over.signal.aborted) meanwhile.push(textOf(await others.send(`message ${meanwhile.length}`)));
    return await found;
  };
  const ada = await people.open('Ada', { slowSearch: watched });
  const bob = await people.open('Bob');
  const mallory = await people.open('Mallory');
  const accessToken = await people.accessToken('Ada');
  const others = await ada.createGroup({ name: 'Others', accessToken });
  const [adas, bobs] = await foundGroup(people, ada, 'Ada', [bob, mallory]);
  const id = mallory.id;
  const epoch = adas!.epoch;
  await Promise.all([adas, bobs].map((group) => group!.sync()));
  await mallory.close();

  const warnings = [adas, bobs].map((group) =>
    group!.next('warning', { when: ({ kind }) => kind === 'slow-secret' }),
  );
  await commitBadly(people, 'Mallory', adas!.id);
  expect(await Promise.all(warnings)).toEqual([1, 2].map(() => ({ kind: 'slow-secret', by: id })));
  expect(steps).toBeGreaterThan(1);
  expect(meanwhile).not.toEqual([]);

  // One of them commits, and the other finds nothing left to do.
  for (const group of [adas!, bobs!]) await until(group, 'epoch', () => group.epoch >= epoch + 2);
  await Promise.all([adas!.sync(), bobs!.sync()]);
  expect(adas!.fingerprint()).toBe(bobs!.fingerprint());
  await adas!.send('still here');
  await untilHistory(bobs!, ['still here']);
  expect(adas!.members().members.map(({ name }) => name)).toEqual(['Ada', 'Bob', 'Mallory']);
});

test('closing a group ends its search; the commit is opened when it is opened again', async () => {
  await using people = await gatherPeople();
  const started = Promise.withResolvers<void>();
  const inWorker = createWorkerSearch({ ...workers, onStep: () => started.resolve() });
  /** Nobody finds these: their logarithms lie far outside of what is searched. */
  const points = suite.group.encodePoints(
    Array.from({ length: 16 }, (_, j) =>
      suite.messageBaseTable.multiply(suite.group.scalars.fromNumber(2 ** 50 + j)),
    ),
  );
  const ada = await people.open('Ada', { slowSearch: (_search, signal) => inWorker({ points }, signal) });
  const mallory = await people.open('Mallory');
  const [adas] = await foundGroup(people, ada, 'Ada', [mallory]);
  await mallory.close();
  const { epoch } = adas!;
  await commitBadly(people, 'Mallory', adas!.id);
  await started.promise;
  expect(adas!.epoch).toBe(epoch);
  await ada.close();

  const again = (await people.open('Ada')).group(adas!.id)!;
  await until(again, 'epoch', () => again.epoch > epoch);
});
