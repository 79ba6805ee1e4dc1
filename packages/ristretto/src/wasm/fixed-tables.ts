/**
 * Fixed-base tables (32 KiB each). They belong to the `FixedBase` that asked for them and are collected with it; linear memory
 * keeps the few that were used last, so that it stays bounded and repeated multiplications copy nothing.
 */
import type { Kernel } from './kernel.ts';

/** Resident tables: the generator, the message base, and some recipients' keys. */
const slotCount = 6;

export interface FixedTables {
  /** Builds the table of a point (160 bytes, public). */
  build(point: Uint8Array): FixedTable;
}

export interface FixedTable {
  /** Where the table lies now, until another one is asked for its address. Not to be called within a kernel call. */
  address(): number;
}

export function createFixedTables(kernel: Kernel): FixedTables {
  const tableBytes = kernel.exports.fixedTableBytes.value;
  const start = kernel.keep(slotCount * tableBytes);
  /** Least recently used first. */
  const slots = Array.from({ length: slotCount }, (_, i) => ({
    at: start + i * tableBytes,
    holds: undefined as Uint8Array | undefined,
  }));

  const load = (table: Uint8Array): number => {
    const last = slots.length - 1;
    if (slots[last]!.holds === table) return slots[last]!.at;
    const found = slots.findIndex((slot) => slot.holds === table);
    const [slot] = slots.splice(Math.max(found, 0), 1);
    slots.push(slot!);
    if (slot!.holds !== table) {
      kernel.bytes.set(table, slot!.at);
      slot!.holds = table;
    }
    return slot!.at;
  };

  return {
    build(point) {
      const table = kernel.run(() => {
        const out = kernel.allocate(tableBytes);
        kernel.exports.buildFixedTable(out, kernel.put(point));
        return kernel.take(out, tableBytes);
      });
      return { address: () => load(table) };
    },
  };
}
