/** What a newcomer reads before it has the tree: the log with openings in the place of commits, in pages. */
import {
  decodeInvite,
  decodePreviewPage,
  maxPreviewPageBytes,
  parseFrame,
  Preview,
  verifyInvite,
} from '@conclave/sealed-group';
import type { Invite, PreviewPage } from '@conclave/sealed-group';
import { ask, TestMember, testSuite } from '@conclave/testkit';
import type { GivenInvite } from '@conclave/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSealedWorld, type SealedWorld } from './sealed-world.ts';

let world: SealedWorld;
beforeAll(async () => {
  world = await startSealedWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

function openInvite({ invite }: GivenInvite): Invite {
  const decoded = decodeInvite(invite);
  const verified = decoded.ok
    ? verifyInvite(testSuite, decoded.value, { nowMs: world.clock.nowMs() })
    : decoded;
  if (!verified.ok) throw new Error(verified.rule);
  return verified.value;
}

/** `token` may be any member's: what is sealed to whom says nothing without a secret. */
async function askPreview(member: TestMember, query: string, token = member.readToken) {
  return await ask(world.url, 'GET', `${member.path}/preview?${query}`, token === undefined ? {} : { token });
}

/** All pages, and what a newcomer makes of them. */
async function previewAll(
  member: TestMember,
  invite: Invite,
): Promise<{ preview: Preview; texts: string[]; pages: PreviewPage[] }> {
  const pages: PreviewPage[] = [];
  const texts: string[] = [];
  let preview: Preview | undefined;
  for (let after = ''; ;) {
    const answer = await askPreview(member, `leaf=${invite.leaf}&epoch=${invite.epoch}${after}`);
    expect(answer.status).toBe(200);
    expect(answer.octets.length).toBeLessThan(maxPreviewPageBytes + 4_096);
    const page = decodePreviewPage(answer.octets);
    if (!page.ok) throw new Error(page.rule);
    if (pages.at(-1)?.readTo === page.value.readTo) break;
    pages.push(page.value);
    if (page.value.start !== undefined) {
      const opened = Preview.open(testSuite, invite, page.value.start);
      if (!opened.ok) throw new Error(opened.rule);
      preview = opened.value;
    }
    for (const { kind, bytes } of page.value.items) {
      if (kind === 'opening') {
        const opened = preview!.advance(bytes);
        if (!opened.ok) throw new Error(opened.rule);
        continue;
      }
      const read = preview!.readMessage(bytes);
      if (!read.ok) throw new Error(read.rule);
      if (read.value.content.kind === 'text') texts.push(read.value.content.text);
    }
    if (page.value.readTo === page.value.lastSeq) break;
    after = `&after=${page.value.readTo}`;
  }
  return { preview: preview!, texts, pages };
}

/** log2 of the leaf places. */
async function depthOf({ path, readToken }: TestMember): Promise<number> {
  const { octets } = await ask(world.url, 'GET', `${path}/tree`, { token: readToken ?? '' });
  return octets[1]!;
}

describe('a preview', () => {
  it('brings every message since the epoch after the invite, in pages, without a commit', async () => {
    const alice = await world.createGroup();
    const bob = await alice.welcome('bob');
    const [leaf] = await alice.add('member');
    const invite = openInvite(alice.invite(leaf!));
    await alice.say('closed to the newcomer');
    const said: string[] = [];
    for (let round = 0; round < 4; round++) {
      await bob.sync();
      await (round % 2 === 0 ? bob : alice).commit();
      await Promise.all([alice.sync(), bob.sync()]);
      for (let count = 0; count < 12; count++) {
        const text = `${round}/${count} ${'long '.repeat(300)}`;
        said.push(text);
        await (count % 2 === 0 ? alice : bob).say(text);
      }
    }
    await alice.sync();
    const { texts, pages, preview } = await previewAll(alice, invite);
    expect(texts).toEqual(said);
    expect(preview.epoch).toBe(alice.group.epoch);
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.map(({ start }) => start !== undefined)).toEqual(pages.map((_, i) => i === 0));
    for (const { bytes } of pages.flatMap(({ items }) => items)) {
      const frame = parseFrame(bytes);
      expect(frame.ok && frame.value.content.kind === 'commit').toBe(false);
    }
  });

  it('stops before the commit that removes the leaf, and at the first commit of the leaf itself', async () => {
    const alice = await world.createGroup();
    const [leaf] = await alice.add('member');
    const invite = openInvite(alice.invite(leaf!));
    await alice.commit();
    await alice.say('before');
    await alice.commit([{ kind: 'remove', leaf: leaf! }]);
    await alice.say('after');
    await alice.sync();
    expect((await previewAll(alice, invite)).texts).toEqual(['before']);

    const [second] = await alice.add('member');
    const given = alice.invite(second!);
    await TestMember.join({ url: world.url, name: 'bob', nowMs: alice.nowMs }, given);
    await alice.sync();
    await alice.say('to a member');
    expect((await previewAll(alice, openInvite(given))).texts).toEqual([]);
  });

  it('reaches every newcomer through fills, blanks, a tree that grows and shrinks', async () => {
    const alice = await world.createGroup();
    const members = [alice];
    for (const name of ['bob', 'cem', 'dan']) members.push(await alice.welcome(name));
    const syncAll = () => Promise.all(members.map((member) => member.sync()));
    const waiting: { invite: Invite; said: string[] }[] = [];
    const inviteMore = async (count: number): Promise<void> => {
      const leaves = await alice.add(...Array.from({ length: count }, () => 'member' as const));
      waiting.push(...leaves.map((leaf) => ({ invite: openInvite(alice.invite(leaf)), said: [] })));
    };
    await inviteMore(6);
    const depths: number[] = [];
    const statuses: number[] = [];
    for (let round = 0; round < 10; round++) {
      if (round === 3) await inviteMore(9);
      if (round % 3 === 1) {
        const { invite } = waiting.splice(round % waiting.length, 1)[0]!;
        statuses.push((await alice.commit([{ kind: 'remove', leaf: invite.leaf }])).status);
      }
      if (round === 8) {
        // The newest leave together: the right half of the tree is empty then.
        const gone = waiting.splice(5).map(({ invite }) => invite.leaf);
        const operations = gone.map((leaf) => ({ kind: 'remove', leaf }) as const);
        statuses.push((await alice.commit(operations)).status);
      }
      await syncAll();
      const speaker = members[round % members.length]!;
      await world.clock.advance(65_000);
      expect((await speaker.commit()).status).toBe(200);
      await syncAll();
      await speaker.say(`round ${round}`);
      depths.push(await depthOf(speaker));
      for (const { invite, said } of waiting) {
        if (speaker.group.epoch > invite.epoch) said.push(`round ${round}`);
      }
    }
    await alice.sync();
    expect(waiting.length).toBeGreaterThan(3);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect([Math.max(...depths), depths.at(-1)]).toEqual([5, 4]);
    for (const { invite, said } of waiting) {
      const { preview, texts } = await previewAll(alice, invite);
      expect(texts).toEqual(said);
      expect(preview.epoch).toBe(alice.group.epoch);
    }
  });

  it('is for who may read, of a leaf that this epoch added', async () => {
    expect.hasAssertions();
    const alice = await world.createGroup();
    const [leaf] = await alice.add('member');
    const { epoch } = openInvite(alice.invite(leaf!));
    await alice.sync();
    const refused = (query: string, status: number, code: string, token?: string) =>
      world.refused(() => askPreview(alice, query, token), status, code);
    await refused(`leaf=${leaf}&epoch=${epoch}`, 403, 'CONCLAVE_READ_DENIED', 'AAAA');
    await refused(`leaf=0&epoch=${epoch}`, 404, 'CONCLAVE_NO_SUCH_LEAF');
    await refused(`leaf=77&epoch=${epoch}`, 404, 'CONCLAVE_NO_SUCH_LEAF');
    await refused(`leaf=${leaf}&epoch=0`, 404, 'CONCLAVE_NO_SUCH_LEAF');
    await refused(`leaf=${leaf}&epoch=${epoch + 1}`, 404, 'CONCLAVE_NO_SUCH_EPOCH');
    await refused(`epoch=${epoch}`, 400, 'M_INVALID_PARAM');
    await refused(`leaf=${leaf}&epoch=${epoch}&after=x`, 400, 'M_INVALID_PARAM');
  });
});
