import { decodeInvite, maxInviteBytes, openSealedInvite, sealInvite, Secret } from '@conclave/sealed-group';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { makeSampleGroup } from '../seeds/sample-group.ts';

/** The first octet says whether the rest comes as it lies in the store, or was sealed by someone who holds the link. */
export const target: FuzzTarget = {
  about: 'openSealedInvite: octets of the one-read store, and whatever the holder of a link sealed',
  format: 'octets',
  maxBytes: 9 * 1024,
  runs: 5_000,
  prepare() {
    const { alice, invite } = makeSampleGroup();
    const { random } = alice.deps;
    const { bytes: stored, secret } = sealInvite(invite.invite, random);
    const storedOctets = Buffer.from(stored);
    return {
      seeds: [Uint8Array.of(0, ...stored), Uint8Array.of(1, ...invite.invite)],
      check(bytes) {
        const content = bytes.slice(1);
        if (bytes[0] !== 1) {
          const opened = openSealedInvite(content, Secret.copyOf(secret.reveal()));
          demand(!opened.ok || storedOctets.equals(content), 'nothing opens but what was sealed');
          return;
        }
        if (content.length > maxInviteBytes) return;
        const sealed = sealInvite(content, random);
        const opened = openSealedInvite(sealed.bytes, sealed.secret);
        const direct = decodeInvite(content);
        demand(opened.ok === direct.ok, 'sealing changes nothing about what is accepted');
        if (!opened.ok && !direct.ok)
          demand(opened.rule === direct.rule, 'nor about the rule that is broken');
      },
    };
  },
};
