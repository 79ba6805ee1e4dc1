import { gcm } from '@noble/ciphers/aes.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SigningKey } from '../../src/identity/signing-key.ts';
import type { InnerMessage } from '../../src/message/content.ts';
import { encodeInnerMessage, maxContentBytes } from '../../src/message/content.ts';
import { maskHeader } from '../../src/message/header-mask.ts';
import { messageAdditionalData, messageDigest, messageKey } from '../../src/message/message-key.ts';
import { pad } from '../../src/message/padding.ts';
import { sealMessage } from '../../src/message/seal-message.ts';
import { EpochKeys } from '../../src/schedule/epoch-keys.ts';
import { maxForwardJump, maxSkippedPerLeaf } from '../../src/schedule/secret-tree.ts';
import type { Carried, Fixture } from './message-fixture.ts';
import {
  admin,
  createFixture,
  everyoneWrites,
  groupId,
  member,
  origin,
  owner,
  pendingMember,
  reader,
  uncertified,
} from './message-fixture.ts';

type Unsigned = Omit<InnerMessage, 'signature'>;
const text = (value: string) => ({ kind: 'text', text: value }) as const;

describe('a message', () => {
  it('opens for the other members with its text, sender and time', () => {
    const fixture = createFixture();
    const frame = fixture.seal(fixture.deriveKeys(), member, 'hello 👋');
    const opened = fixture.open(fixture.deriveKeys(), frame);
    expect(opened).toMatchObject({
      ok: true,
      value: { sender: member, generation: 0, sentAtMs: frame.header.nowMs, content: text('hello 👋') },
    });
    expect(opened.ok && opened.value.lastSeen).toEqual(new Uint8Array(32).fill(9));
  });

  it('carries typed application content', () => {
    const fixture = createFixture();
    const content = {
      kind: 'application',
      type: 'org.example.poll',
      content: Uint8Array.of(1, 2, 3),
    } as const;
    const frame = fixture.seal(fixture.deriveKeys(), owner, content);
    expect(fixture.open(fixture.deriveKeys(), frame)).toMatchObject({ ok: true, value: { content } });
  });

  it('hides its sender: headers of one sender share nothing', () => {
    const fixture = createFixture();
    const keys = fixture.deriveKeys();
    const headers = Array.from({ length: 50 }, () =>
      Buffer.from(fixture.seal(keys, member, 'x').content.header).toString('hex'),
    );
    expect(new Set(headers.map((header) => header.slice(0, 8))).size).toBe(50);
  });

  it('shows the server one size for everything short', () => {
    const fixture = createFixture();
    const keys = fixture.deriveKeys();
    const sizes = ['', 'yes', 'a longer sentence of a chat'].map(
      (value) => fixture.seal(keys, member, value).content.ciphertext.length,
    );
    expect(new Set(sizes)).toEqual(new Set([272]));
  });

  it('is refused, and changes nothing, with any byte flipped', () => {
    const fixture = createFixture();
    const frame = fixture.seal(fixture.deriveKeys(), member, 'secret');
    const keys = fixture.deriveKeys();
    const before = keys.encode();
    const { header, ciphertext } = frame.content;
    const refused = new Set<string>();
    const expectRefused = (damaged: Carried) => {
      const opened = fixture.open(keys, damaged);
      refused.add(opened.ok ? 'opened' : opened.rule);
    };
    for (let at = 0; at < ciphertext.length; at++) {
      expectRefused({ ...frame, content: { ...frame.content, ciphertext: flip(ciphertext, at) } });
    }
    for (let at = 0; at < header.length; at++) {
      expectRefused({ ...frame, content: { ...frame.content, header: flip(header, at) } });
    }
    for (let at = 0; at < 16; at++) {
      expectRefused({ ...frame, header: { ...frame.header, nonce: flip(frame.header.nonce, at) } });
      expectRefused({ ...frame, header: { ...frame.header, groupId: flip(frame.header.groupId, at) } });
    }
    expectRefused({ ...frame, header: { ...frame.header, nowMs: frame.header.nowMs + 1 } });
    expectRefused({ ...frame, header: { ...frame.header, epoch: frame.header.epoch + 1 } });
    expect(refused).not.toContain('opened');
    expect(refused).toContain('message/decrypts');
    expect(keys.encode()).toEqual(before);
    expect(fixture.open(keys, frame).ok).toBe(true);
  });
});

