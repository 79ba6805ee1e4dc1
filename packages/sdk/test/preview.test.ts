import { decodePreviewPage, encodePreviewPage } from '@conclave/sealed-group';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Fetch } from '../src/http/http-client.ts';
import type { PreviewEvent } from '../src/index.ts';
import { foundGroup, gatherPeople, textOf, until, type People } from './test-people.ts';

/** A client's requests in their order, with the octets that came; `preview` events as they were told. */
function watched(change: (path: string, octets: Uint8Array) => Uint8Array = (_, octets) => octets) {
  const steps: { readonly path: string; readonly bytes: number }[] = [];
  const watchingFetch: Fetch = async (url, init) => {
    const response = await fetch(url, init);
    const { pathname } = new URL(url);
    const octets = change(pathname, new Uint8Array(await response.arrayBuffer()));
    steps.push({ path: pathname.replace(/groups\/[^/]+/, 'groups/ID'), bytes: octets.length });
    const { status, headers } = response;
    return new Response(status === 204 ? null : octets.slice(), { status, headers });
  };
  return { steps, fetch: watchingFetch };
}

const texts = (events: readonly PreviewEvent[]): string[] =>
  events.flatMap((event) =>
    event.kind === 'message' && event.message.content.kind === 'text' ? [event.message.content.text] : [],
  );

/** The page with an octet changed in what its opening has sealed. */
function withFalseOpening(octets: Uint8Array): Uint8Array {
  const page = decodePreviewPage(octets);
  if (!page.ok) throw new Error(page.rule);
  const items = page.value.items.map((item) =>
    item.kind === 'opening'
      ? { ...item, bytes: item.bytes.with(item.bytes.length - 9, item.bytes.at(-9)! ^ 1) }
      : item,
  );
  return encodePreviewPage({ ...page.value, items });
}

describe('a newcomer', () => {
  let people: People;
  beforeEach(async () => {
    people = await gatherPeople();
  });
  afterEach(() => people[Symbol.asyncDispose]());

  test('reads before it asks for the tree, and the same verified once it has joined', async () => {
    const ada = await people.open('Ada');
    const bob = await people.open('Bob');
    const [adas, bobs] = await foundGroup(people, ada, 'Ada', [bob]);
    const { link } = await adas!.invite();
    await bobs!.sync();
    await adas!.send('closed to the newcomer');
    await adas!.refresh();
    await adas!.send('hello');
    await bobs!.sync();
    await bobs!.send('hello from Bob');
    await adas!.sync();

    const { steps, fetch: watchingFetch } = watched();
    const cem = await people.open('Cem', { fetch: watchingFetch });
    const events: PreviewEvent[] = [];
    const requestsBefore: string[] = [];
    cem.on('preview', (event) => {
      events.push(event);
      if (event.kind === 'message') requestsBefore.push(...steps.map(({ path }) => path));
    });
    const cems = await cem.join(link);
    expect(texts(events)).toEqual(['hello', 'hello from Bob']);
    expect(events.at(-1)).toMatchObject({ kind: 'ended', code: undefined });
    expect(requestsBefore.filter((path) => /\/(tree|frames|blobs)/.test(path))).toEqual([]);

    await until(cems, 'message', async () => (await cems.history()).length >= 2);
    const history = await cems.history();
    expect(history.map(textOf)).toEqual(['hello', 'hello from Bob']);
    expect(history.map(({ sender }) => sender.name)).toEqual(['Ada', 'Bob']);
    const shown = events.flatMap((event) => (event.kind === 'message' ? [event.message] : []));
    expect(shown.map(({ id }) => id)).toEqual(history.map(({ id }) => id));
    expect(shown.map(({ author }) => author)).toEqual(['unverified', 'unverified']);
  });

  test('joins as ever when the server lies in the preview, which then ends', async () => {
    const ada = await people.open('Ada');
    const [adas] = await foundGroup(people, ada, 'Ada', []);
    const { link } = await adas!.invite();
    await adas!.refresh();
    await adas!.send('hello');
    const { fetch: lyingFetch } = watched((path, octets) =>
      path.endsWith('/preview') ? withFalseOpening(octets) : octets,
    );
    const bob = await people.open('Bob', { fetch: lyingFetch });
    const events: PreviewEvent[] = [];
    bob.on('preview', (event) => events.push(event));
    const bobs = await bob.join(link);
    expect(texts(events)).toEqual([]);
    expect(events).toEqual([{ kind: 'ended', groupId: bobs.id, code: 'preview/opens' }]);
    await until(bobs, 'message', async () => (await bobs.history()).length > 0);
    expect((await bobs.history()).map(textOf)).toEqual(['hello']);
  });

  test('previews once: a join that is tried again goes without', async () => {
    const ada = await people.open('Ada');
    const [adas] = await foundGroup(people, ada, 'Ada', []);
    const { link } = await adas!.invite();
    let isCut = true;
    const { steps, fetch: cutFetch } = watched();
    const bob = await people.open('Bob', {
      fetch: async (url, init) => {
        if (isCut && new URL(url).pathname.endsWith('/tree')) {
          return new Response(JSON.stringify({ errcode: 'M_UNKNOWN', error: 'cut' }), { status: 500 });
        }
        return await cutFetch(url, init);
      },
    });
    await expect(bob.join(link)).rejects.toMatchObject({ code: 'M_UNKNOWN' });
    isCut = false;
    await bob.join(link);
    expect(steps.filter(({ path }) => path.endsWith('/preview')).length).toBe(1);
  });

  test('whose leaf is removed while it joins is shown no more, and is no member', async () => {
    const ada = await people.open('Ada');
    const [adas] = await foundGroup(people, ada, 'Ada', []);
    const { link } = await adas!.invite();
    await adas!.refresh();
    await adas!.send('hello');
    const { leaf } = adas!.members().pending[0]!;
    const bob = await people.open('Bob', {
      fetch: async (url, init) => {
        const isPreview = new URL(url).pathname.endsWith('/preview');
        if (isPreview) {
          await adas!.remove({ leaf });
          await adas!.send('without Bob');
        }
        return await fetch(url, init);
      },
    });
    const events: PreviewEvent[] = [];
    bob.on('preview', (event) => events.push(event));
    await expect(bob.join(link)).rejects.toMatchObject({ code: 'CONCLAVE_READ_DENIED' });
    expect(events).toMatchObject([{ kind: 'ended', code: 'CONCLAVE_READ_DENIED' }]);
    expect(await bob.groups()).toEqual([]);
  });
});
