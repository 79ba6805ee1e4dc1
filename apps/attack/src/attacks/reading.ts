/** Who may read: challenges, proofs, tokens, blobs, invites. Every refusal is one answer, whatever was wrong. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemRandom } from '@conclave/platform';
import { directPath, leafNode, publicKeyOf, signChallenge } from '@conclave/sealed-group';
import type { NodeIndex, RuleId, SecretScalar } from '@conclave/sealed-group';
import { ask, base64url, fromBase64url, testSuite } from '@conclave/testkit';
import type { ServerAnswer } from '@conclave/testkit';
import { answerFor, answerText } from '../attack.ts';
import { assault, wants } from '../assault.ts';
import { badPoints, flipped, plusOrder, spliced } from '../mallory/bad-encodings.ts';
import { newSecret, sha256 } from '../mallory/mallory.ts';
import type { Mallory } from '../mallory/mallory.ts';
import { founderSays, openArena, patiently, settled } from '../stage.ts';
import type { Arena, Stage } from '../stage.ts';

const part = 'reading';
const challengeLifetimeMs = 60_000;

export async function readUnasked(stage: Stage): Promise<void> {
  const arena = await openArena(stage, 'the read group');
  const other = await openArena(stage, 'another group', { people: [] });
  await tryTokens(stage, arena, other);
  await tryChallenges(stage, arena, other);
  await tryProofs(stage, arena);
  await tryBlobs(stage, arena, other);
  await tryInvites(stage);
}

/** A challenge of the first minute is redeemed at the end of the run; made early, so that nobody has to wait for it. */
export async function keepChallenge(stage: Stage): Promise<() => Promise<void>> {
  const arena = await openArena(stage, 'the patient group', { people: [] });
  const { member } = arena.founder;
  const challenge = await member.challenge();
  const madeAtMs = Date.now();
  return async () => {
    await sleep(Math.max(0, madeAtMs + challengeLifetimeMs + 1_500 - Date.now()));
    await assault(stage, {
      part,
      arena,
      name: 'a challenge that has expired',
      target: 'read/challenge',
      expects: [answerFor('read/challenge')],
      run: async () => answerText(await member.redeem(challenge)),
      control: async () => wants(200, await member.redeem(await member.challenge())),
    });
  };
}

async function tryTokens(stage: Stage, arena: Arena, other: Arena): Promise<void> {
  const { member } = arena.founder;
  const good = await member.newReadToken();
  const foreign = await other.founder.member.newReadToken();
  const challenge = await member.challenge();
  const tokens: readonly (readonly [string, string | undefined])[] = [
    ['no token', undefined],
    ['an empty token', ''],
    ['random octets as a token', base64url(systemRandom.bytes(48))],
    ['a token of another group', foreign],
    ['a challenge as a token', challenge],
    ['a token with another epoch', changedAt(good, 7)],
    ['a token that lives longer', changedAt(good, 12)],
    ['a token with another MAC', changedAt(good, 40)],
    ['a token cut short', cutShort(good)],
    ['a token of 10,000 characters', good + 'A'.repeat(10_000)],
    ['a token and more', `${good} ${good}`],
  ];
  for (const [name, token] of tokens) {
    for (const [method, path] of [
      ['GET', '/frames?after=0'],
      ['POST', '/subscription'],
    ] as const) {
      const request = (value: string | undefined): Promise<ServerAnswer> =>
        ask(stage.url, method, member.path + path, value === undefined ? {} : { token: value });
      await assault(stage, {
        part,
        arena,
        name: `${name}, for ${method === 'GET' ? 'the log' : 'the feed'}`,
        target: 'read/token',
        expects: [answerFor('read/token')],
        run: async () => answerText(await request(token)),
        control: async () => wants(200, await request(good)),
      });
    }
  }
}

async function tryChallenges(stage: Stage, arena: Arena, other: Arena): Promise<void> {
  const { member } = arena.founder;
  const challenges: readonly (readonly [string, () => Promise<string>])[] = [
    ['a challenge that nobody made', async () => base64url(systemRandom.bytes(56))],
    ['a challenge of another group', () => other.founder.member.challenge()],
    ['a challenge that lives longer', async () => changedAt(await member.challenge(), 6)],
    ['a challenge with another nonce', async () => changedAt(await member.challenge(), 10)],
    ['a challenge with another MAC', async () => changedAt(await member.challenge(), 50)],
    ['a challenge cut short', async () => cutShort(await member.challenge())],
  ];
  for (const [name, make] of challenges) {
    await assault(stage, {
      part,
      arena,
      name,
      target: 'read/challenge',
      expects: [answerFor('read/challenge')],
      run: async () => answerText(await member.redeem(await make())),
      control: async () => wants(200, await member.redeem(await member.challenge())),
    });
  }
}

