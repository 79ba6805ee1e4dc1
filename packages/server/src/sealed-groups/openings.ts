/**
 * What the server makes for a newcomer who has no tree yet (docs/sealed-groups.md §8.7): the log after the commit that added its
 * leaf, in which each commit is replaced by the small opening for that leaf, and only messages that it can read are left.
 *
 *   frames after `after` ─▶ commit: the view moves on, opening │ message of the epoch: as it is │ else: passed over ─▶ page
 *
 * Openings are made of stored frames and of the rows on the leaf's path (leaf-view.ts); a page without commits reads none.
 */
import type { Store } from '@conclave/platform';
import {
  cutLeafPath,
  isCommitFrame,
  isMessageFrame,
  makeOpening,
  makePreviewStart,
  maxPreviewItems,
  maxPreviewPageBytes,
  parseFrame,
} from '@conclave/sealed-group';
import type {
  CommitFrame,
  LeafIndex,
  LeafPath,
  ParsedFrame,
  PreviewItem,
  PreviewPage,
} from '@conclave/sealed-group';
import { ApiError } from '../errors/api-error.ts';
import type { ServerDatabase } from '../schema/server-database.ts';
import type { GroupRow, GroupRows } from './group-rows.ts';
import { LeafView } from './leaf-view.ts';
import { DamagedGroupError, requireEpoch } from './stored-tree.ts';
import type { TreeRows } from './tree-rows.ts';

/** What is read of the log at a time, and for one page. */
const framesAtATime = 64;
const bytesAtATime = 4 * 1024 * 1024;

export interface PreviewRequest {
  readonly groupId: string;
  readonly row: GroupRow;
  /** The newcomer's leaf and the epoch that added it. */
  readonly leaf: number;
  readonly epoch: number;
  /** Where the page before ended; undefined for the first, which begins with the start. */
  readonly after: number | undefined;
}

export type Openings = ReturnType<typeof createOpenings>;

