/**
 * Reads one canonical protobuf message in one pass, without a schema and without copies (§5.1, [F10]): fields by ascending
 * number, shortest varints, defaults absent, repeated numbers packed, nothing unknown. The caller asks for the fields in
 * their order; whatever else stands there is refused, so what was read has this one encoding and no other.
 *
 * Faults are kept, not thrown: after one the reader says that no further field is there, what it gave is meaningless, and
 * only the fault counts, which `finish` gives. There are two sorts, in the order in which they are told:
 *
 *     form     the octets are no message, or not its only encoding: frame/decodes, frame/canonical. Ends the reading.
 *     values   what was read must not be so: `refuse`. Reading goes on, because the form is told first: a field that
 *              seems to be missing may stand in the wrong place. Where going on could be dear, in repeated fields that
 *              are longer than allowed, the caller says `stop`.
 */
import type { Result, Violation } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { RuleId } from '../rules/index.ts';

const maxUint32 = 2 ** 32 - 1;
/** Enumerations are int32, whose negative numbers are written as if they had 64 bits. */
const maxEnumeration = 2 ** 31 - 1;
const firstNegativeEnumeration = 2 ** 64 - 2 ** 31;
const maxVarintBytes = 10;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class CanonicalReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** Where the message that is being read ends: the whole, or a field of it. */
  #end: number;
  #malformed: Violation | undefined;
  #refused: Violation | undefined;
  #stopped = false;

  /** What it gives out are views of `bytes`, plain `Uint8Array`s even of a `Buffer`. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  /** What was read of all fields, or the first fault: `rule` if nothing was refused and there is nothing all the same. */
  finish<T>(value: T | undefined, rule: RuleId): Result<T> {
    this.#demandEnd();
    const fault = this.#malformed ?? this.#refused;
    if (fault !== undefined) return fault;
    return value === undefined ? violation(rule) : accept(value);
  }

  /** Whether the next field is this one. `tag`: number and wire type, in one octet. */
  has(tag: number): boolean {
    return this.#at < this.#end && this.#bytes[this.#at] === tag;
  }

  /** The value is not allowed. Returns undefined for the caller to return. */
  refuse(rule: RuleId, detail?: string): undefined {
    this.#refused ??= violation(rule, detail);
  }

  /** Refuses, and reads no further. */
  stop(rule: RuleId, detail?: string): undefined {
    this.refuse(rule, detail);
    this.#stop();
  }

  /** A number below 2^32; 0 if the field is absent. */
  uint32(tag: number): number {
    return this.#number(tag, maxUint32);
  }

  /** A number below 2^53; 0 if the field is absent. Breaks frame/range above that. */
  uint64(tag: number, name: string): number {
    const value = this.#number(tag, Infinity);
    if (value > Number.MAX_SAFE_INTEGER) this.refuse('frame/range', name);
    return value;
  }

  /** The number of an enumeration's value; 0 if the field is absent, huge if it is negative: to be looked up, not counted with. */
  enumeration(tag: number): number {
    const start = this.#at;
    const value = this.#number(tag, Infinity);
    if (value <= maxEnumeration || value >= firstNegativeEnumeration) return value;
    return this.#refuseForm('frame/canonical', start);
  }

  /** False if the field is absent. */
  bool(tag: number): boolean {
    return this.#number(tag, 1) === 1;
  }

  /** A number below `limit`; 0 if the field is absent. Breaks frame/range otherwise. */
  index(tag: number, limit: number, name: string): number {
    const value = this.uint32(tag);
    if (value >= limit) this.refuse('frame/range', name);
    return value;
  }

  /** A view; empty if the field is absent. */
  bytes(tag: number): Uint8Array {
    const isPresent = this.has(tag);
    const length = isPresent ? this.#length() : 0;
    if (isPresent && length === 0) this.#refuseForm('frame/canonical', this.#at);
    return this.#view(length);
  }

  /** A view. Breaks frame/length if the field is absent or has another length. */
  fixedBytes(tag: number, length: number, name: string): Uint8Array {
    const value = this.bytes(tag);
    if (value.length !== length) this.refuse('frame/length', name);
    return value;
  }

  /** Text of at most `maxBytes`, undefined if it is longer; empty if the field is absent. Breaks frame/decodes if it is no UTF-8. */
  text(tag: number, maxBytes: number): string | undefined {
    const bytes = this.bytes(tag);
    if (bytes.length > maxBytes) return undefined;
    try {
      return utf8.decode(bytes);
    } catch {
      this.#refuseForm('frame/decodes', this.#at - bytes.length);
      return undefined;
    }
  }

  /** All elements of a repeated field of `length` octets each, at most `limit`: breaks frame/length, frame/count. */
  rows(tag: number, length: number, limit: number, name: string): Uint8Array[] {
    const rows: Uint8Array[] = [];
    while (this.has(tag)) {
      if (rows.length === limit) this.stop('frame/count', name);
      else if (this.#length() !== length) this.stop('frame/length', name);
      else rows.push(this.#view(length));
    }
    return rows;
  }

  /** All elements of a packed field of numbers below `below`, at most `limit`: breaks frame/range, frame/count. */
  packedIndices(tag: number, below: number, limit: number, name: string): number[] {
    const indices: number[] = [];
    if (!this.has(tag)) return indices;
    const outerEnd = this.#open();
    if (this.#at === this.#end) this.#refuseForm('frame/canonical', this.#at);
    while (this.#at < this.#end) {
      if (indices.length === limit) {
        this.stop('frame/count', name);
        break;
      }
      const index = this.#varint(maxUint32);
      if (index >= below) this.refuse('frame/range', name);
      indices.push(index);
    }
    this.#close(outerEnd);
    return indices;
  }

  /** A field that is itself a message, read by `read`, which may give undefined for what it refused; undefined if absent. */
  message<T>(tag: number, read: (fields: CanonicalReader) => T): T | undefined {
    if (!this.has(tag)) return undefined;
    const outerEnd = this.#open();
    const value = read(this);
    this.#close(outerEnd);
    return value;
  }

  /** All elements of a repeated field of messages, at most `limit`: breaks frame/count. Without those that `read` refused. */
  messages<T>(
    tag: number,
    limit: number,
    name: string,
    read: (fields: CanonicalReader) => T | undefined,
  ): T[] {
    const values: T[] = [];
    for (let count = 0; this.has(tag); count++) {
      if (count === limit) {
        this.stop('frame/count', name);
        break;
      }
      const value = this.message(tag, read);
      if (value !== undefined) values.push(value);
    }
    return values;
  }

  /** Steps into the field at hand; gives the end of what it stands in, for `#close`. */
  #open(): number {
    const outerEnd = this.#end;
    const length = this.#length();
    this.#end = this.#at + length;
    return outerEnd;
  }

  #close(outerEnd: number): void {
    this.#demandEnd();
    this.#end = outerEnd;
  }

  /** No field is left of the message. After a stop that means nothing. */
  #demandEnd(): void {
    if (!this.#stopped && this.#at !== this.#end) this.#refuseField();
  }

  #number(tag: number, ceiling: number): number {
    if (!this.has(tag)) return 0;
    const start = this.#at++;
    const value = this.#varint(ceiling);
    if (value === 0) this.#refuseForm('frame/canonical', start);
    return value;
  }

  /** Past the tag and the length of the field at hand: the length, which is there; 0 if it is not. */
  #length(): number {
    const start = this.#at++;
    const length = this.#varint(maxUint32);
    if (length <= this.#end - this.#at) return length;
    this.#refuseCutOff(start, this.#at + length);
    return 0;
  }

  #view(length: number): Uint8Array {
    const { buffer, byteOffset } = this.#bytes;
    const view = new Uint8Array(buffer, byteOffset + this.#at, length);
    this.#at += length;
    return view;
  }

  /** In the shortest form; what is above `ceiling` a decoder would cut to fit. Inexact above 2^53. */
  #varint(ceiling: number): number {
    const start = this.#at;
    let value = 0;
    let weight = 1;
    for (let count = 1; count <= maxVarintBytes; count++, weight *= 0x80) {
      if (this.#at >= this.#end) return this.#refuseCutOff(start, this.#at + 1);
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * weight;
      if (byte < 0x80) {
        const isShortest = byte !== 0 || count === 1;
        // Nine octets hold 63 bits.
        const isInType = value <= ceiling && (count < maxVarintBytes || byte === 1);
        return isShortest && isInType ? value : this.#refuseForm('frame/canonical', start);
      }
    }
    return this.#refuseForm('frame/decodes', start);
  }

  /** Something else stands where a field was expected: no field at all, or one that no encoder puts there. */
  #refuseField(): void {
    const start = this.#at;
    const tag = this.#varint(maxUint32);
    const wireType = tag & 7;
    const isField = tag >= 8 && wireType !== 4 && wireType < 6;
    this.#refuseForm(isField ? 'frame/canonical' : 'frame/decodes', start);
  }

  /**
   * What begins at `start` goes on up to `reach`, further than its message does. Beyond the octets at hand there is nothing
   * to decode; before that a protobuf decoder reads on, and what it read would be encoded otherwise.
   */
  #refuseCutOff(start: number, reach: number): number {
    return this.#refuseForm(reach > this.#bytes.length ? 'frame/decodes' : 'frame/canonical', start);
  }

  /** Gives a number for whoever must give one. */
  #refuseForm(rule: 'frame/decodes' | 'frame/canonical', at: number): number {
    this.#malformed ??= violation(rule, `octet ${at}`);
    this.#stop();
    return 0;
  }

  #stop(): void {
    this.#stopped = true;
    this.#at = this.#bytes.length;
    this.#end = this.#at;
  }
}