interface ReadClaim {
  readonly challenge: string;
  readonly node: number;
  readonly signature: Uint8Array;
}

function claimBy(mallory: Mallory, challenge: string, secret: SecretScalar, signed = challenge): ReadClaim {
  const { origin, groupId } = mallory.member.group;
  const signature = signChallenge(testSuite, {
    origin,
    groupId,
    challenge: fromBase64url(signed),
    secret,
    publicKey: publicKeyOf(testSuite, secret),
    hedge: { secret, random: systemRandom, context: fromBase64url(signed) },
  });
  return { challenge, node: leafNode(mallory.leaf), signature };
}

function redeem(mallory: Mallory, claim: ReadClaim): Promise<ServerAnswer> {
  const { url, path } = mallory.member;
  return ask(url, 'POST', `${path}/token`, {
    json: { ...claim, signature: base64url(claim.signature) },
  });
}

async function tryProofs(stage: Stage, arena: Arena): Promise<void> {
  const mallory = arena.founder;
  const { member } = mallory;
  const good = async (): Promise<ReadClaim> => claimBy(mallory, await member.challenge(), mallory.leafSecret);
  const changed = (change: (signature: Uint8Array) => Uint8Array) => async (): Promise<ReadClaim> => {
    const claim = await good();
    return { ...claim, signature: change(claim.signature) };
  };
  const claims: readonly (readonly [string, () => Promise<ReadClaim>])[] = [
    ['a proof by another key', async () => claimBy(mallory, await member.challenge(), newSecret())],
    ['a proof of Bo’s leaf', async () => ({ ...(await good()), node: 4 })],
    ['a proof of a blank node', async () => ({ ...(await good()), node: 6 })],
    ['a proof of a node outside the tree', async () => ({ ...(await good()), node: 2 ** 21 })],
    [
      'a proof of another challenge',
      async () => claimBy(mallory, await member.challenge(), mallory.leafSecret, await member.challenge()),
    ],
    ['another R', changed((signature) => flipped(signature, 0))],
    ['another z', changed((signature) => flipped(signature, 40))],
    [
      'z plus the group’s order',
      changed((signature) => spliced(signature, 32, plusOrder(signature.subarray(32)))),
    ],
    ['zeros', changed(() => new Uint8Array(64))],
    ...badPoints
      .slice(0, 4)
      .map(
        ([what, octets]) => [`${what} as R`, changed((signature) => spliced(signature, 0, octets))] as const,
      ),
  ];
  for (const [name, make] of claims) {
    await assault(stage, {
      part,
      arena,
      name,
      target: 'read/proof',
      expects: [answerFor('read/proof')],
      run: async () => answerText(await redeem(mallory, await make())),
      control: async () => wants(200, await redeem(mallory, await good())),
    });
  }
}

