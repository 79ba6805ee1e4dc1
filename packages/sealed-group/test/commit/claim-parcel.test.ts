import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packClaims, transferablesOf, unpackClaims } from '../../src/verification.ts';
import type { Claim } from '../../src/verification.ts';

/** Views into a larger buffer, as a parser makes them; of any length, as nobody has looked at them yet. */
const octets = fc
  .tuple(fc.uint8Array({ maxLength: 80 }), fc.nat({ max: 40 }))
  .map(([bytes, start]) => bytes.subarray(Math.min(start, bytes.length)));
const many = <T>(one: fc.Arbitrary<T>) => fc.array(one, { maxLength: 5 });
const rule = fc.constantFrom('commit/key', 'commit/possession', 'sealing/shortness');
const claim: fc.Arbitrary<Claim> = fc.oneof(
  fc.record({
    kind: fc.constant('signature' as const),
    rule,
    purpose: fc.constantFrom('message', 'possession', 'commit-new'),
    publicKey: octets,
    context: octets,
    signature: octets,
  }),
  fc.record({ kind: fc.constant('keys' as const), rule, keys: many(octets) }),
  fc.record({
    kind: fc.constant('sealing' as const),
    context: octets,
    bodyHash: octets,
    proof: octets,
    sealed: many(fc.record({ publicKey: octets, commitments: octets, handles: many(octets) })),
    recipients: many(many(octets)),
  }),
) as fc.Arbitrary<Claim>;
const frames = many(many(claim));

describe('a parcel', () => {
  it('holds claims through a structured clone as they were', () => {
    fc.assert(
      fc.property(frames, (claims) => {
        const parcel = packClaims(claims);
        expect(unpackClaims(structuredClone(parcel))).toEqual(claims);
        const moved = structuredClone(parcel, { transfer: transferablesOf(parcel) });
        expect(unpackClaims(moved)).toEqual(claims);
        expect([parcel.shape.length, parcel.octets.length]).toEqual([0, 0]);
      }),
    );
  });

  it('is as large as the claims, whatever buffer they are views of', () => {
    const frame = new Uint8Array(2 ** 21);
    const key = frame.subarray(100, 132);
    const claims: Claim[] = [{ kind: 'keys', rule: 'commit/key', keys: [key, key] }];
    const { octets, shape, names } = packClaims([claims, claims]);
    expect([octets.buffer.byteLength, shape.length, names]).toEqual([128, 13, ['commit/key']]);
  });

  it('that is broken is not taken for another', () => {
    const whole = packClaims([[{ kind: 'keys', rule: 'commit/key', keys: [new Uint8Array(32)] }]]);
    const broken = [
      { ...whole, octets: whole.octets.slice(1) },
      { ...whole, shape: whole.shape.slice(0, -1) },
      { ...whole, names: [] },
      { ...whole, shape: whole.shape.with(2, 3) },
    ];
    for (const parcel of broken) expect(() => unpackClaims(parcel)).toThrow(RangeError);
  });
});
