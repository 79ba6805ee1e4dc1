/**
 * The removed member's revenge: it copied its whole state, keys and all, before it was removed, and somebody with the
 * server's disk gives it every frame. How much can it read? Every frame is tried against the copied state itself, past
 * all checks of order that an honest client would make.
 */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { systemRandom } from '@conclave/platform';
import { SealedGroup, SigningKey } from '@conclave/sealed-group';
import { createNodeSuite, openNodeStore } from '@conclave/sdk/node';
import { keyFile, storeFile } from './member-main.ts';

export interface Loot {
  /** Frames of each kind that were tried. */
  readonly messages: number;
  readonly commits: number;
  /** Messages whose text came out. */
  readonly read: number;
  /** Commits that could be followed into their epoch. */
  readonly followed: number;
  /** Sealed secrets in those commits that opened with any of the kept secrets, whoever they were sealed to. */
  readonly opened: number;
}

/** Tries the frames of `seqs` (inclusive) from the server's database against the copy in `folder`. */
export async function tryStolenKeys(options: {
  readonly folder: string;
  readonly database: string;
  readonly fromSeq: number;
  readonly toSeq?: number;
}): Promise<Loot> {
  const store = await openNodeStore({
    path: join(options.folder, storeFile),
    unlock: { keyFile: join(options.folder, keyFile) },
  });
  try {
    const [group] = await store.list({ under: ['group'] });
    const groupId = String(group?.path[1]);
    const [publicPart, secretPart] = await Promise.all([
      store.get(['state', groupId, 'public']),
      store.get(['state', groupId, 'secret']),
    ]);
    if (publicPart === undefined || secretPart === undefined) throw new Error('the copy holds no keys');
    const deps = {
      suite: createNodeSuite(),
      random: systemRandom,
      identity: SigningKey.generate(systemRandom),
      profile: { name: 'thief', deviceName: 'thief', picture: undefined },
    };
    const loot = { messages: 0, commits: 0, read: 0, followed: 0, opened: 0 };
    for (const { kind, frame } of readFrames(options)) {
      // A fresh copy for every frame: nothing that one of them does can spoil the next.
      const state = SealedGroup.decode(deps, { public: publicPart.slice(), secret: secretPart.slice() });
      if (!state.ok) throw new Error(`the copy cannot be read: ${state.rule}`);
      const thief = state.value;
      const { epoch } = thief;
      loot.opened += thief.countOpenedNodes(frame);
      const outcome = thief.processFrame(frame, thief.lastSeq + 1);
      const events = outcome.ok ? outcome.value : [];
      if (kind === 'message') {
        loot.messages++;
        if (events.some((event) => event.kind === 'message')) loot.read++;
      } else if (kind === 'commit') {
        loot.commits++;
        if (thief.epoch > epoch && thief.authenticator !== undefined) loot.followed++;
      }
    }
    return loot;
  } finally {
    await store.close();
  }
}

function readFrames(options: { database: string; fromSeq: number; toSeq?: number }) {
  const database = new Database(options.database, { readonly: true });
  try {
    return database
      .prepare('select seq, kind, frame from sealed_frames where seq between ? and ? order by seq')
      .all(options.fromSeq, options.toSeq ?? Number.MAX_SAFE_INTEGER) as {
      seq: number;
      kind: string;
      frame: Buffer;
    }[];
  } finally {
    database.close();
  }
}
