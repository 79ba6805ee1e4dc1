/** Hashing separates what must be separate. Known answers: `vectors/hashing.json`. */
import { describe, expect, it } from 'vitest';
import { sha256 as sha256OfNode } from '../../node/sha256.ts';
import { createSuite } from '../suite.ts';
import { hashTuple } from './hash-tuple.ts';
import { hedgedBytes, hedgedScalar } from './hedge.ts';
import { labelBytes, uint32 } from './label.ts';
import { sha256 as sha256Elsewhere } from './sha256.ts';
import { Transcript } from './transcript.ts';

const suite = createSuite();
const text = (value: string) => new TextEncoder().encode(value);

describe('hashTuple', () => {
  it('is SHA-256 over length-prefixed label and parts', async () => {
    const input = [0, 0, 0, 16, ...text('conclave/1 label'), 0, 0, 0, 2, ...text('ab'), 0, 0, 0, 0];
    const expected = await crypto.subtle.digest('SHA-256', Uint8Array.from(input));
    expect(hashTuple('label', text('ab'), text(''))).toEqual(new Uint8Array(expected));
  });
});

describe('SHA-256', () => {
  it('is the same on Node, in browsers and by WebCrypto, for parts that share a buffer and longer ones', async () => {
    for (const length of [0, 1, 63, 64, 1000, 4060, 4096, 10_000]) {
      const part = Uint8Array.from({ length }, (_, i) => (7 * i) & 255);
      const expected = new Uint8Array(await crypto.subtle.digest('SHA-256', part));
      expect(sha256OfNode(part)).toEqual(expected);
      expect(sha256Elsewhere(part)).toEqual(expected);
      const tuple = Uint8Array.from([0, 0, 0, 12, ...text('conclave/1 l'), ...uint32(length), ...part]);
      expect(hashTuple('l', part)).toEqual(new Uint8Array(await crypto.subtle.digest('SHA-256', tuple)));
    }
  });
});

describe.each([
  ['hashTuple', (label: string, parts: readonly string[]) => hashTuple(label, ...parts.map(text))],
  ['xof', (label: string, parts: readonly string[]) => suite.xof(label, parts.map(text), 32)],
])('%s', (_, hash) => {
  it('differs for every cut of the same bytes, and by label', () => {
    const cuts = [['abc'], ['a', 'bc'], ['ab', 'c'], ['abc', ''], ['', 'abc'], []];
    const hashes = [
      ...cuts.map((parts) => hash('label', parts)),
      hash('labe', ['labc']),
      hash('other', ['abc']),
    ];
    expect(new Set(hashes.map((bytes) => bytes.join())).size).toBe(hashes.length);
  });
});

describe('uint32', () => {
  it('is big-endian, and refuses what does not fit', () => {
    expect([...uint32(0x01020304)]).toEqual([1, 2, 3, 4]);
    for (const value of [-1, 0.5, 2 ** 32]) expect(() => uint32(value)).toThrow(RangeError);
    expect(new TextDecoder().decode(labelBytes('x'))).toBe('conclave/1 x');
  });
});

describe('Transcript', () => {
  const start = () => Transcript.start(suite, 'test').absorb('a', text('1'));
  const challenge = (transcript: Transcript) => transcript.challengeBytes('c', 16).join();

  it('gives the same challenges for the same history', () => {
    expect(challenge(start())).toBe(challenge(start()));
  });

  it('gives other challenges for any difference in kind, label, data, order or split', () => {
    const histories = [
      start(),
      Transcript.start(suite, 'tess').absorb('a', text('1')),
      Transcript.start(suite, 'test').absorb('b', text('1')),
      Transcript.start(suite, 'test').absorb('a', text('2')),
      Transcript.start(suite, 'test'),
      start().absorb('a', text('')),
      start().absorb('b', text('2')).absorb('c', text('3')),
      start().absorb('c', text('3')).absorb('b', text('2')),
      start().absorb('b', text('23')),
      start().fork('a'),
      start().fork('b'),
      start().absorbFork(start().fork('a')),
    ];
    expect(new Set(histories.map(challenge)).size).toBe(histories.length);
  });

  it('gives two challenges under one label differently, and leaves forks independent', () => {
    const transcript = start();
    const fork = transcript.fork('f');
    expect(challenge(transcript)).not.toBe(challenge(transcript));
    expect(challenge(fork)).toBe(challenge(start().fork('f')));
  });

  it('gives out copies of its state', () => {
    const transcript = start();
    transcript.binding().fill(0);
    expect(transcript.binding()).toEqual(start().binding());
  });
});

describe('hedged randomness', () => {
  const random = { bytes: (length: number) => new Uint8Array(length) };
  const hedge = { secret: text('secret'), random, context: text('context') };

  it('differs by secret, context, label and index even with a constant generator [F9]', () => {
    const values = [
      hedgedBytes(suite, 'l', hedge, 0, 32),
      hedgedBytes(suite, 'm', hedge, 0, 32),
      hedgedBytes(suite, 'l', hedge, 1, 32),
      hedgedBytes(suite, 'l', { ...hedge, secret: text('other') }, 0, 32),
      hedgedBytes(suite, 'l', { ...hedge, context: text('other') }, 0, 32),
    ];
    expect(new Set(values.map((bytes) => bytes.join())).size).toBe(values.length);
  });

  it('differs by the generator for the same secret and context', () => {
    const other = { ...hedge, random: { bytes: (length: number) => new Uint8Array(length).fill(1) } };
    expect(hedgedBytes(suite, 'l', hedge, 0, 32)).not.toEqual(hedgedBytes(suite, 'l', other, 0, 32));
    expect(hedgedScalar(suite, 'l', hedge, 0)).not.toEqual(hedgedScalar(suite, 'l', other, 0));
  });
});