describe('the rules of messages', () => {
  const broken = (rule: string) => ({ ok: false, rule });

  it('message/same-epoch: keys of another group or epoch do not open it', () => {
    const fixture = createFixture();
    const frame = fixture.seal(fixture.deriveKeys(), member, 'x');
    expect(
      fixture.open(fixture.deriveKeys(), { ...frame, header: { ...frame.header, epoch: 4 } }),
    ).toMatchObject(broken('message/same-epoch'));
    const sealed = sealMessage({
      keys: fixture.deriveKeys(),
      frame: { ...frame.header, groupId: new Uint8Array(16) },
      leaf: member,
      signingKey: fixture.signingKeys[member]!,
      lastSeen: new Uint8Array(32),
      content: text('x'),
    });
    expect(sealed).toMatchObject(broken('message/same-epoch'));
  });

  it('message/header-length: a short header or ciphertext', () => {
    const fixture = createFixture();
    const frame = fixture.seal(fixture.deriveKeys(), member, 'x');
    for (const content of [
      { ...frame.content, header: frame.content.header.subarray(1) },
      { ...frame.content, ciphertext: frame.content.ciphertext.subarray(0, 15) },
    ]) {
      expect(fixture.open(fixture.deriveKeys(), { ...frame, content })).toMatchObject(
        broken('message/header-length'),
      );
    }
  });

  it('message/leaf-in-tree: a blank leaf, and one outside the tree', () => {
    const fixture = createFixture();
    const frame = fixture.seal(fixture.deriveKeys(), member, 'x');
    const empty = { leafCount: 8, leaf: () => undefined };
    expect(fixture.open(fixture.deriveKeys(), frame, { tree: empty })).toMatchObject(
      broken('message/leaf-in-tree'),
    );
    expect(
      fixture.open(fixture.deriveKeys(), frame, { tree: { ...fixture.tree, leafCount: 2 } }),
    ).toMatchObject(broken('message/leaf-in-tree'));
  });

  it('message/leaf-proof-matches: one leaf posts what another wrote', () => {
    const fixture = createFixture();
    const frame = fixture.seal(fixture.deriveKeys(), member, 'x');
    const postedBy = (leaf: number) => ({
      ...frame,
      trail: { proof: 'leaf', leaf, signature: new Uint8Array(64) } as const,
    });
    expect(fixture.open(fixture.deriveKeys(), postedBy(owner))).toMatchObject(
      broken('message/leaf-proof-matches'),
    );
    expect(fixture.open(fixture.deriveKeys(), postedBy(member)).ok).toBe(true);
  });

  it('message/sender-joined: what a pending leaf sends is discarded', () => {
    const fixture = createFixture();
    const frame = fixture.seal(fixture.deriveKeys(), pendingMember, 'x');
    expect(fixture.open(fixture.deriveKeys(), frame)).toMatchObject(broken('message/sender-joined'));
  });

  it('message/sender-may-write: readers never, members not in a broadcast', () => {
    const fixture = createFixture();
    expect(fixture.open(fixture.deriveKeys(), fixture.seal(fixture.deriveKeys(), reader, 'x'))).toMatchObject(
      broken('message/sender-may-write'),
    );
    const broadcast = { ...everyoneWrites, leafProof: true, minWriter: 'admin' } as const;
    const byMember = fixture.seal(fixture.deriveKeys(), member, 'x');
    expect(fixture.open(fixture.deriveKeys(), byMember, { mode: broadcast })).toMatchObject(
      broken('message/sender-may-write'),
    );
    const byAdmin = fixture.seal(fixture.deriveKeys(), admin, 'x');
    expect(fixture.open(fixture.deriveKeys(), byAdmin, { mode: broadcast }).ok).toBe(true);
  });

  it('message/generation-unused: a replay, also when both were opened before either was accepted', () => {
    const fixture = createFixture();
    const keys = fixture.deriveKeys();
    const frame = fixture.seal(fixture.deriveKeys(), member, 'x');
    const first = fixture.open(keys, frame);
    const second = fixture.open(keys, frame);
    expect(first.ok && first.value.accept().ok).toBe(true);
    expect(fixture.open(keys, frame)).toMatchObject(broken('message/generation-unused'));
    expect(second.ok ? second.value.accept() : second).toMatchObject(broken('message/generation-unused'));
  });

  it('message/generation-in-window: a jump of 1,000 opens, one more does not', () => {
    const fixture = createFixture();
    const sender = fixture.deriveKeys();
    for (let i = 0; i < maxForwardJump; i++) sender.secretTree.takeNext(member);
    const last = fixture.seal(sender, member, 'within');
    const beyond = fixture.seal(sender, member, 'beyond');
    const keys = fixture.deriveKeys();
    const before = keys.encode();
    expect(fixture.open(keys, beyond)).toMatchObject(broken('message/generation-in-window'));
    expect(keys.encode()).toEqual(before);
    const opened = fixture.open(keys, last);
    expect(opened.ok && opened.value.accept().ok).toBe(true);
    expect(fixture.open(keys, beyond).ok).toBe(true);
  });

  it('message/decrypts: a ciphertext under other keys', () => {
    const fixture = createFixture();
    const other = createFixture('another group');
    const frame = fixture.seal(fixture.deriveKeys(), member, 'x');
    const foreign = other.seal(other.deriveKeys(), member, 'x', { nonce: frame.header.nonce });
    const damaged = {
      ...frame,
      content: { ...frame.content, ciphertext: flip(frame.content.ciphertext, 20) },
    };
    expect(fixture.open(fixture.deriveKeys(), damaged)).toMatchObject(broken('message/decrypts'));
    expect(fixture.open(fixture.deriveKeys(), foreign).ok).toBe(false);
  });

  it('message/sender-certified: without a verified identity entry nothing is shown', () => {
    const fixture = createFixture();
    const keys = fixture.deriveKeys();
    const frame = fixture.seal(fixture.deriveKeys(), uncertified, 'x');
    expect(fixture.open(keys, frame)).toMatchObject(broken('message/sender-certified'));
    const key = fixture.signingKeys[uncertified]!.publicKey;
    expect(fixture.open(keys, frame, { signingKeyOf: () => key }).ok).toBe(true);
  });

  it('message/signature: a member that uses the ratchet of another does not speak in its name, nor uses it up', () => {
    const fixture = createFixture();
    const forger = fixture.deriveKeys();
    const header = { origin, groupId, epoch: 3, nonce: fixture.random.bytes(16), nowMs: 5 };
    const forged = sealMessage({
      keys: forger,
      frame: header,
      leaf: owner,
      signingKey: SigningKey.generate(fixture.random),
      lastSeen: new Uint8Array(32),
      content: text('I, the owner, agree'),
    });
    const keys = fixture.deriveKeys();
    const trail = { proof: 'epoch', signature: new Uint8Array(64) } as const;
    if (!forged.ok) throw new Error(forged.rule);
    expect(fixture.open(keys, { header, content: forged.value, trail })).toMatchObject(
      broken('message/signature'),
    );
    const genuine = fixture.seal(fixture.deriveKeys(), owner, 'I do not');
    expect(fixture.open(keys, genuine)).toMatchObject({ ok: true, value: { content: text('I do not') } });
  });

  it('message/content and message/content-size: what a receiver would refuse is not sealed, and costs no generation', () => {
    const fixture = createFixture();
    const keys = fixture.deriveKeys();
    const before = keys.encode();
    const seal = (content: Parameters<typeof sealMessage>[0]['content']) =>
      sealMessage({
        keys,
        frame: { origin, groupId, epoch: 3, nonce: fixture.random.bytes(16), nowMs: 5 },
        leaf: owner,
        signingKey: fixture.signingKeys[owner]!,
        lastSeen: new Uint8Array(32),
        content,
      });
    expect(seal(text('\ud800'))).toMatchObject(broken('message/content'));
    expect(seal({ kind: 'application', type: 'text', content: new Uint8Array(1) })).toMatchObject(
      broken('message/content'),
    );
    expect(seal({ kind: 'application', type: 'two words', content: new Uint8Array(1) })).toMatchObject(
      broken('message/content'),
    );
    expect(
      seal({ kind: 'application', type: 'big', content: new Uint8Array(maxContentBytes + 1) }),
    ).toMatchObject(broken('message/content-size'));
    expect(keys.encode()).toEqual(before);
  });
});

