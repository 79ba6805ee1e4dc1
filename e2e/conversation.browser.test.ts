/** The SDK in a real browser, against a real server: IndexedDB, fetch, WebSocket, WebCrypto as they are there. */
import { ConclaveClient, createAccountClient } from '@conclave/sdk';
import type { GroupHandle, Message } from '@conclave/sdk';
import { openBrowserStore } from '@conclave/sdk/browser';
import { expect, inject, it } from 'vitest';

const server = inject('serverUrl');

async function open(name: string): Promise<ConclaveClient> {
  const store = await openBrowserStore({ name });
  return ConclaveClient.open({ server, store, profile: { name, device: 'browser' } });
}

const textOf = ({ content }: Message): string => (content.kind === 'text' ? content.text : content.kind);

async function hears(group: GroupHandle, text: string): Promise<void> {
  const isIt = (message: Message): boolean => textOf(message) === text;
  const heard = group.next('message', { when: isIt });
  if ((await group.history()).some(isIt)) return;
  await heard;
}

it('two people in browsers found a group, join by link, talk, share a file, and part', async () => {
  const ada = await open('Ada');
  const bob = await open('Bob');
  const { accessToken } = await createAccountClient({ server }).register({
    username: 'ada-in-a-browser',
    password: 'a long password for ada',
  });
  const adas = await ada.createGroup({ name: 'Browsers', accessToken });
  const { link } = await adas.invite();
  const joined = adas.next('joined');
  const bobs = await bob.join(link);
  // Until Ada has heard of it she writes in the epoch before, which is closed to Bob.
  expect((await joined).member.name).toBe('Bob');
  expect(bobs.name).toBe('Browsers');

  await adas.send('hello from one tab');
  await hears(bobs, 'hello from one tab');
  await bobs.send('hello from another');
  await hears(adas, 'hello from another');
  expect(adas.fingerprint()).toBe(bobs.fingerprint());

  const picture = crypto.getRandomValues(new Uint8Array(60_000));
  const progress: number[] = [];
  await adas.attach(new Blob([picture], { type: 'image/png' }), {
    name: 'noise.png',
    onProgress: ({ bytes }) => progress.push(bytes),
  });
  await hears(bobs, 'attachment');
  const message = (await bobs.history()).find(({ content }) => content.kind === 'attachment')!;
  const { content } = message;
  if (content.kind !== 'attachment') throw new Error('no attachment');
  expect(await bobs.download(content.attachment)).toEqual(picture);
  expect(progress.length).toBeGreaterThan(0);

  // A tab that is closed and opened again has everything, from IndexedDB alone.
  await bob.close();
  const returned = await open('Bob');
  const online = new Promise<void>((resolve) => {
    returned.on('group', ({ type, event }) => {
      if (type === 'connection' && event.state === 'online') resolve();
    });
  });
  const [summary] = await returned.groups();
  expect((await returned.history(summary!.id)).map(textOf)).toEqual([
    'hello from one tab',
    'hello from another',
    'attachment',
  ]);
  const again = returned.group(summary!.id)!;
  await adas.send('welcome back');
  await hears(again, 'welcome back');

  // Only who follows live sees the commit that removes it; others are merely denied.
  await online;
  const removed = again.next('removed');
  await adas.remove(returned.id);
  expect(await removed).toEqual({ verified: true });
  await adas.send('not for Bob');
  expect((await returned.history(summary!.id)).map(textOf)).not.toContain('not for Bob');
  await ada.close();
  await returned.close();
});

it('what a browser keeps shows no name and no text', async () => {
  const eve = await open('Evangeline');
  const { accessToken } = await createAccountClient({ server }).register({
    username: 'evangeline',
    password: 'a long password for eve',
  });
  const group = await eve.createGroup({ name: 'A secret circle', accessToken });
  await group.send('a sentence that nobody else may see');
  await eve.close();
  const request = indexedDB.open('Evangeline');
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('no database')));
  });
  let dump = '';
  for (const name of database.objectStoreNames) {
    const all = database.transaction(name).objectStore(name);
    for (const read of [all.getAll(), all.getAllKeys()]) {
      const rows = await new Promise<unknown[]>((resolve) => {
        read.addEventListener('success', () => resolve(read.result));
      });
      dump += rows.map(textFrom).join('\n');
    }
  }
  database.close();
  expect(dump.length).toBeGreaterThan(1_000);
  for (const word of ['Evangeline', 'A secret circle', 'nobody else may see'])
    expect(dump).not.toContain(word);
});

/** Everything readable in a stored value, bytes as Latin-1. */
function textFrom(value: unknown): string {
  if (value instanceof ArrayBuffer) return textFrom(new Uint8Array(value));
  if (value instanceof Uint8Array) return new TextDecoder('latin1').decode(value);
  if (typeof value === 'object' && value !== null) return Object.values(value).map(textFrom).join(' ');
  return String(value);
}