export function createOpenings(deps: {
  readonly store: Store<ServerDatabase>;
  readonly rows: GroupRows;
  readonly trees: TreeRows;
}) {
  const { rows, trees } = deps;
  const { db } = deps.store;

  return {
    /** Throws {@link ApiError} `CONCLAVE_NO_SUCH_EPOCH` and `CONCLAVE_NO_SUCH_LEAF`, unless this epoch added this leaf. */
    async readPage(request: PreviewRequest): Promise<PreviewPage> {
      const { groupId, row, epoch } = request;
      const addedAt = await findAdding(groupId, epoch);
      const from = Math.max(addedAt, request.after ?? 0);
      const place = createPlace(request, await rows.epochAfter(groupId, from));
      const start = request.after === undefined ? await makeStart(request, addedAt, place) : undefined;
      const page = await collect(request, { start, items: [], readTo: from, lastSeq: row.lastSeq }, place);
      await place.close();
      return page;
    },
  };

  async function collect(
    { groupId, epoch }: PreviewRequest,
    page: PreviewPage,
    place: Place,
  ): Promise<PreviewPage> {
    const { start, lastSeq } = page;
    const items: PreviewItem[] = [];
    let bytes = start?.length ?? 0;
    let { readTo } = page;
    for (let considered = 0; readTo < lastSeq && considered < maxPreviewItems;) {
      const frames = await rows.listFrames(groupId, readTo, framesAtATime, bytesAtATime);
      if (frames.length === 0) break;
      for (const { seq, frame: octets } of frames) {
        const frame = parseStored(octets);
        if (isCommitFrame(frame) || (isMessageFrame(frame) && isReadable(frame, place.epoch, epoch))) {
          const item = isCommitFrame(frame)
            ? await openingItem(seq, frame, place)
            : ({ seq, kind: 'message', bytes: octets } as const);
          // The leaf is gone, or has the tree: there is nothing more for its newcomer.
          if (item === undefined) return { start, items, readTo, lastSeq };
          if (items.length > 0 && bytes + item.bytes.length > maxPreviewPageBytes) {
            return { start, items, readTo, lastSeq };
          }
          items.push(item);
          bytes += item.bytes.length;
        }
        readTo = seq;
        considered += 1;
      }
    }
    return { start, items, readTo, lastSeq };
  }

  /** Sequence number of the commit that made `epoch`. */
  async function findAdding(groupId: string, epoch: number): Promise<number> {
    const made = await db
      .selectFrom('sealed_epochs')
      .select('seq')
      .where('group_id', '=', groupId)
      .where('epoch', '=', epoch)
      .executeTakeFirst();
    if (made === undefined) throw noSuchEpoch();
    return made.seq;
  }

  async function makeStart(
    { groupId, leaf }: PreviewRequest,
    addedAt: number,
    place: Place,
  ): Promise<Uint8Array> {
    const [stored] = await rows.listFrames(groupId, addedAt - 1, 1, bytesAtATime);
    const frame = stored && parseStored(stored.frame);
    const { view } = await place.now();
    if (frame === undefined || !isCommitFrame(frame)) throw noSuchLeaf();
    await view.readRecipients(frame);
    const start = makePreviewStart(view, frame, leaf as LeafIndex);
    if (start === undefined) throw noSuchLeaf();
    return start;
  }

  async function openingItem(
    seq: number,
    frame: CommitFrame,
    place: Place,
  ): Promise<PreviewItem | undefined> {
    const { path: before, view } = await place.now();
    await place.move();
    if (view.leaf(before.index)?.epoch !== before.leaf.epoch) return undefined;
    await view.readRecipients(frame);
    const made = makeOpening({ before, tree: view, frame });
    if (made === undefined) return undefined;
    place.stand(made.path);
    return { seq, kind: 'opening', bytes: made.bytes };
  }

  /** Where a page stands in the group's epochs: `now` reads the leaf's path when it is asked for. */
  function createPlace({ groupId, leaf, epoch: added }: PreviewRequest, first: number): Place {
    let standing: { view: LeafView; path: LeafPath } | undefined;
    let at = first;
    const now = async (): Promise<{ view: LeafView; path: LeafPath }> => {
      if (standing !== undefined) return standing;
      const view = await LeafView.open(trees, groupId, leaf, at);
      const path = cutLeafPath(view, leaf as LeafIndex);
      if (path?.leaf.epoch !== added) throw noSuchLeaf();
      standing = { view, path };
      return standing;
    };
    return {
      get epoch() {
        return at;
      },
      now,
      async move() {
        await (await now()).view.advance();
        at += 1;
      },
      stand(path) {
        if (standing !== undefined) standing = { ...standing, path };
      },
      async close() {
        if (standing !== undefined) await requireEpoch(trees, groupId, first);
      },
    };
  }
}

interface Place {
  readonly epoch: number;
  /** The rows of `epoch`, and the leaf's path in them. */
  now(): Promise<{ readonly view: LeafView; readonly path: LeafPath }>;
  /** On to the next epoch; the view is the same object. */
  move(): Promise<void>;
  /** The leaf's path after `move`. */
  stand(path: LeafPath): void;
  /** Throws as `requireEpoch` if the page's first epoch was given up while its rows were read. */
  close(): Promise<void>;
}

/** Epoch `added` itself is closed to its newcomer, and late messages of the epoch before are left to the full join. */
function isReadable(frame: ParsedFrame, current: number, added: number): boolean {
  return frame.header.epoch === current && current > added;
}

function parseStored(octets: Uint8Array): ParsedFrame {
  const frame = parseFrame(octets);
  if (!frame.ok) throw new DamagedGroupError();
  return frame.value;
}

function noSuchEpoch(): ApiError {
  return new ApiError('CONCLAVE_NO_SUCH_EPOCH', 'There is no tree of this epoch');
}

function noSuchLeaf(): ApiError {
  return new ApiError('CONCLAVE_NO_SUCH_LEAF', 'This epoch added no leaf at this index');
}
