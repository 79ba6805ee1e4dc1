import { gcm } from '@noble/ciphers/aes.js';
import { pad } from '@conclave/sealed-group';
import { hashTuple } from '../../../packages/sealed-group/src/hash/index.ts';
import { decodeEntry, encodeEntry } from '../../../packages/sealed-group/src/identity/identity-entry.ts';
import { examineCommitPayload, Roster } from '../../../packages/sealed-group/src/identity/index.ts';
import {
  openCommitPayload,
  sealCommitPayload,
} from '../../../packages/sealed-group/src/identity/commit-payload.ts';
import {
  EpochKeys,
  expandLabel,
  initialChain,
  scheduleLabels,
} from '../../../packages/sealed-group/src/schedule/index.ts';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { makeSampleGroup, suite } from '../seeds/sample-group.ts';

const bodyHash = new Uint8Array(32).fill(9);
const smallestPayload = 1_024;

/** The payload is sealed here as any member can seal whatever it likes. */
export const target: FuzzTarget = {
  about: 'the payload of a commit: identity entries and the group’s profile, from another member',
  format: 'protobuf',
  maxBytes: 8 * 1024,
  runs: 4_000,
  prepare() {
    const { alice } = makeSampleGroup();
    const { group } = alice.ds;
    const { origin, tree } = group;
    const keys = EpochKeys.derive({
      chain: initialChain(),
      headSecret: new Uint8Array(32).fill(3),
      context: { ...group, treeHash: tree.treeHash() },
      leafCount: tree.leafCount,
    });
    const secret = keys.payload.reveal();
    const key = expandLabel(secret, scheduleLabels.payloadSealKey, [bodyHash], 32);
    const nonce = expandLabel(secret, scheduleLabels.payloadSealNonce, [bodyHash], 12);
    const cipher = () => gcm(key, nonce, hashTuple('payload-additional-data', keys.contextHash, bodyHash));
    const entries = alice.group.members().flatMap(({ entry }) => entry ?? []);
    const picture = { blobId: Uint8Array.of(1), key: new Uint8Array(32), sha256: new Uint8Array(32) };
    const seeds = [
      sealCommitPayload(keys, bodyHash, { entry: entries[0]!, others: entries.slice(1) }),
      sealCommitPayload(keys, bodyHash, {
        entry: { ...entries[0]!, picture },
        profile: { name: 'Group', description: 'two\nlines', picture },
      }),
    ].map((sealed) => unpadded(cipher().decrypt(sealed)));
    return {
      seeds,
      check(bytes) {
        const payload = cipher().encrypt(pad(bytes, smallestPayload));
        const opened = openCommitPayload(keys, bodyHash, payload);
        if (!opened.ok) return;
        for (const entry of [...opened.value.others, opened.value.entry ?? entries[0]!]) {
          const isPrecise = Number.isSafeInteger(entry.leafEpoch);
          const again = isPrecise ? decodeEntry(encodeEntry(entry)) : entry;
          demand(JSON.stringify(again) === JSON.stringify(entry), 'an entry survives encoding');
        }
        const findings = examineCommitPayload({
          suite,
          random: alice.deps.random,
          origin,
          keys,
          bodyHash,
          confirm: new Uint8Array(32),
          payload,
          committer: alice.group.me.leaf,
          tree,
          roster: Roster.empty(),
        });
        for (const entry of findings.others)
          demand(
            entries.some(({ leafSignature }) => Buffer.from(leafSignature).equals(entry.leafSignature)),
            'only signed entries are believed',
          );
      },
    };
  },
};

function unpadded(padded: Uint8Array): Uint8Array {
  return padded.slice(4, 4 + new DataView(padded.buffer, padded.byteOffset).getUint32(0));
}