async function tryBlobs(stage: Stage, arena: Arena, other: Arena): Promise<void> {
  const { member } = arena.founder;
  const octets = systemRandom.bytes(500);
  type Upload = { path: string; headers: Record<string, string>; octets: Uint8Array };
  const good = (): Upload => {
    const { path, headers } = member.proveBlob(octets);
    return { path, headers: { ...headers }, octets };
  };
  const put = ({ path, headers, octets }: Upload): Promise<ServerAnswer> =>
    ask(stage.url, 'PUT', path, { octets, headers });
  const withHeader = (name: string, change: (value: string) => string) => (): Upload => {
    const upload = good();
    return { ...upload, headers: { ...upload.headers, [name]: change(upload.headers[name] ?? '') } };
  };
  const uploads: readonly (readonly [RuleId, string, () => Upload, string?])[] = [
    ['read/blob-proof', 'another proof', withHeader('x-conclave-proof', (proof) => changedAt(proof, 40))],
    [
      'read/blob-proof',
      'a proof of zeros',
      withHeader('x-conclave-proof', () => base64url(new Uint8Array(64))),
    ],
    [
      'read/blob-proof',
      'another epoch',
      withHeader('x-conclave-epoch', (epoch) => String(Number(epoch) + 1)),
    ],
    [
      'read/blob-proof',
      'another hash than the proof is about',
      withHeader('x-conclave-sha256', () => base64url(sha256(new Uint8Array(1)))),
    ],
    ['read/blob-proof', 'another size', () => ({ ...good(), octets: octets.subarray(1) })],
    [
      'read/blob-proof',
      'another id',
      () => ({ ...good(), path: `${member.path}/blobs/${base64url(systemRandom.bytes(16))}` }),
    ],
    [
      'read/blob-proof',
      'a proof of another group',
      () => ({ ...good(), headers: { ...other.founder.member.proveBlob(octets).headers } }),
    ],
    [
      'read/blob-proof',
      'other octets than were proven',
      () => ({ ...good(), octets: flipped(octets, 100) }),
      '400 CONCLAVE_BLOB_MISMATCH',
    ],
  ];
  for (const [target, name, make, expected] of uploads) {
    await assault(stage, {
      part,
      name: `a blob with ${name}`,
      target: expected === undefined ? target : 'surface/blobs',
      expects: [expected ?? answerFor(target)],
      arena,
      run: async () => answerText(await put(make())),
      control: async () => wants(201, await put(good())),
    });
  }
  const kept = member.proveBlob(octets);
  await put({ ...kept, headers: { ...kept.headers }, octets });
  const remove = (capability: string): Promise<ServerAnswer> =>
    ask(stage.url, 'DELETE', kept.path, { headers: { 'x-conclave-delete-capability': capability } });
  await assault(stage, {
    part,
    name: 'a blob is deleted with its hash instead of its capability',
    target: 'surface/blobs',
    expects: ['404 CONCLAVE_BLOB_GONE'],
    arena,
    run: async () =>
      answerText(
        await remove(createHash('sha256').update(fromBase64url(kept.capability)).digest('base64url')),
      ),
    control: async () => wants(204, await remove(kept.capability)),
  });
}

async function tryInvites(stage: Stage): Promise<void> {
  const [ada, bo] = stage.people;
  const read = (id: string): Promise<ServerAnswer> =>
    ask(stage.url, 'POST', `/_conclave/transfer/v1/${id}/read`);
  const keep = async (query = ''): Promise<string> => {
    const octets = systemRandom.bytes(200);
    const answer = await patiently(() =>
      ask(stage.url, 'POST', `/_conclave/transfer/v1${query}`, { octets }),
    );
    return (answer.body as unknown as { readonly id: string }).id;
  };
  await assault(stage, {
    part,
    name: 'an invite’s octets are read twice',
    target: 'surface/invites',
    expects: ['404 CONCLAVE_TRANSFER_GONE'],
    run: async () => {
      const id = await keep();
      await read(id);
      return answerText(await read(id));
    },
    control: async () => wants(200, await read(await keep())),
  });
  await assault(stage, {
    part,
    name: 'an invite’s octets are read eight times at once',
    target: 'surface/invites',
    expects: ['200, and 404 seven times'],
    run: async () => {
      const id = await keep();
      const answers = await Promise.all(Array.from({ length: 8 }, () => read(id)));
      const read200 = answers.filter(({ status }) => status === 200).length;
      const gone = answers.filter(({ body }) => body.errcode === 'CONCLAVE_TRANSFER_GONE').length;
      return read200 === 1 && gone === 7 ? '200, and 404 seven times' : `${read200} read it, ${gone} did not`;
    },
    control: async () => wants(200, await read(await keep())),
  });
  await assault(stage, {
    part,
    name: 'an invite that has expired',
    target: 'surface/invites',
    expects: ['404 CONCLAVE_TRANSFER_GONE'],
    run: async () => {
      const id = await keep('?ttl_ms=1000');
      await sleep(1_200);
      return answerText(await read(id));
    },
    control: async () => wants(200, await read(await keep('?ttl_ms=60000'))),
  });
  // Bo was invited with a link that Ada gets to see: it is worth nothing any more.
  const solo = await openArena(stage, 'the group of one link', { people: [] });
  const link = await solo.founder.inviteLink('member');
  const join = (person: typeof ada): Promise<string> =>
    person!.call('join', link).then(
      () => 'joined',
      (error: Error) => /\(([A-Z_]+)\)/.exec(error.message)?.[1] ?? error.message,
    );
  let first = '';
  await assault(stage, {
    part,
    name: 'an invite link is used a second time',
    target: 'surface/invites',
    expects: ['INVITE_ALREADY_READ'],
    run: async () => {
      first = await join(bo);
      return await join(ada);
    },
    control: async () => (first === 'joined' ? undefined : first),
  });
}

