/**
 * The octets of a preview: its start, openings and pages. Only the canonical encoding is accepted, every length and count is
 * checked here, and nothing throws for bytes from outside. What the values claim is verified in `preview.ts`.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { decodeCanonical, safeInteger } from '../schedule/decode-canonical.ts';
import type { GroupMode } from '../tree/index.ts';
import type { PathChange, PreviewItem as WireItem, SealedRow as WireRow } from '../wire/gen/preview_pb.js';
import { OpeningSchema, PreviewPageSchema, PreviewStartSchema } from '../wire/gen/preview_pb.js';
import { confirmBytes, digitVectorBytes, keyBytes, maxFrameBytes, maxLeafCount } from '../wire/limits.ts';
import { decodeMode, encodeMode } from '../wire/roles.ts';
import type { AncestorChange } from './leaf-path.ts';

/** A start or an opening: its rows are 20 KiB at the most, the rest is for unmerged leaves on the path. */
export const maxOpeningBytes = 2 ** 19;
/** A page ends before it is larger, unless its one item is. */
export const maxPreviewPageBytes = 48 * 1024;
/** Items of a page. */
export const maxPreviewItems = 512;
const maxDepth = Math.log2(maxLeafCount);
const largestPage = maxFrameBytes + maxOpeningBytes + maxPreviewPageBytes;

/** One recipient's part of a sealed node. */
export interface SealedRow {
  readonly node: number;
  /** V_0..V_15, 512 bytes. */
  readonly commitments: Uint8Array;
  /** The node whose key the handles are for. */
  readonly recipient: number;
  /** D_0..D_15, 512 bytes. */
  readonly handles: Uint8Array;
}

export interface PreviewStart {
  /** As `encodeMerklePath` gives it. */
  readonly path: Uint8Array;
  /** Ascending by level, at least one. */
  readonly sealed: readonly SealedRow[];
}

export interface Opening {
  /** The epoch that it opens. */
  readonly epoch: number;
  readonly bodyHash: Uint8Array;
  readonly wholeTrailerHash: Uint8Array;
  readonly confirm: Uint8Array;
  /** Undefined if the commit left it as it was. */
  readonly mode: GroupMode | undefined;
  readonly leafCount: number;
  readonly changes: readonly AncestorChange[];
  readonly sealed: readonly SealedRow[];
}

export interface PreviewItem {
  /** Of the frame that it is, or was made from. */
  readonly seq: number;
  readonly kind: 'opening' | 'message';
  readonly bytes: Uint8Array;
}

export interface PreviewPage {
  readonly start: Uint8Array | undefined;
  readonly items: readonly PreviewItem[];
  /** Where the next page begins. */
  readonly readTo: number;
  readonly lastSeq: number;
}

export function encodePreviewStart({ path, sealed }: PreviewStart): Uint8Array {
  return toBinary(PreviewStartSchema, create(PreviewStartSchema, { path, sealed: [...sealed] }));
}

export function encodeOpening(opening: Opening): Uint8Array {
  const { epoch, mode, leafCount, changes, sealed, ...hashes } = opening;
  return toBinary(
    OpeningSchema,
    create(OpeningSchema, {
      ...hashes,
      epoch: BigInt(epoch),
      ...(mode === undefined ? {} : { mode: encodeMode(mode) }),
      depth: Math.log2(leafCount),
      path: changes.map(({ place, content, beside }) => ({
        level: place + 1,
        content: content ?? new Uint8Array(0),
        beside: beside ?? new Uint8Array(0),
      })),
      sealed: [...sealed],
    }),
  );
}

export function encodePreviewPage({ start, items, readTo, lastSeq }: PreviewPage): Uint8Array {
  return toBinary(
    PreviewPageSchema,
    create(PreviewPageSchema, {
      start: start ?? new Uint8Array(0),
      items: items.map(({ seq, kind, bytes }) => ({
        seq: BigInt(seq),
        item: { case: kind, value: bytes },
      })),
      readTo: BigInt(readTo),
      lastSeq: BigInt(lastSeq),
    }),
  );
}

export function decodePreviewStart(bytes: Uint8Array): Result<PreviewStart> {
  if (bytes.length > maxOpeningBytes) return malformed('size');
  const start = decodeCanonical(PreviewStartSchema, bytes);
  if (start === undefined || !areRows(start.sealed)) return malformed('start');
  return accept({ path: start.path, sealed: start.sealed });
}

export function decodeOpening(bytes: Uint8Array): Result<Opening> {
  if (bytes.length > maxOpeningBytes) return malformed('size');
  const opening = decodeCanonical(OpeningSchema, bytes);
  const epoch = opening === undefined ? undefined : safeInteger(opening.epoch);
  if (opening === undefined || epoch === undefined) return malformed('opening');
  const { bodyHash, wholeTrailerHash, confirm, depth, path, sealed } = opening;
  if (bodyHash.length !== keyBytes || wholeTrailerHash.length !== keyBytes) return malformed('hashes');
  if (confirm.length !== confirmBytes) return malformed('confirm');
  const mode = decodeMode(opening.mode);
  if ((opening.mode === undefined) !== (mode === undefined)) return malformed('mode');
  if (depth > maxDepth || !areChanges(path) || !areRows(sealed)) return malformed('path');
  const changes = path.map(({ level, content, beside }): AncestorChange => ({
    place: level - 1,
    content: content.length === 0 ? undefined : content,
    beside: beside.length === 0 ? undefined : beside,
  }));
  return accept({
    epoch,
    bodyHash,
    wholeTrailerHash,
    confirm,
    mode,
    leafCount: 2 ** depth,
    changes,
    sealed,
  });
}

/** Items are in the order of the log, none of it after `readTo`. */
export function decodePreviewPage(bytes: Uint8Array): Result<PreviewPage> {
  if (bytes.length > largestPage) return malformed('size');
  const page = decodeCanonical(PreviewPageSchema, bytes);
  const readTo = page === undefined ? undefined : safeInteger(page.readTo);
  const lastSeq = page === undefined ? undefined : safeInteger(page.lastSeq);
  if (page === undefined || readTo === undefined || lastSeq === undefined || readTo > lastSeq) {
    return malformed('page');
  }
  if (page.items.length > maxPreviewItems) return malformed('items');
  const items: PreviewItem[] = [];
  for (const wire of page.items) {
    const item = itemOf(wire);
    if (item === undefined || item.seq <= (items.at(-1)?.seq ?? 0) || item.seq > readTo)
      return malformed('item');
    items.push(item);
  }
  return accept({ start: page.start.length === 0 ? undefined : page.start, items, readTo, lastSeq });
}

function itemOf({ seq, item }: WireItem): PreviewItem | undefined {
  const number = safeInteger(seq);
  return number === undefined || item.case === undefined
    ? undefined
    : { seq: number, kind: item.case, bytes: item.value };
}

function areRows(rows: readonly WireRow[]): boolean {
  return (
    rows.length > 0 &&
    rows.length <= maxDepth &&
    rows.every(
      ({ commitments, handles }) =>
        commitments.length === digitVectorBytes && handles.length === digitVectorBytes,
    )
  );
}

/** Levels ascend; each says what changed. */
function areChanges(changes: readonly PathChange[]): boolean {
  return changes.every(
    ({ level, content, beside }, i) =>
      level > (changes[i - 1]?.level ?? 0) &&
      level <= maxDepth &&
      (beside.length === keyBytes || (beside.length === 0 && content.length > 0)),
  );
}

function malformed(detail: string): Result<never> {
  return violation('preview/form', detail);
}
