/** Makes `vectors/preview.json`: a group of five, an invite, and two commits and three messages after it. */
import { bytesToHex as hex } from '@noble/hashes/utils.js';
import { encodePreviewPage, isCommitFrame, parseFrame } from '../../src/index.ts';
import type { PreviewItem } from '../../src/index.ts';
import { Client, person, service, startMs, valueOf } from '../group/people.ts';
import { openingFor, openInvite, startFor } from '../preview/served.ts';
import type { PreviewEpoch, PreviewVectors } from './preview-vectors.ts';

export function makePreviewVectors(): PreviewVectors {
  const ds = service();
  const alice = Client.create(person('alice', 'preview'), ds);
  const members = alice.add({}, {}, {}).map((leaf, i) => {
    const member = Client.accept(person(`member ${i}`, 'preview'), ds, alice.invite(leaf));
    return member;
  });
  for (const member of members) {
    member.sync();
    valueOf(member.commit());
  }
  alice.sync();
  const [leaf] = alice.add({});
  const given = alice.invite(leaf!);
  const invite = openInvite(ds, given);
  const bob = members[1]!;
  const epochs: PreviewEpoch[] = [];
  const note = (): void => {
    const { epoch, mode, treeHash, confirmedTranscript, transcript, leafCount } = groupOf();
    epochs.push({
      epoch,
      leafCount,
      mode,
      treeHash: hex(treeHash),
      confirmedTranscript: hex(confirmedTranscript),
      transcript: hex(transcript),
      authenticator: hex(alice.group.authenticator!),
    });
  };
  const groupOf = () => {
    const { epoch, mode, tree, confirmedTranscript, transcript } = ds.group;
    return {
      epoch,
      mode,
      treeHash: tree.treeHash(),
      leafCount: tree.leafCount,
      confirmedTranscript,
      transcript,
    };
  };
  bob.sync();
  valueOf(bob.commit());
  alice.sync();
  note();
  valueOf(alice.say('The owl flies at dusk.'));
  valueOf(bob.say('Grüße, 世界 👋'));
  alice.sync();
  valueOf(alice.commit([{ kind: 'set-mode', mode: { ...alice.group.mode, leafProof: true } }]));
  note();
  valueOf(alice.say('signed by its leaf'));

  const first = ds.seqByEpoch.get(invite.epoch)!;
  const items = ds.log.slice(first).map(({ seq, bytes }): PreviewItem => {
    const frame = valueOf(parseFrame(bytes));
    if (!isCommitFrame(frame)) return { seq, kind: 'message', bytes };
    return { seq, kind: 'opening', bytes: openingFor(ds, invite.leaf, frame.header.epoch + 1)! };
  });
  const start = startFor(ds, invite);
  const lastSeq = ds.log.length;
  const [opening] = items;
  /** After epoch (2 octets), body hash and hash of the trailer (34 each) comes `confirm`. */
  const confirmAt = 2 + 2 * 34 + 2;
  return {
    description:
      'What a server makes for the holder of an invite. Parts: "start" is the start, "item N" the octets of the N-th item of the page, from 0. refused: one bit of a part is changed, what precedes it is as it was.',
    nowMs: startMs,
    invite: hex(given.invite),
    page: hex(encodePreviewPage({ start, items, readTo: lastSeq, lastSeq })),
    epochs,
    messages: [
      { epoch: epochs[0]!.epoch, leaf: 0, text: 'The owl flies at dusk.' },
      { epoch: epochs[0]!.epoch, leaf: bob.group.me.leaf, text: 'Grüße, 世界 👋' },
      { epoch: epochs[1]!.epoch, leaf: 0, text: 'signed by its leaf' },
    ],
    refused: [
      // The last octets of a path are a hash beside it; in front of them stand counts, indices and keys.
      { part: 'start', bit: 8 * 8, rule: 'tree/malformed-key' },
      { part: 'start', bit: 8 * (start.length - 1), rule: 'preview/opens' },
      { part: 'item 0', bit: 8, rule: 'preview/next-epoch' },
      { part: 'item 0', bit: 8 * 4, rule: 'preview/confirm' },
      { part: 'item 0', bit: 8 * confirmAt, rule: 'preview/confirm' },
      { part: 'item 0', bit: 8 * (opening!.bytes.length - 1), rule: 'preview/opens' },
      { part: 'item 1', bit: 8 * (items[1]!.bytes.length - 80), rule: 'message/decrypts' },
    ],
  };
}
