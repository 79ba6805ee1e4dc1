/** Time is not measured here; what is counted are equations, whose sums take nearly all of it. */
import { systemRandom as random } from '@conclave/platform';
import { createSuite, eligibilityClaim, readClaim, verifyClaims } from '@conclave/sealed-group';
import type { Claim, MessageFrame } from '@conclave/sealed-group';
import { describe, expect, it } from 'vitest';
import { createDecoy } from './decoy-group.ts';

const plain = createSuite();
const { group } = plain;
let equations = 0;
const suite = {
  ...plain,
  group: Object.create(group, {
    weightedSum: {
      value(...terms: Parameters<typeof group.weightedSum>) {
        equations += terms[0].length;
        return group.weightedSum(...terms);
      },
    },
  }) as typeof group,
};
const decoy = createDecoy(suite);

/** How many equations are summed up to refuse it. */
function workOf(claim: Claim): number {
  equations = 0;
  expect(verifyClaims({ suite, random }, [[claim]])).toMatchObject([{ ok: false }]);
  return equations;
}

const header = {
  origin: 'https://chat.example',
  groupId: new Uint8Array(16),
  epoch: 7,
  nonce: new Uint8Array(16),
  nowMs: 0,
};
const publicKey = decoy.standIn(header).epochKeys[0]!.publicKey;
const wellFormed = new Uint8Array(64);
wellFormed.set(group.encodePoint(group.generator));
wellFormed.set(group.scalars.one, 32);

describe('a decoy', () => {
  it.each([
    ['false', wellFormed, 1],
    ['no point', new Uint8Array(64).fill(0xff), 0],
    ['too short', wellFormed.subarray(1), 0],
    ['empty', new Uint8Array(0), 0],
  ])('is as dear as what it stands in for: a signature that is %s', (_what, signature, expected) => {
    const frame = {
      header,
      bodyHash: new Uint8Array(32),
      trail: { proof: 'epoch', signature },
      content: { kind: 'message' },
    };
    const ofNoGroup = eligibilityClaim(decoy.standIn(header), undefined, frame as MessageFrame);
    if (!ofNoGroup.ok) throw new Error('a stand-in has every epoch');
    const works = [
      decoy.falseClaim(signature),
      ofNoGroup.value,
      readClaim(header, { challenge: new Uint8Array(32), publicKey, signature }),
    ].map(workOf);
    expect(new Set(works).size).toBe(1);
    expect(works[0]! > 0).toBe(expected > 0);
  });
});
