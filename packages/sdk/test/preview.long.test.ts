/** A large tree on a real server: what a newcomer has downloaded when it reads, and what it reads once it has joined. */
import { formatInviteLink, sealInvite, type RequestedOperation } from '@conclave/sealed-group';
import { ask, TestMember } from '@conclave/testkit';
import { expect, test } from 'vitest';
import { createSystemRandom, type PreviewEvent } from '../src/index.ts';
import { gatherPeople, textOf, until, type People } from './test-people.ts';

const places = 2_048;

/** Ada's group with two thousand pending leaves; the link is for one more. */
async function largeGroup(people: People): Promise<{ ada: TestMember; link: string }> {
  const { server } = people;
  const ada = await TestMember.create({
    url: server.url,
    name: 'Ada',
    accessToken: await people.accessToken('Ada'),
    origin: server.server.serverName,
  });
  const expiresAtMs = Date.now() + 86_400_000;
  const add: RequestedOperation = { kind: 'add', role: 'member', device: false, expiresAtMs };
  for (let left = places - 2; left > 0; left -= 511) {
    const { status } = await ada.commit(Array.from({ length: Math.min(511, left) }, () => add));
    if (status !== 200) throw new Error(`adding leaves: ${status}`);
  }
  const [leaf] = await ada.add('member');
  return { ada, link: await linkFor(server.url, ada, leaf!) };
}

async function linkFor(
  url: string,
  ada: TestMember,
  leaf: Parameters<TestMember['invite']>[0],
): Promise<string> {
  const roster = ada.group.sealRosterFor(leaf);
  if (!roster.ok) throw new Error(roster.rule);
  const { path, headers } = ada.proveBlob(roster.value.bytes);
  const put = await ask(url, 'PUT', path, { octets: roster.value.bytes, headers });
  if (put.status !== 201) throw new Error(`the roster: ${put.status}`);
  const blobId = Uint8Array.from(Buffer.from(path.split('/').at(-1)!, 'base64url'));
  const invite = ada.group.createInvite(leaf, { blobId, ...roster.value });
  if (!invite.ok) throw new Error(invite.rule);
  const sealed = sealInvite(invite.value, createSystemRandom());
  const stored = await ask(url, 'POST', '/_conclave/transfer/v1?ttl_ms=3600000', { octets: sealed.bytes });
  const { id: transferId } = stored.body as unknown as { id: string };
  return formatInviteLink({ serverOrigin: url, transferId, secret: sealed.secret });
}

test('a newcomer to a large group reads before it has downloaded an eighth of the tree, and then joins', async () => {
  await using people = await gatherPeople();
  const { ada, link } = await largeGroup(people);
  expect((await ada.commit()).status).toBe(200);
  await ada.say('hello');

  let bytes = 0;
  let treeBytes = 0;
  const bob = await people.open('Bob', {
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      const octets = await response.arrayBuffer();
      bytes += octets.byteLength;
      if (new URL(url).pathname.endsWith('/tree')) treeBytes = octets.byteLength;
      return new Response(octets, { status: response.status, headers: response.headers });
    },
  });
  const seen: { id: string; bytes: number }[] = [];
  bob.on('preview', (event: PreviewEvent) => {
    if (event.kind === 'message') seen.push({ id: event.message.id, bytes });
  });
  const bobs = await bob.join(link);
  expect(seen.length).toBe(1);

  expect(treeBytes).toBeGreaterThan(100_000);
  expect(seen[0]!.bytes).toBeLessThan(treeBytes / 8);

  await until(bobs, 'message', async () => (await bobs.history()).length > 0);
  const [message] = await bobs.history();
  expect(message).toMatchObject({ id: seen[0]!.id, sender: { name: 'Ada' } });
  expect(textOf(message!)).toBe('hello');
});
