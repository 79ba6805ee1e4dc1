import { formatInviteLink, parseInviteLink, Secret } from '@conclave/sealed-group';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';

const link = formatInviteLink({
  serverOrigin: 'https://chat.example:8448',
  transferId: 'AAECAwQFBgcICQoLDA0ODw',
  secret: new Secret(new Uint8Array(16).fill(7)),
});

export const target: FuzzTarget = {
  about: 'parseInviteLink: what someone pasted, scanned or typed',
  format: 'octets',
  maxBytes: 1_024,
  runs: 20_000,
  prepare: () => ({
    seeds: [link, link.toLowerCase(), ` ${link}\n`, 'http://[::1]/i#0.0'].map((text) =>
      new TextEncoder().encode(text),
    ),
    check(bytes) {
      const parsed = parseInviteLink(new TextDecoder().decode(bytes));
      if (!parsed.ok) return;
      const again = parseInviteLink(formatInviteLink(parsed.value));
      demand(again.ok, 'what was parsed can be written as a link');
      demand(
        again.value.serverOrigin === parsed.value.serverOrigin &&
          again.value.transferId === parsed.value.transferId &&
          Buffer.from(again.value.secret.reveal()).equals(parsed.value.secret.reveal()),
        'and is the same link',
      );
    },
  }),
};
