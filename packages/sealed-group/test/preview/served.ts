/** What an honest server would serve of a delivery service's log to the holder of an invite, and newcomers that preview it. */
import type { CommitFrame, Invite, LeafIndex, PublicTree } from '../../src/index.ts';
import {
  cutLeafPath,
  decodeInvite,
  decodeTree,
  isCommitFrame,
  makeOpening,
  makePreviewStart,
  parseFrame,
  parsePublicKey,
  Preview,
  verifyInvite,
} from '../../src/index.ts';
import type { DeliveryService } from '../group/delivery-service.ts';
import { suite, valueOf } from '../group/people.ts';

export function openInvite(ds: DeliveryService, given: { invite: Uint8Array }): Invite {
  return valueOf(verifyInvite(suite, valueOf(decodeInvite(given.invite)), { nowMs: ds.nowMs }));
}

export function treeOf(ds: DeliveryService, epoch: number): PublicTree {
  return valueOf(decodeTree(ds.treeByEpoch.get(epoch)!, (bytes) => parsePublicKey(suite, bytes)));
}

export function commitOf(ds: DeliveryService, epoch: number): CommitFrame {
  const frame = valueOf(parseFrame(ds.log[ds.seqByEpoch.get(epoch)! - 1]!.bytes));
  if (!isCommitFrame(frame)) throw new Error('not a commit');
  return frame;
}

export function startFor(ds: DeliveryService, { epoch, leaf }: Invite): Uint8Array {
  const start = makePreviewStart(treeOf(ds, epoch), commitOf(ds, epoch), leaf);
  if (start === undefined) throw new Error('no start');
  return start;
}

/** Of the commit that made `epoch`. */
export function openingFor(ds: DeliveryService, leaf: LeafIndex, epoch: number): Uint8Array | undefined {
  const before = cutLeafPath(treeOf(ds, epoch - 1), leaf);
  if (before === undefined) return undefined;
  return makeOpening({ before, tree: treeOf(ds, epoch), frame: commitOf(ds, epoch) })?.bytes;
}

export interface Previewed {
  readonly preview: Preview;
  readonly texts: string[];
  readonly bytes: number;
}

/** Previews everything from the invite to the end of the log, or to the commit that has no opening. */
export function previewAll(ds: DeliveryService, invite: Invite): Previewed {
  const start = startFor(ds, invite);
  const preview = valueOf(Preview.open(suite, invite, start));
  const texts: string[] = [];
  let bytes = start.length;
  for (const { bytes: octets } of ds.log.slice(ds.seqByEpoch.get(invite.epoch))) {
    const frame = valueOf(parseFrame(octets));
    if (isCommitFrame(frame)) {
      const opening = openingFor(ds, invite.leaf, frame.header.epoch + 1);
      if (opening === undefined) break;
      bytes += opening.length;
      valueOf(preview.advance(opening));
    } else {
      const read = preview.readMessage(octets);
      if (read.ok && read.value.content.kind === 'text') texts.push(read.value.content.text);
    }
  }
  return { preview, texts, bytes };
}
