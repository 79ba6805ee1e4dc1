/**
 * Where attachments are kept is recorded, so that a server that looks for them elsewhere does not start: every download would be
 * answered as if the attachment had been deleted.
 *
 *   disk ─▶ s3 with blobs.previous: disk ─▶ conclave migrate-blobs ─▶ s3
 */
import type { Transaction } from 'kysely';
import type { Store } from '@conclave/platform';
import type { Config } from '../config/config-schema.ts';
import { ConfigError } from '../config/load-config.ts';
import type { ServerDatabase } from '../schema/server-database.ts';
import { countUnmoved } from './move-progress.ts';

/** Throws {@link ConfigError} when attachments are where these settings do not look. */
export async function claimPlace(store: Store<ServerDatabase>, settings: Config['blobs']): Promise<void> {
  const { engine, previous } = settings;
  await store.write(async (trx) => {
    const place = await trx.selectFrom('attachment_place').selectAll().executeTakeFirst();
    const fresh = { engine, previous, concurrency: null, begun_at_ms: null, finished_at_ms: null };
    if (place === undefined) {
      await trx
        .insertInto('attachment_place')
        .values({ id: 1, ...fresh })
        .execute();
      return;
    }
    if (place.engine === engine && place.previous === previous) return;
    if (place.engine !== engine && previous !== place.engine && (await hasAttachments(trx))) {
      throw refusal('blobs.engine', engine, `attachments are kept in ${place.engine}`, wayTo(place.engine));
    }
    const isMoved = place.finished_at_ms !== null || (await countUnmoved(trx, false)) === 0;
    if (place.engine === engine && previous === null && !isMoved) {
      throw refusal(
        'blobs.previous',
        previous,
        `attachments are still in ${place.previous}`,
        `Set blobs.previous: ${place.previous}, start, and run conclave migrate-blobs to its end.`,
      );
    }
    if (previous === null) {
      await trx.updateTable('attachment_place').set({ engine, previous }).execute();
      return;
    }
    await trx.deleteFrom('moved_attachments').execute();
    await trx.updateTable('attachment_place').set(fresh).execute();
  });
}

async function hasAttachments(trx: Transaction<ServerDatabase>): Promise<boolean> {
  return (await trx.selectFrom('sealed_blobs').select('size').limit(1).executeTakeFirst()) !== undefined;
}

function wayTo(place: 'disk' | 's3'): string {
  return place === 'disk'
    ? 'Set blobs.previous: disk and run conclave migrate-blobs, or set blobs.engine: disk again.'
    : 'Set blobs.engine: s3 again: attachments are not moved from S3 to a disk.';
}

function refusal(key: string, value: string | null, problem: string, remedy: string): ConfigError {
  return new ConfigError([{ key, source: 'configuration', value: JSON.stringify(value), problem, remedy }]);
}
