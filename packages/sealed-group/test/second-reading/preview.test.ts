/** vectors/preview.json by hand (docs/sealed-groups.md §8.7): from the octets of invite and page to the words. */
import { expect, it } from 'vitest';
import { flipBit } from '../vectors/flip-bit.ts';
import type { PreviewVectors } from '../vectors/preview-vectors.ts';
import { readVectors } from '../vectors/write-vectors.ts';
import type { Epoch } from './epoch.ts';
import { confirmOf, epochOf, openText } from './epoch.ts';
import { readFields } from './fields.ts';
import { openRow } from './open-row.ts';
import { bytes, ed25519Holds, hashTuple, hex, nextSecret, publicKeyOf } from './primitives.ts';
import type { Path } from './tree-path.ts';
import { ancestorsOf, keyIn, readPath, treeHashOf } from './tree-path.ts';

const vectors = readVectors('preview.json') as PreviewVectors;

/** §8.1. */
function readInvite(encoded: Buffer) {
  const invite = readFields(encoded);
  const body = readFields(invite.octets(1));
  const holds = ed25519Holds(body.octets(15), hashTuple('invite', invite.octets(1)), invite.octets(2));
  if (!holds) throw new Error('not signed');
  const mode = modeOf(body.octets(5));
  return {
    origin: body.octets(3).toString(),
    groupId: body.octets(4),
    mode,
    epoch: body.value(6),
    chain: body.octets(7),
    treeHash: body.octets(8),
    transcript: body.octets(9),
    leaf: body.value(10),
    leafSecret: body.octets(11),
  };
}

function modeOf(octets: Buffer) {
  const mode = readFields(octets);
  const minWriter = ['', 'owner', 'admin', 'member'][mode.value(2)]!;
  return { leafProof: mode.value(1) === 1, minWriter, ownDevices: mode.value(3) === 1 };
}

/** Opens the rows upwards, hashes on to the root, compares with the keys of the path; gives the head's secret. */
function openRows(path: Path, rows: readonly Buffer[], secrets: Map<number, Uint8Array>): Uint8Array {
  const contentOf = new Map(path.ancestors.map(({ index, content }) => [index, content]));
  let secret: Uint8Array = Buffer.alloc(0);
  let last = -1;
  for (const row of rows.map(readFields)) {
    const node = row.value(1);
    secret = openRow(row.octets(2), row.octets(4), secrets.get(row.value(3))!);
    expect(hex(publicKeyOf(secret))).toBe(hex(keyIn(contentOf.get(node)!)));
    secrets.set(node, secret);
    last = path.ancestors.findIndex(({ index }) => index === node);
  }
  for (const { index, content } of path.ancestors.slice(last + 1)) {
    if (content[0] === 0) continue;
    secret = nextSecret(secret);
    expect(hex(publicKeyOf(secret))).toBe(hex(keyIn(content)));
    secrets.set(index, secret);
  }
  return secret;
}

/** The path after an opening's changes. */
function changePath(path: Path, depth: number, changes: readonly Buffer[]): Path {
  const changeByLevel = new Map(changes.map(readFields).map((change) => [change.value(1), change]));
  const ancestors = ancestorsOf(path.leaf, depth).map((index, i) => {
    const [before, change] = [path.ancestors[i], changeByLevel.get(i + 1)];
    const content = change?.has(2) === true ? change.octets(2) : before!.content;
    const beside = change?.has(3) === true ? change.octets(3) : before!.beside;
    return { index, content, beside };
  });
  return { ...path, depth, ancestors };
}

/** The page, item by item. */
function readAll() {
  const invite = readInvite(bytes(vectors.invite));
  const page = readFields(bytes(vectors.page));
  const start = readFields(page.octets(1));
  let path = readPath(start.octets(1));
  expect(hex(treeHashOf(path))).toBe(hex(invite.treeHash));
  expect(path.leaf).toBe(invite.leaf);
  expect(hex(publicKeyOf(invite.leafSecret))).toBe(hex(keyIn(path.leafContent)));
  const secrets = new Map<number, Uint8Array>([[2 * invite.leaf, invite.leafSecret]]);
  openRows(path, start.all(2), secrets);

  let { mode, chain, transcript } = invite;
  let epoch: Epoch | undefined;
  const epochs: unknown[] = [];
  const messages: unknown[] = [];
  const confirms: { told: string; computed: string; ofAnotherTree: string }[] = [];
  for (const item of page.all(2).map(readFields)) {
    if (item.has(2)) {
      const opening = readFields(item.octets(2));
      path = changePath(path, opening.value(6), opening.all(7));
      const headSecret = openRows(path, opening.all(8), secrets);
      if (opening.has(5)) mode = modeOf(opening.octets(5));
      const confirmedTranscript = hashTuple('transcript-confirmed', transcript, opening.octets(2));
      const treeHash = treeHashOf(path);
      const { origin, groupId } = invite;
      const input = { origin, groupId, mode, chain, headSecret, treeHash, confirmedTranscript };
      epoch = epochOf({ ...input, epoch: opening.value(1) });
      const forged = epochOf({ ...input, epoch: opening.value(1), treeHash: flipBit(treeHash, 0) });
      confirms.push({
        told: hex(opening.octets(4)),
        computed: hex(confirmOf(epoch)),
        ofAnotherTree: hex(confirmOf(forged)),
      });
      transcript = hashTuple('transcript', confirmedTranscript, opening.octets(3));
      chain = epoch.derive('chain');
      epochs.push({
        epoch: epoch.epoch,
        leafCount: 2 ** path.depth,
        mode,
        treeHash: hex(treeHash),
        confirmedTranscript: hex(confirmedTranscript),
        transcript: hex(transcript),
        authenticator: hex(epoch.derive('authenticator')),
      });
    } else {
      const body = readFields(readFields(item.octets(3)).octets(1));
      const message = readFields(body.octets(10));
      const text = openText(epoch!, 2 ** path.depth, {
        nonce: body.octets(6),
        nowMs: body.value(7),
        header: message.octets(1),
        ciphertext: message.octets(2),
      });
      messages.push({ epoch: body.value(5), leaf: text.leaf, [text.type]: text.content.toString() });
    }
  }
  return { epochs, messages, confirms };
}

it('a second reading of a preview comes from the octets to the same epochs and words', () => {
  const { epochs, messages, confirms } = readAll();
  expect(epochs).toEqual(vectors.epochs);
  expect(messages).toEqual(vectors.messages);
  for (const { told, computed, ofAnotherTree } of confirms) {
    expect(computed).toBe(told);
    expect(ofAnotherTree).not.toBe(told);
  }
});