describe('what a malicious member can seal with keys that all members have', () => {
  /** Seals any plaintext as the next message of `member`: what `sealMessage` would never make. */
  function forge(
    fixture: Fixture,
    plaintext: (sign: (message: Unsigned) => Uint8Array) => Uint8Array,
  ): Carried {
    const keys = fixture.deriveKeys();
    const frame = { origin, groupId, epoch: 3, nonce: fixture.random.bytes(16), nowMs: 5 };
    const taken = keys.secretTree.takeNext(member);
    if (!taken.ok) throw new Error(taken.rule);
    const header = { leaf: member, generation: taken.value.generation };
    const { key, nonce } = messageKey(taken.value.secret, frame.nonce);
    const sign = (message: Unsigned) =>
      fixture.signingKeys[member]!.sign(messageDigest(frame, keys.contextHash, header, message));
    const ciphertext = gcm(key, nonce, messageAdditionalData(frame, header)).encrypt(plaintext(sign));
    const masked = maskHeader(header, keys.header.reveal(), frame.nonce, ciphertext);
    return {
      header: frame,
      content: { kind: 'message', header: masked, ciphertext },
      trail: { proof: 'epoch', signature: new Uint8Array(64) },
    };
  }
  const hello: Unsigned = {
    lastSeen: new Uint8Array(32),
    type: 'text',
    content: new TextEncoder().encode('hi'),
  };
  const encodeSigned = (sign: (message: Unsigned) => Uint8Array, message: Unsigned) =>
    encodeInnerMessage({ ...message, signature: sign(message) });

  it('the forger of these tests seals genuine messages when it seals genuine content', () => {
    const fixture = createFixture();
    const genuine = forge(fixture, (sign) => pad(encodeSigned(sign, hello)));
    expect(fixture.open(fixture.deriveKeys(), genuine)).toMatchObject({
      ok: true,
      value: { content: text('hi') },
    });
  });

  it('message/padding: none, too much, or with something in it', () => {
    const fixture = createFixture();
    const keys = fixture.deriveKeys();
    const before = keys.encode();
    const paddings: ((inner: Uint8Array) => Uint8Array)[] = [
      (inner) => inner,
      (inner) => Uint8Array.of(...pad(inner), ...new Uint8Array(256)),
      (inner) => flip(pad(inner), 255),
      () => new Uint8Array(0),
    ];
    for (const padding of paddings) {
      const frame = forge(fixture, (sign) => padding(encodeSigned(sign, hello)));
      expect(fixture.open(keys, frame)).toMatchObject({ ok: false, rule: 'message/padding' });
    }
    expect(keys.encode()).toEqual(before);
  });

  it('message/content: other encodings, lengths, types, and bytes that are no text', () => {
    const fixture = createFixture();
    const keys = fixture.deriveKeys();
    const before = keys.encode();
    const contents: ((sign: (message: Unsigned) => Uint8Array) => Uint8Array)[] = [
      (sign) => Uint8Array.of(...encodeSigned(sign, hello), 0x28, 1),
      (sign) => encodeSigned(sign, { ...hello, lastSeen: new Uint8Array(31) }),
      (sign) => encodeInnerMessage({ ...hello, signature: sign(hello).subarray(1) }),
      (sign) => encodeSigned(sign, { ...hello, type: '' }),
      (sign) => encodeSigned(sign, { ...hello, type: 'a b' }),
      (sign) => encodeSigned(sign, { ...hello, type: 'x', content: new Uint8Array(maxContentBytes + 1) }),
      (sign) => encodeSigned(sign, { ...hello, content: Uint8Array.of(0xff, 0xfe) }),
      () => new Uint8Array(0),
    ];
    for (const content of contents) {
      const frame = forge(fixture, (sign) => pad(content(sign)));
      expect(fixture.open(keys, frame)).toMatchObject({ ok: false, rule: 'message/content' });
    }
    expect(keys.encode()).toEqual(before);
  });

  it('message/signature: the words of a member under another last frame seen, type or content', () => {
    const fixture = createFixture();
    for (const change of [
      { lastSeen: new Uint8Array(32).fill(1) },
      { type: 'x' },
      { content: Uint8Array.of(65) },
    ]) {
      const frame = forge(fixture, (sign) =>
        pad(encodeInnerMessage({ ...hello, ...change, signature: sign(hello) })),
      );
      expect(fixture.open(fixture.deriveKeys(), frame)).toMatchObject({
        ok: false,
        rule: 'message/signature',
      });
    }
  });
});

