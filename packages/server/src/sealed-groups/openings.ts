/**
 * What the server makes for a newcomer who has no tree yet (docs/sealed-groups.md §8.7): the log after the commit that added its
 * leaf, in which each commit is replaced by the small opening for that leaf, and only messages that it can read are left.
 *
 *   frames after `after` ─▶ commit: tree moves on, opening │ message of the epoch: as it is │ else: passed over ─▶ page
 *
 * Openings are made of stored frames and trees. The tree of the page's first epoch is built from its rows, and moves on by the rows
 * of each commit; a page without commits needs none.
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
  toLeafIndex,
} from '@conclave/sealed-group';
import type {
  CommitFrame,
  LeafIndex,
  LeafPath,
  ParsedFrame,
  PreviewItem,
  PreviewPage,
  PublicTree,
} from '@conclave/sealed-group';
import { ApiError } from '../errors/api-error.ts';
import type { ServerDatabase } from '../schema/server-database.ts';
import type { GroupRow, GroupRows } from './group-rows.ts';
import { DamagedGroupError, loadTree, readChanges } from './stored-tree.ts';
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
      return await collect(request, { start, items: [], readTo: from, lastSeq: row.lastSeq }, place);
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
    const { tree } = await place.now();
    const start =
      frame !== undefined && isCommitFrame(frame)
        ? makePreviewStart(tree, frame, leaf as LeafIndex)
        : undefined;
    if (start === undefined) throw noSuchLeaf();
    return start;
  }

  async function openingItem(
    seq: number,
    frame: CommitFrame,
    place: Place,
  ): Promise<PreviewItem | undefined> {
    const { path: before } = await place.now();
    const tree = await place.move();
    const made = makeOpening({ before, tree, frame });
    if (made === undefined) return undefined;
    place.stand(made.path);
    return { seq, kind: 'opening', bytes: made.bytes };
  }

  /** Where a page stands in the group's epochs: `now` builds the tree when it is asked for. */
  function createPlace({ groupId, leaf, epoch: added }: PreviewRequest, epoch: number): Place {
    let built: { tree: PublicTree; path: LeafPath } | undefined;
    let at = epoch;
    const now = async (): Promise<{ tree: PublicTree; path: LeafPath }> => {
      if (built !== undefined) return built;
      const { tree } = await loadTree(trees, groupId, at);
      const index = toLeafIndex(leaf, tree.leafCount);
      const path = index === undefined ? undefined : cutLeafPath(tree, index);
      if (path?.leaf.epoch !== added) throw noSuchLeaf();
      built = { tree, path };
      return built;
    };
    return {
      get epoch() {
        return at;
      },
      now,
      async move() {
        const { tree } = await now();
        tree.apply(await readChanges(trees, groupId, at + 1));
        at += 1;
        return tree;
      },
      stand(path) {
        if (built !== undefined) built = { ...built, path };
      },
    };
  }
}

interface Place {
  readonly epoch: number;
  /** The tree of `epoch`, and the leaf's path in it. */
  now(): Promise<{ readonly tree: PublicTree; readonly path: LeafPath }>;
  /** On to the next epoch; the tree is the same object. */
  move(): Promise<PublicTree>;
  /** The leaf's path after `move`. */
  stand(path: LeafPath): void;
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
