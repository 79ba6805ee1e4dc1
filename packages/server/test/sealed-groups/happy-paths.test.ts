/** Every operation of the sealed groups' surface, as a well-behaved client uses it, over real sockets. */
import { randomBytes } from 'node:crypto';
import { base64url, fromBase64url, TestMember, testSuite, valueOf } from '@conclave/testkit';
import {
  decodeTree,
  parsePublicKey,
  protocolVersion,
  suiteId,
  verifyMerklePath,
} from '@conclave/sealed-group';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, register, startTestServer, type TestServer } from '../test-server.ts';

const parseKey = (bytes: Uint8Array) => parsePublicKey(testSuite, bytes);

describe('a sealed group', () => {
  let running: TestServer;
  let accessToken: string;
  let alice: TestMember;
  let bob: TestMember;

  beforeAll(async () => {
    running = await startTestServer();
    accessToken = (await register(running.url, 'ada')).access_token;
  });
  afterAll(() => running[Symbol.asyncDispose]());

  const createGroup = (name = 'alice'): Promise<TestMember> =>
    TestMember.create({ url: running.url, name, accessToken, origin: running.server.serverName });

  it('is preceded by what a client must know of the server', async () => {
    const { status, body } = await ask(running.url, 'GET', '/_conclave/sealed/v1');
    expect(status).toBe(200);
    expect(body).toEqual({
      origin: running.server.serverName,
      version: protocolVersion,
      suite: suiteId,
      now_ms: expect.any(Number),
      max_frame_bytes: 2 * 1024 * 1024,
      max_blob_bytes: 104_857_600,
    });
  });

  it('is created, and lets a person in who is invited', async () => {
    alice = await createGroup();
    expect(alice.group.lastSeq).toBe(1);
    bob = await alice.welcome('bob');
    expect(alice.group.epoch).toBe(2);
    expect(bob.group.authenticator).toEqual(alice.group.authenticator);
  });

  it('takes messages, numbers them densely, and gives them to those who read', async () => {
    const first = await alice.say('hello');
    expect([first.status, first.body]).toEqual([200, { seq: 4, epoch: 2 }]);
    expect((await bob.say('hi')).body).toEqual({ seq: 5, epoch: 2 });
    await alice.sync();
    await bob.sync();
    expect([alice.texts(), bob.texts()]).toEqual([['hi'], ['hello']]);
  });

  it('gives the log in pages from a cursor', async () => {
    const page = await alice.readLog(1, 2);
    expect(page.frames.map(({ seq, epoch }) => [seq, epoch])).toEqual([
      [2, 0],
      [3, 1],
    ]);
    expect(page.lastSeq).toBe(5);
    expect((await alice.readLog(5)).frames).toEqual([]);
    expect((await alice.readLog(1_000)).frames).toEqual([]);
    const whole = await alice.readLog(0, 500);
    expect(whole.frames.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  });

  it('accepts the proof of membership by any node that a member knows', async () => {
    for (const by of ['highest', 'leaf'] as const) {
      const token = await alice.newReadToken(by);
      expect(fromBase64url(token)).toHaveLength(48);
    }
  });

  it('gives the tree of this and of earlier epochs, and the path of a leaf', async () => {
    const current = await alice.ask('GET', '/tree');
    expect(current.headers.get('x-conclave-epoch')).toBe('2');
    expect(valueOf(decodeTree(current.octets, parseKey)).treeHash()).toEqual(
      alice.group.tree.hash(1 as never),
    );
    const first = await alice.ask('GET', '/tree?epoch=0');
    expect(valueOf(decodeTree(first.octets, parseKey)).leafCount).toBe(1);
    const path = await bob.ask('GET', '/tree/path?leaf=1');
    const verified = valueOf(verifyMerklePath(path.octets, alice.group.tree.hash(1 as never), parseKey));
    expect(verified.leaf.publicKey).toEqual(alice.group.tree.leaf(1 as never)!.publicKey);
  });

  it('keeps leaves until a commit carries them out, and then the leaver is gone', async () => {
    expect((await bob.leave()).body).toEqual({ seq: 6, epoch: 2 });
    const { body } = await alice.ask('GET', '/leaves');
    expect(body.leaves).toEqual([{ leaf: 1, leaf_epoch: 1, signature: expect.any(String) }]);
    expect(fromBase64url(body.leaves[0]!.signature)).toHaveLength(64);
    await alice.sync();
    expect((await alice.commit()).body).toEqual({ seq: 7, epoch: 3 });
    alice.forgetReadToken();
    expect((await alice.ask('GET', '/leaves')).body).toEqual({ leaves: [] });
    expect(alice.group.members()).toHaveLength(1);
  });

  it('gives every epoch its own tree after the tree shrank and grew again', async () => {
    const owner = await createGroup('olga');
    const hashes = new Map<number, Uint8Array>();
    const note = (): void =>
      void hashes.set(owner.group.epoch, valueOf(decodeTree(trees.at(-1)!, parseKey)).treeHash());
    const trees: Uint8Array[] = [];
    const readTree = async (): Promise<void> => {
      owner.forgetReadToken();
      trees.push((await owner.ask('GET', '/tree')).octets);
      note();
    };
    await readTree();
    await owner.add('member', 'member', 'member', 'member');
    await readTree();
    const others = owner.group.members().filter(({ isMe }) => !isMe);
    const removals = others.map(({ instance }) => ({ kind: 'remove', leaf: instance.leaf }) as const);
    expect((await owner.commit(removals)).status).toBe(200);
    await readTree();
    const mode = { leafProof: true, minWriter: 'member', ownDevices: false } as const;
    expect((await owner.commit([{ kind: 'set-mode', mode }])).status).toBe(200);
    await owner.add('reader');
    await readTree();
    await owner.add('member', 'member');
    await readTree();
    expect([...hashes.keys()]).toEqual([0, 1, 2, 4, 5]);
    for (const [epoch, hash] of hashes) {
      const { octets, headers } = await owner.ask('GET', `/tree?epoch=${epoch}`);
      expect(headers.get('x-conclave-epoch')).toBe(String(epoch));
      expect(valueOf(decodeTree(octets, parseKey)).treeHash()).toEqual(hash);
    }
    const { server } = running;
    const stored = await server.store.db
      .selectFrom('sealed_epochs')
      .select(['epoch', 'tree_hash'])
      .where('group_id', '=', owner.groupId)
      .execute();
    for (const { epoch, tree_hash: hash } of stored) {
      const { octets } = await owner.ask('GET', `/tree?epoch=${epoch}`);
      expect(base64url(valueOf(decodeTree(octets, parseKey)).treeHash())).toBe(base64url(hash));
    }
  });

  it('keeps attachments: put, put again, get, delete by capability', async () => {
    const octets = new Uint8Array(randomBytes(300_000));
    const upload = alice.proveBlob(octets);
    const put = () =>
      fetch(running.url + upload.path, { method: 'PUT', headers: upload.headers, body: octets });
    for (let time = 1; time <= 2; time++) {
      const stored = await put();
      expect([stored.status, await stored.json()]).toEqual([
        201,
        { blob_id: upload.path.split('/').at(-1), size: octets.length },
      ]);
    }
    const path = upload.path.slice(alice.path.length);
    const read = await alice.ask('GET', path);
    expect([read.status, read.headers.get('content-length')]).toEqual([200, '300000']);
    expect(Buffer.compare(read.octets, octets)).toBe(0);
    const remove = (capability: string) =>
      fetch(running.url + upload.path, {
        method: 'DELETE',
        headers: { 'x-conclave-delete-capability': capability },
      });
    expect((await remove(base64url(new Uint8Array(32)))).status).toBe(404);
    expect((await remove(upload.capability)).status).toBe(204);
    expect((await alice.ask('GET', path)).status).toBe(404);
    const { blob_bytes: used } = await running.server.store.db
      .selectFrom('sealed_groups')
      .select('blob_bytes')
      .where('group_id', '=', alice.groupId)
      .executeTakeFirstOrThrow();
    expect(used).toBe(0);
  });
});
