/** Two chat processes over pipes, a server process between them: what a script, and so a person, can do. */
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServerProcess, type ServerProcess } from '@conclave/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startChat } from './chat-process.ts';

const password = 'correct horse battery staple';

describe('chatting over pipes', () => {
  let folder: string;
  let server: ServerProcess;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conclave-chat-'));
    server = await startServerProcess({ dataDirectory: join(folder, 'server') });
    await writeFile(join(folder, 'password'), `${password}\n`, { mode: 0o600 });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const profile = (name: string): string[] => ['--name', name, '--data', join(folder, name)];
  const startAda = () =>
    startChat(
      [
        ...profile('Ada'),
        '--server',
        server.url,
        '--account',
        'ada',
        '--registration-token',
        server.firstAccountToken ?? '',
        'create',
        'Friends',
      ],
      { CONCLAVE_CHAT_PASSWORD_FILE: join(folder, 'password') },
    );

  test('found, invite, join, talk both ways, send a file, remove; the removed one sees it', async () => {
    await using ada = startAda();
    await ada.until(/Friends — only you, you are owner/);

    ada.type('/invite');
    const [link] = await ada.until(/http:\S+\/i#\S+/);
    // The link alone is enough: no server, no account.
    await using bo = startChat([...profile('Bo'), '--device', 'phone', 'join', link]);
    await bo.until(/Friends — 2 members, you are member/);
    await ada.until(/— Bo joined/);

    bo.type('hello Ada');
    await bo.until(/You: hello Ada/);
    await ada.until(/Bo: hello Ada/);
    ada.type('hello Bo');
    await bo.until(/Ada: hello Bo/);
    ada.type('//not a command');
    await bo.until(/Ada: \/not a command/);

    ada.type('/members');
    await ada.until(/Ada #\S+ +owner +you · .*\n +Bo #\S+ +member +phone/);
    ada.type('/fingerprint');
    bo.type('/fingerprint');
    const digits = /(?:\d{5} ){3}\d{5}\n +(?:\d{5} ){3}\d{5}\n +(?:\d{5} ){3}\d{5}/;
    expect((await ada.until(digits))[0]).toBe((await bo.until(digits))[0]);

    await writeFile(join(folder, 'note.txt'), 'for your eyes');
    ada.type(`/attach ${join(folder, 'note.txt')}`);
    const [, number] = (await bo.until(/\[file (\d+)\] note\.txt \(13 B\)/)) as unknown as [string, string];
    bo.type(`/save ${number} ${join(folder, 'got.txt')}`);
    await bo.until(/— saved /);
    expect(await readFile(join(folder, 'got.txt'), 'utf8')).toBe('for your eyes');
    bo.type(`/save ${number} ${join(folder, 'got.txt')}`);
    await bo.until(/something of that name already.*\[CHAT_FILE\]/);

    ada.type('/broadcast on');
    await bo.until(/only owners and admins write/);
    bo.type('may I?');
    await bo.until(/^! .*\[CHAT_MAY_NOT_WRITE\]/m);
    ada.type('/role bo admin');
    await bo.until(/you are now admin/);
    ada.type('/broadcast off');
    await bo.until(/everyone but readers writes/);

    ada.type('/remove bo');
    await ada.until(/— Bo was removed/);
    await bo.until(/you are no longer a member/);
    bo.type('still there?');
    await bo.until(/\[(REMOVED|CHAT_NO_GROUP)\]/);
    bo.type('/history 2');
    // What was said stays readable.
    await bo.until(/Ada: \/not a command[\s\S]*note\.txt/);

    // Lines failed on the way, and a script has to notice.
    expect(await bo.end()).toBe(1);
    expect(await ada.end()).toBe(0);
    expect(ada.output + bo.output).not.toMatch(/\n +at /);
    expect(ada.output).not.toContain('\u001b');
  });

  test('a second start goes on where the first ended, from a private and encrypted folder', async () => {
    await using ada = startChat([...profile('Ada')]);
    await ada.until(/Friends — only you/);
    await ada.until(/You: hello Bo/);
    expect(await ada.end()).toBe(0);
    expect((await stat(join(folder, 'Ada'))).mode & 0o777).toBe(0o700);
    for (const file of await readdir(join(folder, 'Ada'))) {
      const path = join(folder, 'Ada', file);
      expect((await stat(path)).mode & 0o077).toBe(0);
      expect((await readFile(path)).includes('hello Bo')).toBe(false);
    }
  });

  test('an invite works once, and says so the second time', async () => {
    await using ada = startChat([...profile('Ada')]);
    ada.type('/invite reader');
    const [link] = await ada.until(/http:\S+\/i#\S+/);
    await using cem = startChat([...profile('Cem'), 'join', link]);
    await cem.until(/you are reader/);
    await using dan = startChat([...profile('Dan'), 'join', link]);
    await dan.until(/was used before.*\[INVITE_ALREADY_READ\]/);
    expect(await dan.ended()).toBe(1);
    cem.type('/leave');
    await cem.until(/you are no longer a member/);
    await ada.until(/— Cem left/);
    expect(await ada.end()).toBe(0);
  });

  test('a profile is open once at a time, and SIGTERM ends a chat in order', async () => {
    await using ada = startChat([...profile('Ada')]);
    await ada.until(/Friends — /);
    await using again = startChat([...profile('Ada')]);
    await again.until(/open in another window.*\[STORE_LOCKED\]/);
    expect(await again.ended()).toBe(1);
    ada.signal('SIGTERM');
    expect(await ada.ended()).toBe(143);
    await using later = startChat([...profile('Ada')]);
    await later.until(/Friends — /);
    expect(await later.end()).toBe(0);
  });

  test('a passphrase protects a profile instead of a key file', async () => {
    const secret = join(folder, 'passphrase');
    const args = [...profile('Eve'), '--server', server.url];
    await writeFile(secret, 'a long passphrase\n');
    await using first = startChat([...args, '--passphrase'], { CONCLAVE_CHAT_PASSPHRASE_FILE: secret });
    expect(await first.end()).toBe(0);
    expect(await readdir(join(folder, 'Eve'))).not.toContain('state.key');
    await using wrong = startChat(args);
    await wrong.until(/Passphrase: /);
    wrong.type('another one');
    await wrong.until(/\[STORE_WRONG_KEY\]/);
    await using right = startChat(args);
    right.type('a long passphrase');
    await right.until(/Eve on /);
    expect(await right.end()).toBe(0);
  });

  test('the usage is told for a line that cannot be understood', async () => {
    await using chat = startChat(['--nonsense']);
    await chat.until(/Unknown option.*--nonsense[\s\S]*Usage: conclave chat/);
    expect(await chat.ended()).toBe(2);
  });
});
