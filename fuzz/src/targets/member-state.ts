import { equalBytes } from '@noble/ciphers/utils.js';
import { SealedGroup } from '@conclave/sealed-group';
import { readFields, writeFields } from '../engine/protobuf-mutation.ts';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { makeSampleGroup } from '../seeds/sample-group.ts';

/** Input: fields 1 and 2 of a message, the public and the secret part. */
export const target: FuzzTarget = {
  about: 'SealedGroup.decode: a member’s state from a damaged disk, or halves of different ages',
  format: 'protobuf',
  maxBytes: 64 * 1024,
  runs: 16_000,
  prepare() {
    const { alice, bob } = makeSampleGroup();
    const halves = [alice, bob].map(({ group }) => [group.encodePublic(), group.encodeSecret()] as const);
    return {
      seeds: halves.map(([open, secret]) =>
        writeFields([
          { tag: 0x0an, value: open },
          { tag: 0x12n, value: secret },
        ]),
      ),
      check(bytes) {
        const [open, secret] = (readFields(bytes) ?? []).map(({ value }) => value);
        if (!(open instanceof Uint8Array) || !(secret instanceof Uint8Array)) return;
        const decoded = SealedGroup.decode(alice.deps, { public: open, secret });
        if (!decoded.ok) return;
        const group = decoded.value;
        const again = SealedGroup.decode(alice.deps, {
          public: group.encodePublic(),
          secret: group.encodeSecret(),
        });
        demand(again.ok, 'what was stored again can be read again');
        demand(
          equalBytes(again.value.encodePublic(), group.encodePublic()) &&
            equalBytes(again.value.encodeSecret(), group.encodeSecret()),
          'storing what was read changes nothing',
        );
      },
    };
  },
};
