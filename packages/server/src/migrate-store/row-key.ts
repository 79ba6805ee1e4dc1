/** Primary keys as text, to be kept as marks of how far a table was copied. */
import type { Row, Value } from './canonical-row.ts';
import type { TableShape } from './table-shape.ts';

/** Values of the key's columns, in the key's order. */
export type Key = readonly Value[];

export function keyOf(table: TableShape, row: Row): Key {
  return table.key.map((column) => row[table.columns.indexOf(column)] ?? null);
}

export function formatKey(key: Key): string {
  return JSON.stringify(
    key.map((value) => {
      if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('base64') };
      return typeof value === 'bigint' ? { integer: String(value) } : value;
    }),
  );
}

/** The inverse of {@link formatKey}. */
export function parseKey(text: string): Key {
  const parts = JSON.parse(text) as (string | null | { bytes: string } | { integer: string })[];
  return parts.map((part) => {
    if (part === null || typeof part === 'string') return part;
    return 'bytes' in part ? Buffer.from(part.bytes, 'base64') : BigInt(part.integer);
  });
}

export function isSameKey(a: Key, b: Key): boolean {
  return formatKey(a) === formatKey(b);
}
