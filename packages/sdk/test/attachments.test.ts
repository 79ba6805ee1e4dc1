import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Attachment, GroupHandle, Message, Progress } from '../src/index.ts';
import { foundGroup, gatherPeople, type People } from './test-people.ts';

function attachmentOf(message: Message): Attachment {
  if (message.content.kind !== 'attachment') throw new Error('not an attachment');
  return message.content.attachment;
}

describe('attachments against a real server', () => {
  let people: People;
  let adas: GroupHandle;
  let bobs: GroupHandle;
  beforeEach(async () => {
    people = await gatherPeople();
    const clients = [await people.open('Ada'), await people.open('Bob')];
    [adas, bobs] = (await foundGroup(people, clients[0]!, 'Ada', clients.slice(1))) as [
      GroupHandle,
      GroupHandle,
    ];
  });
  afterEach(() => people[Symbol.asyncDispose]());
  const content = Uint8Array.from({ length: 300_000 }, (_, index) => index * 7);

  test('round trip with progress, from bytes, blobs and streams', async () => {
    const up: Progress[] = [];
    const down: Progress[] = [];
    const arrived = bobs.next('message');
    await adas.attach(content, {
      name: 'numbers.bin',
      caption: 'look',
      onProgress: (progress) => up.push(progress),
    });
    const attachment = attachmentOf(await arrived);
    expect(attachment).toMatchObject({
      name: 'numbers.bin',
      caption: 'look',
      size: 300_000,
      mediaType: 'application/octet-stream',
    });
    expect(await bobs.download(attachment, { onProgress: (progress) => down.push(progress) })).toEqual(
      content,
    );
    for (const progress of [up, down]) {
      expect(progress.length).toBeGreaterThan(2);
      expect(progress.at(-1)!.bytes).toBe(progress.at(-1)!.totalBytes);
    }
    const blob = await adas.attach(new File(['text'], 'note.txt', { type: 'text/plain' }));
    expect(attachmentOf(blob)).toMatchObject({ name: 'note.txt', mediaType: 'text/plain', size: 4 });
    const stream = await adas.attach(new Blob(['streamed']).stream());
    const received = await bobs.downloadStream(attachmentOf(stream));
    expect(await new Response(received as ReadableStream<Uint8Array<ArrayBuffer>>).text()).toBe('streamed');
  });

  test('only the uploader deletes, and what was deleted is gone', async () => {
    const attachment = attachmentOf(await adas.attach(content));
    await bobs.sync();
    await expect(bobs.deleteAttachment(attachment)).rejects.toMatchObject({ code: 'ATTACHMENT_NOT_OWNED' });
    expect(await adas.deleteAttachment(attachment)).toBe(true);
    await expect(bobs.download(attachment)).rejects.toMatchObject({ code: 'CONCLAVE_BLOB_GONE' });
  });

  test('what does not fit its description is refused', async () => {
    const attachment = attachmentOf(await adas.attach(content));
    const damaged = { code: 'ATTACHMENT_DAMAGED' };
    await expect(adas.download({ ...attachment, key: new Uint8Array(32) })).rejects.toMatchObject(damaged);
    await expect(adas.download({ ...attachment, sha256: new Uint8Array(32) })).rejects.toMatchObject(damaged);
    await expect(adas.download({ ...attachment, size: 10 })).rejects.toMatchObject(damaged);
  });

  test('cancelling stops an upload; a removed member can neither upload nor download', async () => {
    const controller = new AbortController();
    const upload = adas.attach(content, { signal: controller.signal, onProgress: () => controller.abort() });
    await expect(upload).rejects.toMatchObject({ code: 'ABORTED' });
    const attachment = attachmentOf(await adas.attach(content));
    const out = bobs.next('removed');
    await adas.remove(bobs.members().members.find(({ isMe }) => isMe)!.id);
    await out;
    await expect(bobs.download(attachment)).rejects.toMatchObject({ code: 'REMOVED' });
    await expect(bobs.attach(content)).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    expect(await adas.download(attachment)).toEqual(content);
  });
});
