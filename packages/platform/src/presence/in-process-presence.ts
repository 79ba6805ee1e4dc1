import type { Clock } from '../clock/clock.ts';
import {
  assertAnnouncement,
  assertKind,
  maxListed,
  maxPresent,
  PresenceError,
  type Presence,
} from './presence.ts';

interface Entry {
  readonly data: string;
  readonly endsAtMs: number;
}

/** Presence within one process, which is then the whole installation. */
export function createInProcessPresence(deps: { readonly clock: Clock }): Presence {
  const { clock } = deps;
  const entriesByKind = new Map<string, Map<string, Entry>>();

  const entriesOf = (kind: string): Map<string, Entry> => {
    const entries = entriesByKind.get(kind) ?? new Map<string, Entry>();
    entriesByKind.set(kind, entries);
    return entries;
  };

  const forgetSilent = (entries: Map<string, Entry>): void => {
    for (const [id, { endsAtMs }] of entries) {
      if (endsAtMs <= clock.nowMs()) entries.delete(id);
    }
  };

  return {
    async announce(kind, id, data, ttlMs) {
      assertAnnouncement(kind, id, data, ttlMs);
      const entries = entriesOf(kind);
      if (entries.size >= maxPresent) forgetSilent(entries);
      if (entries.size >= maxPresent && !entries.has(id))
        throw new PresenceError('PRESENCE_FULL', 'too many are there');
      entries.set(id, { data, endsAtMs: clock.nowMs() + ttlMs });
    },
    async list(kind) {
      assertKind(kind);
      const entries = entriesOf(kind);
      forgetSilent(entries);
      return [...entries]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, maxListed)
        .map(([id, { data, endsAtMs }]) => ({ id, data, expiresInMs: endsAtMs - clock.nowMs() }));
    },
    async leave(kind, id) {
      assertKind(kind);
      entriesOf(kind).delete(id);
    },
  };
}
