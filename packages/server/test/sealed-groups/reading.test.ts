/** Reading takes a proof of membership, and ends at once with a removal: tokens, subscriptions, channels. */
import { ask, base64url, fromBase64url, groupPath } from '@conclave/testkit';
import type { SubscriptionGrant, TestMember } from '@conclave/testkit';
import { Centrifuge } from 'centrifuge';
import type { Subscription } from 'centrifuge';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { outboxIsEmpty } from './database-dump.ts';
import { startSealedWorld, type SealedWorld } from './sealed-world.ts';

const denied = [403, 'CONCLAVE_READ_DENIED'] as const;
const unknown = base64url(new Uint8Array(16).fill(7));

let world: SealedWorld;
let alice: TestMember;
let bob: TestMember;
beforeAll(async () => {
  world = await startSealedWorld();
  alice = await world.createGroup();
  bob = await alice.welcome('bob');
});
afterAll(() => world[Symbol.asyncDispose]());

describe('a challenge', () => {
  const redeem = (groupId: string, json: unknown) => () =>
    ask(world.url, 'POST', `${groupPath(groupId)}/token`, { json });

  it('is answered only by a key of the current tree, over this very challenge, in this group, in time', async () => {
    const challenge = await alice.challenge();
    const proof = async (group = alice.group, of = challenge) => {
      const proven = group.proveReading(fromBase64url(of), 'leaf');
      if (!proven.ok) throw new Error(proven.rule);
      return { challenge: of, node: proven.value.node, signature: base64url(proven.value.signature) };
    };
    const other = await world.createGroup('other');
    const good = await proof();
    const forged = fromBase64url(challenge);
    forged[50]! ^= 1;
    const cases: [string, object][] = [
      [alice.groupId, { ...good, challenge: base64url(forged) }],
      [alice.groupId, { ...good, challenge: await alice.challenge() }],
      [alice.groupId, { ...good, challenge: await other.challenge() }],
      [alice.groupId, await proof(other.group)],
      [alice.groupId, await proof(other.group, await other.challenge())],
      [alice.groupId, { ...good, node: 1 }],
      [alice.groupId, { ...good, node: 2 }],
      [alice.groupId, { ...good, node: 99 }],
      [alice.groupId, { ...good, signature: base64url(new Uint8Array(64)) }],
      [alice.groupId, { ...good, signature: base64url(new Uint8Array(64).fill(0xff)) }],
      [unknown, good],
      [
        unknown,
        {
          ...good,
          challenge: (await ask(world.url, 'POST', `${groupPath(unknown)}/challenge`)).body.challenge,
        },
      ],
    ];
    const bodies = new Set<string>();
    for (const [groupId, json] of cases) {
      const { octets } = await world.refused(redeem(groupId, json), ...denied);
      bodies.add(Buffer.from(octets).toString('utf8'));
    }
    expect(bodies.size).toBe(1);
    expect((await redeem(alice.groupId, good)()).status).toBe(200);
    await world.clock.advance(60_000);
    await world.refused(redeem(alice.groupId, good), ...denied);
  });

  it('and its answer are well-formed, or the parameter is named', async () => {
    expect.hasAssertions();
    await world.refused(redeem(alice.groupId, {}), 400, 'M_MISSING_PARAM');
    await world.refused(
      redeem(alice.groupId, { challenge: '!', node: 0, signature: 'AA' }),
      400,
      'M_INVALID_PARAM',
    );
    await world.refused(
      redeem(alice.groupId, { challenge: 'AA', node: -1, signature: 'AA' }),
      400,
      'M_BAD_JSON',
    );
    await world.refused(
      () => ask(world.url, 'POST', `${groupPath('short')}/challenge`),
      400,
      'M_INVALID_PARAM',
    );
  });
});

