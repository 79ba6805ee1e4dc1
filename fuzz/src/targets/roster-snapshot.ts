import { gcm } from '@noble/ciphers/aes.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { openRosterSnapshot, pad, unpad, verifyRosterSnapshot } from '@conclave/sealed-group';
import { hashTuple } from '../../../packages/sealed-group/src/hash/index.ts';
import { expandLabel, scheduleLabels, uint64 } from '../../../packages/sealed-group/src/schedule/index.ts';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { makeSampleGroup, suite, valueOf } from '../seeds/sample-group.ts';

/** The snapshot is sealed here as any inviter can seal whatever it likes. */
export const target: FuzzTarget = {
  about: 'a roster snapshot: what an inviter says about everybody in the group',
  format: 'protobuf',
  maxBytes: 8 * 1024,
  runs: 4_000,
  prepare() {
    const { alice } = makeSampleGroup();
    const { origin, groupId, epoch, tree } = alice.ds.group;
    const scope = { origin, groupId, epoch, tree, random: alice.deps.random };
    const leaf = alice.group.invitableLeaves().at(-1)!;
    const sealed = valueOf(alice.group.sealRosterFor(leaf));
    const cipher = () =>
      gcm(
        expandLabel(sealed.key, scheduleLabels.snapshotKey, [], 32),
        expandLabel(sealed.key, scheduleLabels.snapshotNonce, [], 12),
        hashTuple('roster-snapshot', groupId, uint64(epoch)),
      );
    const genuine = valueOf(openRosterSnapshot(scope, sealed)).entries.map(signatures);
    return {
      seeds: [unpad(cipher().decrypt(sealed.bytes))!.slice()],
      check(bytes) {
        const octets = cipher().encrypt(pad(bytes));
        const opened = openRosterSnapshot(scope, { bytes: octets, sha256: sha256(octets), key: sealed.key });
        if (!opened.ok) return;
        const { roster } = verifyRosterSnapshot(suite, opened.value, scope);
        for (const entry of roster.entries())
          demand(genuine.includes(signatures(entry)), 'only entries are believed that their leaves signed');
      },
    };
  },
};

function signatures(entry: { leafSignature: Uint8Array; identitySignature: Uint8Array }): string {
  return Buffer.concat([entry.leafSignature, entry.identitySignature]).toString('hex');
}
