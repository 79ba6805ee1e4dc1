/** What a flood is made of. Rates are what one machine would send over a network; they stand in the output beside what came of them. */
import { systemRandom } from '@conclave/platform';
import type { CommitFrame } from '@conclave/sealed-group';
import { base64url } from '@conclave/testkit';
import { flipped } from '../mallory/bad-encodings.ts';
import { commitFrameOf } from '../mallory/mallory.ts';
import type { Mallory } from '../mallory/mallory.ts';
import { requestHead } from '../raw-http.ts';
import type { Shot } from './flood-main.ts';

export interface FloodKind {
  readonly name: string;
  readonly perSecond: number;
  readonly shots: readonly Shot[];
}

/** `leaves` are members of the flooded group, the first its founder. */
export function floodKinds(leaves: readonly Mallory[]): readonly FloodKind[] {
  const [founder] = leaves as [Mallory, ...Mallory[]];
  const { path } = founder.member;
  const frames = `${path}/frames`;
  const post = (body: Uint8Array, freshAt?: { readonly offset: number; readonly length: number }): Shot => ({
    kind: 'request',
    method: 'POST',
    path: frames,
    headers: { 'content-type': 'application/octet-stream' },
    body: Buffer.from(body).toString('base64'),
    ...(freshAt === undefined ? {} : { freshAt }),
  });
  const good = founder.prepare();
  const commit = founder.forge(good);
  const notEligible = founder.forge(good, {
    signed: ({ oldSignature }) => ({ oldSignature: flipped(oldSignature, 40) }),
  });
  const huge = founder.message({ ciphertext: systemRandom.bytes(2 * 1024 * 1024 - 1_000) });
  return [
    {
      name: 'random octets',
      perSecond: 400,
      shots: [post(systemRandom.bytes(4_096), { offset: 0, length: 4_096 })],
    },
    {
      name: 'commits that nobody signed',
      perSecond: 300,
      shots: [post(notEligible, { offset: nonceOffset(commitFrameOf(commit)), length: 16 })],
    },
    {
      name: 'members’ commits with false proofs',
      perSecond: 200,
      shots: leaves.map((leaf) =>
        post(
          leaf.forge(leaf.prepare(), {
            trail: ({ sealingProof }) => ({ sealingProof: flipped(sealingProof, -32) }),
          }),
        ),
      ),
    },
    {
      name: 'frames of 2 MiB that nobody signed',
      perSecond: 10,
      // The nonce of the body is also that which a verifier would hash: every frame is another.
      shots: [post(huge, { offset: huge.length - 40, length: 16 })],
    },
    {
      name: 'challenges, and false proofs for them',
      perSecond: 300,
      shots: [
        { kind: 'request', method: 'POST', path: `${path}/challenge`, headers: {} },
        {
          kind: 'request',
          method: 'POST',
          path: `${path}/token`,
          headers: { 'content-type': 'application/json' },
          body: Buffer.from(
            JSON.stringify({
              challenge: base64url(systemRandom.bytes(56)),
              node: 0,
              signature: base64url(systemRandom.bytes(64)),
            }),
          ).toString('base64'),
        },
      ],
    },
    {
      name: 'connections to the gateway',
      perSecond: 300,
      shots: [
        {
          kind: 'connection',
          first: requestHead('GET', '/connection/websocket', {
            connection: 'Upgrade',
            upgrade: 'websocket',
            'sec-websocket-version': 13,
            'sec-websocket-key': Buffer.from(systemRandom.bytes(16)).toString('base64'),
          }),
        },
      ],
    },
    {
      name: 'connections that send a frame and never end it',
      perSecond: 200,
      shots: [
        {
          kind: 'connection',
          first: `${requestHead('POST', frames, { 'content-type': 'application/octet-stream', 'content-length': 100_000 })}and`,
        },
      ],
    },
  ];
}

function nonceOffset({ bytes, header }: CommitFrame): number {
  const at = Buffer.from(bytes).indexOf(Buffer.from(header.nonce));
  if (at === -1) throw new Error('a frame without its nonce');
  return at;
}