/** What a member that was removed can still do with all that it kept. */
export async function actRemoved(stage: Stage): Promise<void> {
  const arena = await openArena(stage, 'the group of a spy');
  const { founder } = arena;
  const spy = await founder.accomplice('spy', 'member');
  const { member } = spy;
  const token = await member.newReadToken();
  const path = spy.state.path;
  const highest = directPath(leafNode(spy.leaf), member.group.tree.leafCount).findLast((node) =>
    path.has(node),
  );
  const frames = {
    commit: spy.forge(spy.prepare()),
    message: spy.message(),
    leave: spy.leaveFrame(),
  };
  const octets = systemRandom.bytes(100);
  const upload = member.proveBlob(octets);
  const [ada] = stage.people;
  await ada!.call('remove', { group: arena.groupId, leaf: spy.leaf });
  await founder.member.sync();
  if (!(await settled(arena))) throw new Error('the removal is not followed');
  const refused = async (
    name: string,
    target: RuleId,
    run: () => Promise<ServerAnswer>,
    control: () => Promise<string | undefined>,
  ): Promise<void> => {
    await assault(stage, {
      part: 'a removed member',
      arena,
      name,
      target,
      expects: [answerFor(target)],
      run: async () => answerText(await run()),
      control,
    });
  };
  const readWith = (value: string) =>
    ask(stage.url, 'GET', `${member.path}/frames?after=0`, { token: value });
  const fresh = await founder.member.newReadToken();
  await refused(
    'reads with its token',
    'read/token-epoch',
    () => readWith(token),
    async () => wants(200, await readWith(fresh)),
  );
  const subscribe = (value: string) =>
    ask(stage.url, 'POST', `${member.path}/subscription`, { token: value });
  await refused(
    'asks for the feed with its token',
    'read/token-epoch',
    () => subscribe(token),
    async () => wants(200, await subscribe(fresh)),
  );
  const prove = async (by: Mallory, node?: NodeIndex): Promise<ServerAnswer> => {
    const secret = node === undefined ? by.leafSecret : by.state.path.get(node)!;
    const claim = claimBy(by, await by.member.challenge(), secret);
    return redeem(by, node === undefined ? claim : { ...claim, node });
  };
  const provesItself = async (): Promise<string | undefined> => wants(200, await prove(founder));
  await refused('proves membership by its leaf', 'read/proof', () => prove(spy), provesItself);
  await refused(
    'proves membership by the highest key it knew',
    'read/proof',
    () => prove(spy, highest),
    provesItself,
  );
  await refused(
    'commits',
    'commit/eligible',
    () => spy.post(frames.commit),
    async () => {
      const good = founder.prepare();
      const frame = founder.forge(good);
      founder.adopt(good, frame);
      const answer = await founder.post(frame);
      if (answer.status !== 200) return `answered ${answerText(answer)}`;
      founder.member.process(frame, answer.body.seq);
      return (await settled(arena)) ? undefined : 'not everybody follows';
    },
  );
  for (const [name, frame] of [
    ['writes', frames.message],
    ['leaves', frames.leave],
  ] as const) {
    const control = () => founderSays(arena, `${name}, but is gone`);
    await refused(name, 'commit/eligible', () => spy.post(frame), control);
  }
  const put = (path: string, octets: Uint8Array, headers: Readonly<Record<string, string>>) =>
    ask(stage.url, 'PUT', path, { octets, headers });
  await refused(
    'stores a blob',
    'read/blob-proof',
    () => put(upload.path, octets, upload.headers),
    async () => {
      const own = founder.member.proveBlob(octets);
      return wants(201, await put(own.path, octets, own.headers));
    },
  );
}

function cutShort(text: string): string {
  return base64url(fromBase64url(text).subarray(0, -3));
}

function changedAt(text: string, at: number): string {
  return base64url(flipped(fromBase64url(text), at));
}
