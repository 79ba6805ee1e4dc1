import { equalBytes } from '@noble/ciphers/utils.js';
import { decodeInvite, encodeInvite, verifyInvite } from '@conclave/sealed-group';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { makeSampleGroup, suite } from '../seeds/sample-group.ts';

export const target: FuzzTarget = {
  about: 'decodeInvite and verifyInvite: an opened invite, from whoever made the link',
  format: 'protobuf',
  maxBytes: 9 * 1024,
  runs: 12_000,
  prepare() {
    const { alice, invite } = makeSampleGroup();
    const { identity } = alice.deps;
    return {
      seeds: [invite.invite],
      check(bytes) {
        const decoded = decodeInvite(bytes);
        if (!decoded.ok) return;
        const { value } = decoded;
        const isSeed = equalBytes(bytes, invite.invite);
        const verified = verifyInvite(suite, value, { nowMs: 0 });
        demand(isSeed || !verified.ok, 'no invite verifies that the inviter did not sign');
        // Encoding puts the encoder's own key in: the others cannot be compared.
        if (!equalBytes(value.inviterKey, identity.publicKey)) return;
        const again = decodeInvite(encodeInvite(value, identity));
        demand(
          again.ok && equalBytes(again.value.body.reveal(), value.body.reveal()),
          'an invite has one encoding',
        );
      },
    };
  },
};
