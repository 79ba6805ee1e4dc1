/**
 * One encoding of a row, whichever engine it was read from, and a digest of many rows in no particular order.
 *
 *     row    = for each column: tag ‖ length as 4 octets ‖ octets        null, decimal integer, UTF-8 text, octets
 *     digest = Σ SHA-256(row) mod 2^256, with the number of rows
 *
 * The sum needs no order, so neither engine sorts, collations do not matter, and what was appended is added to what is
 * known. It finds every difference that is not made on purpose; both databases are the operator's own.
 */
import { hash } from 'node:crypto';
import { MoveError } from './move-error.ts';
import type { Column, TableShape } from './table-shape.ts';

export type Value = string | bigint | Uint8Array | null;
/** In the order of the table's columns. */
export type Row = readonly Value[];

const tags = { null: 0, integer: 1, text: 2, bytes: 3 } as const;

/** Throws {@link MoveError} `MOVE_VALUE` for a value that its column in the target could not hold. */
export function encodeRow(table: TableShape, row: Row): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [index, column] of table.columns.entries()) {
    const value = row[index] ?? null;
    const octets = octetsOf(table, column, value);
    const head = Buffer.alloc(5);
    head.writeUInt8(value === null ? tags.null : tags[column.type]);
    head.writeUInt32BE(octets.length, 1);
    parts.push(head, octets);
  }
  return Buffer.concat(parts);
}

const empty = new Uint8Array();
const maxInteger = 2n ** 63n;

function octetsOf(table: TableShape, column: Column, value: Value): Uint8Array {
  if (value === null) return empty;
  switch (column.type) {
    case 'bytes':
      if (value instanceof Uint8Array) return value;
      break;
    case 'integer':
      if (typeof value === 'bigint' && value >= -maxInteger && value < maxInteger)
        return Buffer.from(String(value));
      break;
    case 'text':
      // PostgreSQL keeps no NUL in text.
      if (typeof value === 'string' && !value.includes('\0')) return Buffer.from(value);
      break;
    default:
      column.type satisfies never;
  }
  throw new MoveError(
    'MOVE_VALUE',
    `column ${column.name} of ${table.name} holds a value that is not ${column.type}`,
  );
}

const modulus = 2n ** 256n;

/** Count and digest of a set of rows. Immutable. */
export class RowSum {
  static readonly empty = new RowSum(0, 0n);
  readonly count: number;
  readonly #sum: bigint;

  private constructor(count: number, sum: bigint) {
    this.count = count;
    this.#sum = sum;
  }

  static of(table: TableShape, rows: Iterable<Row>): RowSum {
    let count = 0;
    let sum = 0n;
    for (const row of rows) {
      count += 1;
      sum += BigInt(`0x${hash('sha256', encodeRow(table, row), 'hex')}`);
    }
    return new RowSum(count, sum % modulus);
  }

  static parse({ count, digest }: { readonly count: number; readonly digest: string }): RowSum {
    return new RowSum(count, BigInt(`0x${digest}`));
  }

  plus(other: RowSum): RowSum {
    return new RowSum(this.count + other.count, (this.#sum + other.#sum) % modulus);
  }

  equals(other: RowSum): boolean {
    return this.count === other.count && this.#sum === other.#sum;
  }

  /** 64 hexadecimal digits. */
  get digest(): string {
    return this.#sum.toString(16).padStart(64, '0');
  }
}