describe('messages out of order', () => {
  it('open however they are lost, reordered and doubled, each exactly once', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(owner, admin, member), { minLength: 1, maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 40 }),
        fc.boolean(),
        (senders, deliveries, restarts) => {
          const fixture = createFixture();
          const sender = fixture.deriveKeys();
          const frames = senders.map((leaf, i) => fixture.seal(sender, leaf, `message ${i}`));
          let keys = fixture.deriveKeys();
          const shown = new Set<number>();
          for (const delivery of deliveries) {
            const index = delivery % frames.length;
            if (restarts) keys = EpochKeys.decode(keys.encode())!;
            const opened = fixture.open(keys, frames[index]!);
            expect(opened.ok).toBe(!shown.has(index));
            if (!opened.ok) continue;
            expect(opened.value.content).toEqual(text(`message ${index}`));
            expect(opened.value.accept().ok).toBe(true);
            shown.add(index);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  it('keeps the keys of the last 1,000 skipped generations of a leaf and drops older ones', () => {
    const fixture = createFixture();
    const sender = fixture.deriveKeys();
    const first = fixture.seal(sender, member, 'first');
    const second = fixture.seal(sender, member, 'second');
    for (let i = 0; i < maxSkippedPerLeaf - 2; i++) sender.secretTree.takeNext(member);
    const last = fixture.seal(sender, member, 'at 1,000');
    sender.secretTree.takeNext(member);
    const latest = fixture.seal(sender, member, 'one skipped more');
    const keys = fixture.deriveKeys();
    for (const frame of [last, latest]) {
      const opened = fixture.open(keys, frame);
      expect(opened.ok && opened.value.accept().ok).toBe(true);
    }
    expect(fixture.open(keys, first)).toMatchObject({ ok: false, rule: 'message/generation-unused' });
    expect(fixture.open(keys, second).ok).toBe(true);
  });

  it('never repeats a key and nonce, however often a backup is restored: the frame nonce differs', () => {
    const fixture = createFixture();
    const backup = fixture.deriveKeys().encode();
    const pairs = Array.from({ length: 100 }, () => {
      const taken = EpochKeys.decode(backup)!.secretTree.takeNext(member);
      if (!taken.ok) throw new Error(taken.rule);
      expect(taken.value.generation).toBe(0);
      const { key, nonce } = messageKey(taken.value.secret, fixture.random.bytes(16));
      return Buffer.concat([key, nonce]).toString('hex');
    });
    expect(new Set(pairs).size).toBe(100);
  });

  it('of a restored backup are read until one of the generation was accepted', () => {
    const fixture = createFixture();
    const backup = fixture.deriveKeys().encode();
    const once = fixture.seal(EpochKeys.decode(backup)!, member, 'same words');
    const again = fixture.seal(EpochKeys.decode(backup)!, member, 'same words');
    expect(again.content.ciphertext).not.toEqual(once.content.ciphertext);
    const keys = fixture.deriveKeys();
    const opened = fixture.open(keys, once);
    expect(opened.ok && opened.value.generation).toBe(0);
    expect(fixture.open(keys, again)).toMatchObject({ ok: true, value: { generation: 0 } });
    if (opened.ok) opened.value.accept();
    expect(fixture.open(keys, again)).toMatchObject({ ok: false, rule: 'message/generation-unused' });
  });
});

function flip(bytes: Uint8Array, at: number): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  flipped[at]! ^= 1;
  return flipped;
}
