/**
 * Slots and shards: how the outbox is divided among relays.
 *
 *   ordering key ──hash──▶ slot, 0–255, stored in the row ──modulo──▶ shard, as many as the installation says
 *
 * The slot never changes, so the number of shards may.
 */

/** For ever: rows remember theirs. */
export const SLOTS = 256;

/** FNV-1a over the key's UTF-16 units. Stored in rows, so never to be changed. */
export function slotOf(orderingKey: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < orderingKey.length; index += 1) {
    hash = Math.imul(hash ^ orderingKey.charCodeAt(index), 0x01000193);
  }
  // The high bits depend on every character; the lowest ones only on the lowest bits of each.
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}

export function shardOf(slot: number, shards: number): number {
  return slot % shards;
}

/** Shards are numbered from 0. Throws `RangeError` when there are fewer slots than that, or none. */
export function assertShards(shards: number): void {
  if (!Number.isInteger(shards) || shards < 1 || shards > SLOTS) {
    throw new RangeError(`there are 1 to ${SLOTS} shards`);
  }
}
