import { checkChallenge, checkReadToken, issueChallenge, issueReadToken } from '@conclave/sealed-group';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';

const nowMs = 1_800_000_000_000;
const scope = {
  key: new Uint8Array(32).fill(4),
  origin: 'https://chat.example',
  groupId: new Uint8Array(16).fill(5),
};

export const target: FuzzTarget = {
  about: 'checkReadToken and checkChallenge: what readers present',
  format: 'octets',
  maxBytes: 256,
  runs: 10_000,
  prepare() {
    const random = { bytes: (length: number) => new Uint8Array(length).fill(6) };
    const token = issueReadToken(scope, { epoch: 3, expiresAtMs: nowMs + 1_000 });
    const { challenge } = issueChallenge({ ...scope, nowMs, random });
    return {
      seeds: [token, challenge],
      check(bytes) {
        const now = { nowMs, lastRemovalEpoch: 2 };
        const octets = Buffer.from(bytes);
        demand(
          !checkReadToken(scope, bytes, now).ok || octets.equals(token),
          'no token is accepted that was not issued',
        );
        demand(!checkChallenge({ ...scope, nowMs }, bytes).ok || octets.equals(challenge), 'nor a challenge');
      },
    };
  },
};
