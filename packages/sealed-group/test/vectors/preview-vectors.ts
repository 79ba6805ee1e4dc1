/**
 * Known answers for a preview (docs/sealed-groups.md §8.7): what a server makes for the holder of an invite, and what the
 * newcomer computes from it. `checkPreviewVectors` reads them with this package, in Node and in the browser.
 */
import { hexToBytes } from '@noble/hashes/utils.js';
import type { Invite } from '../../src/invite/index.ts';
import { decodeInvite, verifyInvite } from '../../src/invite/index.ts';
import { decodePreviewPage, Preview } from '../../src/preview/index.ts';
import type { PreviewItem } from '../../src/preview/index.ts';
import type { Result } from '../../src/result.ts';
import { createSuite } from '../../src/suite.ts';
import type { RefusedFlip } from './flip-bit.ts';
import { flipBit } from './flip-bit.ts';
import { expectRule } from './identity-vectors.ts';

const suite = createSuite();

export interface PreviewEpoch {
  readonly epoch: number;
  readonly leafCount: number;
  readonly mode: { readonly leafProof: boolean; readonly minWriter: string; readonly ownDevices: boolean };
  readonly treeHash: string;
  readonly confirmedTranscript: string;
  readonly transcript: string;
  readonly authenticator: string;
}

export interface PreviewVectors {
  readonly description: string;
  readonly nowMs: number;
  /** As `decodeInvite` takes it. */
  readonly invite: string;
  /** A PreviewPage with a start. */
  readonly page: string;
  /** The epochs after the invite's, one for each opening of the page. */
  readonly epochs: readonly PreviewEpoch[];
  /** What the page's messages say, in order. */
  readonly messages: readonly { readonly epoch: number; readonly leaf: number; readonly text: string }[];
  readonly refused: readonly RefusedFlip[];
}

/** Throws unless this package reads the page as it is meant, and refuses what it is meant to refuse. */
export function checkPreviewVectors(vectors: PreviewVectors): void {
  const invite = inviteOf(vectors);
  const page = decodePreviewPage(hexToBytes(vectors.page));
  if (!page.ok) throw new Error(page.rule);
  const { start, items } = page.value;
  const opened = Preview.open(suite, invite, start!);
  if (!opened.ok) throw new Error(opened.rule);
  const preview = opened.value;
  const read = items.flatMap(({ kind, bytes }) => {
    if (kind === 'opening') {
      expectRule(preview.advance(bytes), 'accepted');
      return [];
    }
    const message = preview.readMessage(bytes);
    if (!message.ok || message.value.content.kind !== 'text') throw new Error('not a text');
    const { epoch, leaf, content } = message.value;
    return [{ epoch, leaf, text: content.text }];
  });
  if (JSON.stringify(read) !== JSON.stringify(vectors.messages)) throw new Error(JSON.stringify(read));
  for (const flip of vectors.refused) expectRule(readFlipped(invite, start!, items, flip), flip.rule);
}

function inviteOf({ invite: encoded, nowMs }: PreviewVectors): Invite {
  const decoded = decodeInvite(hexToBytes(encoded));
  if (!decoded.ok) throw new Error(decoded.rule);
  const invite = verifyInvite(suite, decoded.value, { nowMs });
  if (!invite.ok) throw new Error(invite.rule);
  return invite.value;
}

/** `part` is `start`, or `item N`, N counting from 0. */
function readFlipped(
  invite: Invite,
  start: Uint8Array,
  items: readonly PreviewItem[],
  { part, bit }: RefusedFlip,
): Result<unknown> {
  const opened = Preview.open(suite, invite, part === 'start' ? flipBit(start, bit) : start);
  if (!opened.ok || part === 'start') return opened;
  const preview = opened.value;
  const place = Number(part.slice('item '.length));
  for (const { kind, bytes } of items.slice(0, place)) {
    expectRule(kind === 'opening' ? preview.advance(bytes) : preview.readMessage(bytes), 'accepted');
  }
  const { kind, bytes } = items[place]!;
  const changed = flipBit(bytes, bit);
  return kind === 'opening' ? preview.advance(changed) : preview.readMessage(changed);
}