describe('a read token', () => {
  const routes: [string, string][] = [
    ['GET', '/frames'],
    ['GET', '/tree'],
    ['GET', '/tree?epoch=0'],
    ['GET', '/tree/path?leaf=0'],
    ['GET', '/leaves'],
    ['POST', '/subscription'],
    ['GET', `/blobs/${base64url(new Uint8Array(16))}`],
  ];

  it('is demanded by every route, with one answer for all that is wrong with it', async () => {
    const foreign = await (await world.createGroup('other')).newReadToken();
    const good = await alice.newReadToken();
    const tampered = fromBase64url(good);
    tampered[7]! ^= 1;
    const bodies = new Set<string>();
    for (const token of [undefined, 'x', foreign, base64url(tampered), good.slice(0, -1)]) {
      for (const [method, path] of routes) {
        for (const groupId of [alice.groupId, unknown]) {
          const extra = token === undefined ? {} : { token };
          const { status, octets } = await ask(world.url, method, groupPath(groupId) + path, extra);
          expect([path, token, status]).toEqual([path, token, 403]);
          bodies.add(Buffer.from(octets).toString('utf8'));
        }
      }
    }
    expect(bodies.size).toBe(1);
    await world.refused(() => ask(world.url, 'GET', `${alice.path}/frames`), ...denied);
  });

  it('opens what it opens: unknown epochs, leaves and cursors are named', async () => {
    expect.hasAssertions();
    alice.forgetReadToken();
    await world.refused(() => alice.ask('GET', '/tree?epoch=99'), 404, 'CONCLAVE_NO_SUCH_EPOCH');
    for (const leaf of [5, 2 ** 20 - 1]) {
      await world.refused(() => alice.ask('GET', `/tree/path?leaf=${leaf}`), 404, 'CONCLAVE_NO_SUCH_LEAF');
    }
    for (const query of ['after=-1', 'after=x', 'limit=0', 'limit=501', 'after=1e3']) {
      await world.refused(() => alice.ask('GET', `/frames?${query}`), 400, 'M_INVALID_PARAM');
    }
    await world.refused(() => alice.ask('GET', '/tree/path'), 400, 'M_INVALID_PARAM');
  });

  it('ends after ten minutes', async () => {
    alice.forgetReadToken();
    expect((await alice.ask('GET', '/leaves')).status).toBe(200);
    await world.clock.advance(10 * 60_000 - 1);
    expect((await alice.ask('GET', '/leaves')).status).toBe(200);
    await world.clock.advance(1);
    await world.refused(() => alice.ask('GET', '/leaves'), ...denied);
    alice.forgetReadToken();
  });

  it('gives pages that stay below their size, one large frame at least', async () => {
    const other = await world.createGroup('other');
    const content = { kind: 'application', type: 'x/y', content: new Uint8Array(1_000_000) } as const;
    for (let count = 0; count < 5; count++) {
      const message = other.group.encryptMessage({ content, nowMs: other.nowMs() });
      if (!message.ok) throw new Error(message.rule);
      expect((await other.post(message.value.frame)).status).toBe(200);
    }
    const page = await other.readLog(1, 500);
    const bytes = page.frames.reduce((sum, { frame }) => sum + frame.length, 0);
    expect(bytes).toBeLessThanOrEqual(4 * 1024 * 1024);
    expect(page.frames.length).toBeGreaterThan(1);
    expect(page.frames.length).toBeLessThan(5);
  });
});

describe('a subscription', () => {
  /** What a real-time client hears, in order. */
  const follow = async (grant: SubscriptionGrant) => {
    const client = new Centrifuge(`${world.url.replace('http', 'ws')}/connection/websocket`, {
      token: grant.connection_token,
      websocket: WebSocket,
    });
    onTestFinished(() => client.disconnect());
    const heard: { seq: number; epoch: number; frame?: string }[] = [];
    const subscription = client.newSubscription(grant.channel, { token: grant.subscription_token });
    subscription.on('publication', ({ data }) => void heard.push(data));
    const subscribed = next(subscription, 'subscribed');
    subscription.subscribe();
    client.connect();
    await subscribed;
    return { heard, subscription };
  };
  const next = (subscription: Subscription, event: 'subscribed' | 'unsubscribed' | 'publication') =>
    new Promise<any>((resolve) => {
      subscription.once(event, resolve);
    });

  it('hears every frame as it is stored; large ones by their number only', async () => {
    const { heard } = await follow(await alice.subscribe());
    const before = (await alice.readLog(0, 500)).lastSeq;
    expect((await bob.say('live')).status).toBe(200);
    const content = { kind: 'application', type: 'x/y', content: new Uint8Array(60_000) } as const;
    const large = bob.group.encryptMessage({ content, nowMs: bob.nowMs() });
    if (!large.ok) throw new Error(large.rule);
    expect((await bob.post(large.value.frame)).status).toBe(200);
    await expect.poll(() => heard.length).toBe(2);
    const { frames } = await alice.readLog(before, 10);
    expect(heard).toEqual([
      { seq: before + 1, epoch: 2, frame: Buffer.from(frames[0]!.frame).toString('base64') },
      { seq: before + 2, epoch: 2 },
    ]);
    await alice.sync();
    expect(alice.texts()).toContain('live');
  });

  it('ends with a removal: the removed member hears its removal, then nothing, whatever it holds', async () => {
    const group = await world.createGroup();
    const carol = await group.welcome('carol');
    const grant = await carol.subscribe();
    const token = await carol.newReadToken();
    const removed = await follow(grant);
    const stayed = await follow(await group.subscribe());
    const ended = [removed, stayed].map(({ subscription }) => next(subscription, 'unsubscribed'));
    const answer = await group.commit([{ kind: 'remove', leaf: carol.group.me.leaf }]);
    expect(answer.status).toBe(200);
    for (const context of await Promise.all(ended)) expect(context.code).toBe(2000);
    expect(removed.heard.map(({ seq }) => seq)).toEqual([answer.body.seq]);

    // The token is void, a new one is not to be had, and the old subscription token opens a silent channel.
    await world.refused(() => ask(world.url, 'GET', `${carol.path}/frames`, { token }), ...denied);
    await world.refused(async () => await carol.redeem(await carol.challenge()), ...denied);
    const silent = await follow(grant);
    group.forgetReadToken();
    const fresh = await group.subscribe();
    expect(fresh.channel).not.toBe(grant.channel);
    const listening = await follow(fresh);
    const heard = next(listening.subscription, 'publication');
    expect((await group.say('among ourselves')).status).toBe(200);
    await heard;
    await outboxIsEmpty(world.running.server);
    expect(silent.heard).toEqual([]);
  });
});
