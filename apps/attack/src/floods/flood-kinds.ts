/** What a flood is made of. Rates are what one machine would send over a network; they stand in the output beside what came of them. */
import { systemRandom } from '@conclave/platform';
import { frameLimits } from '@conclave/sealed-group';
import type { CommitFrame, RequestedOperation } from '@conclave/sealed-group';
import { base64url } from '@conclave/testkit';
import { flipped } from '../mallory/bad-encodings.ts';
import { commitFrameOf } from '../mallory/mallory.ts';
import type { Mallory, Prepared } from '../mallory/mallory.ts';
import { requestHead } from '../raw-http.ts';
import type { Shot } from './flood-main.ts';

export interface FloodKind {
  readonly name: string;
  /** From all addresses together. */
  readonly perSecond: number;
  /** For each try: frames that were stored once are nothing new. */
  readonly makeShots: () => readonly Shot[];
  /** From how many; one if absent. */
  readonly addressCount?: number;
  /** The honest people talk in the flooded group itself, and not in another. */
  readonly isAmongThem?: boolean;
}

/** Together above the limit of one address, each far below it. No multiple of the number of shots: each fires all of them. */
const crowd = 61;
/** Of one flood: each is signed, so that they are made before it begins. */
const junkMessages = 800;
const addsOfLargeCommit = 600;

/** `leaves` are members of the flooded group: the first its founder, the next three administer it. */
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
  const challengeShots: readonly Shot[] = [
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
  ];
  const unsigned = post(notEligible, { offset: nonceOffset(commitFrameOf(commit)), length: 16 });
  const large = leaves.slice(0, 4).map((leaf) => post(withFalseProof(leaf, largeCommit(leaf))));
  const falseProofs = leaves.map((leaf) => post(withFalseProof(leaf, leaf.prepare())));
  return [
    {
      name: 'random octets',
      perSecond: 400,
      makeShots: () => [post(systemRandom.bytes(4_096), { offset: 0, length: 4_096 })],
    },
    {
      name: 'commits that nobody signed',
      perSecond: 300,
      makeShots: () => [unsigned],
    },
    {
      name: 'members’ commits with false proofs',
      perSecond: 200,
      makeShots: () => falseProofs,
    },
    {
      name: 'members’ commits of nearly 2 MiB with false proofs',
      perSecond: 10,
      makeShots: () => large,
    },
    {
      name: 'frames of 2 MiB that nobody signed',
      perSecond: 10,
      // The nonce of the body is also that which a verifier would hash: every frame is another.
      makeShots: () => [post(huge, { offset: huge.length - 40, length: 16 })],
    },
    {
      name: 'challenges, and false proofs for them',
      perSecond: 300,
      makeShots: () => challengeShots,
    },
    {
      name: 'connections to the gateway',
      perSecond: 300,
      makeShots: () => [
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
      makeShots: () => [
        {
          kind: 'connection',
          first: `${requestHead('POST', frames, { 'content-type': 'application/octet-stream', 'content-length': 100_000 })}and`,
        },
      ],
    },
    {
      name: `junk from ${crowd} addresses, each below its limit`,
      perSecond: 300,
      addressCount: crowd,
      makeShots: () => [unsigned, ...challengeShots],
    },
    {
      name: 'junk by members of the same group',
      perSecond: 60,
      isAmongThem: true,
      // Messages that are proven to the server, stored, and mean nothing; and commits that make their leaf wait.
      makeShots: () =>
        Array.from({ length: junkMessages }, (_, index) =>
          index % 4 === 3 ? falseProofs[index % falseProofs.length]! : post(founder.message()),
        ),
    },
  ];
}

function withFalseProof(leaf: Mallory, prepared: Prepared): Uint8Array {
  return leaf.forge(prepared, {
    trail: ({ sealingProof }) => ({ sealingProof: flipped(sealingProof, -32) }),
  });
}

/** As many recipients as one commit can add, and a payload that fills the rest of the frame. */
function largeCommit(leaf: Mallory): Prepared {
  const add: RequestedOperation = {
    kind: 'add',
    role: 'member',
    expiresAtMs: Date.now() + 3_600_000,
    device: false,
  };
  const good = leaf.prepare(Array.from({ length: addsOfLargeCommit }, () => add));
  const room = frameLimits.maxFrameBytes - 1_024 - good.frame.bytes.length;
  const { frame } = good;
  const payload = systemRandom.bytes(frame.trail.payload.length + Math.max(0, room));
  return { ...good, frame: { ...frame, trail: { ...frame.trail, payload } } };
}

function nonceOffset({ bytes, header }: CommitFrame): number {
  const at = Buffer.from(bytes).indexOf(Buffer.from(header.nonce));
  if (at === -1) throw new Error('a frame without its nonce');
  return at;
}
