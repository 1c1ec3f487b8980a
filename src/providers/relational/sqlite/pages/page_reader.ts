/**
 * The rows of a table in the bytes of a database file.
 * https://www.sqlite.org/fileformat2.html#b_tree_pages, #record_format
 */
import { BLOB, DOUBLE } from "./record_body.ts";
import type { Raw } from "../types/raw_values.ts";

const LEAF = 0x0d;
const INTERIOR = 0x05;
const FILE_HEADER = 100;

export const INTEGER_64 = 6;
const ONE = 9;

/** Bytes of the values of smaller serial types. */
const SIZES = new Uint8Array([0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0]);

/** Bytes of a value of a serial type. */
export function getSize(type: number): number {
  return type < BLOB ? SIZES[type]! : (type - BLOB) >> 1;
}

/** Where the values of some rows are: those of a column lie side by side, `room` for each column. */
export class CellReader {
  /** The bytes that the offsets are of. */
  bytes: Uint8Array = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  rows = 0;
  /** Bytes of the file that the rows were found in. */
  fileBytes = 0;
  /** Serial type of each value; 0 is NULL. */
  readonly types: Uint32Array;
  readonly offsets: Uint32Array;
  #page = 0;
  /** Bytes of a page that rows may take. */
  #usable = 0;
  /** Records that go over several pages, put together; their offsets begin where the file ends. */
  #long: Uint8Array[] = [];
  #end = 0;

  constructor(readonly width: number, readonly room: number) {
    this.types = new Uint32Array(width * room);
    this.offsets = new Uint32Array(width * room);
  }

  /** Finds all rows, at most `room`, of the table whose tree begins at a page. */
  find(file: Uint8Array, root: number): void {
    this.#over(file);
    this.rows = 0;
    this.#long = [];
    this.fileBytes = this.#end = file.length;
    const page = this.view.getUint16(16);
    this.#page = page === 1 ? 65_536 : page;
    this.#usable = this.#page - file[20]!;
    this.#findFrom(root);
    if (this.#long.length > 0) this.#join(file);
  }

  /**
   * An integer of at most 48 bits; NaN where the value is another.
   *
   * @param type serial type of the value that begins at `at`
   */
  integer(type: number, at: number): number {
    const { view } = this;
    switch (type) {
      case 1:
        return view.getInt8(at);
      case 2:
        return view.getInt16(at);
      case 3:
        return view.getInt8(at) * 65_536 + view.getUint16(at + 1);
      case 4:
        return view.getInt32(at);
      case 5:
        return view.getInt16(at) * 4_294_967_296 + view.getUint32(at + 2);
      case 8:
        return 0;
      case ONE:
        return 1;
      default:
        return NaN;
    }
  }

  /** Any value but text, of which it gives the bytes and says so. */
  value(index: number): { readonly raw: Raw; readonly text: boolean } {
    const type = this.types[index]!;
    const at = this.offsets[index]!;
    if (type >= BLOB) {
      return { raw: this.bytes.slice(at, at + getSize(type)), text: type % 2 === 1 };
    }
    if (type === 0) return { raw: null, text: false };
    if (type === DOUBLE) return { raw: this.view.getFloat64(at), text: false };
    if (type === INTEGER_64) return { raw: this.view.getBigInt64(at), text: false };
    return { raw: BigInt(this.integer(type, at)), text: false };
  }

  #over(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #findFrom(number: number): void {
    const { view } = this;
    const start = (number - 1) * this.#page;
    const header = number === 1 ? start + FILE_HEADER : start;
    const cells = view.getUint16(header + 3);
    switch (view.getUint8(header)) {
      case LEAF:
        for (let i = 0; i < cells; i++) this.#add(start + view.getUint16(header + 8 + i * 2));
        return;
      case INTERIOR:
        for (let i = 0; i < cells; i++) {
          this.#findFrom(view.getUint32(start + view.getUint16(header + 12 + i * 2)));
        }
        return this.#findFrom(view.getUint32(header + 8));
      default:
        throw new RangeError(`page ${number} is none of a table`);
    }
  }

  /** Adds the row of a leaf's cell. */
  #add(cell: number): void {
    const { bytes } = this;
    let at = cell;
    let size = 0;
    for (;;) {
      const byte = bytes[at++]!;
      size = size * 128 + (byte & 0x7f);
      if (byte < 0x80) break;
    }
    // The row number: its ninth byte, if there is one, has no bit that says whether it is the last.
    const number = at;
    while (bytes[at++]! >= 0x80 && at < number + 9);
    if (size <= this.#usable - 35) return this.#record(bytes, at, 0);
    const long = this.#assemble(at, size);
    this.#record(long, 0, this.#end);
    this.#long.push(long);
    this.#end += size;
  }

  /** Notes the values of a record, `shift` before where they will be. */
  #record(bytes: Uint8Array, start: number, shift: number): void {
    const { room, types, offsets } = this;
    let at = start;
    let size = bytes[at++]!;
    if (size >= 0x80) {
      size &= 0x7f;
      for (let more = true; more;) {
        const byte = bytes[at++]!;
        size = size * 128 + (byte & 0x7f);
        more = byte >= 0x80;
      }
    }
    const close = start + size;
    let offset = close + shift;
    const end = this.width * room;
    for (let index = this.rows++; index < end; index += room) {
      let type = at < close ? bytes[at++]! : 0;
      if (type >= 0x80) {
        type &= 0x7f;
        for (let more = true; more;) {
          const byte = bytes[at++]!;
          type = type * 128 + (byte & 0x7f);
          more = byte >= 0x80;
        }
      }
      types[index] = type;
      offsets[index] = offset;
      offset += type < BLOB ? SIZES[type]! : (type - BLOB) >> 1;
    }
  }

  /** Puts a record together that begins in a leaf and goes on in overflow pages. */
  #assemble(at: number, size: number): Uint8Array {
    const usable = this.#usable;
    const least = Math.floor(((usable - 12) * 32) / 255) - 23;
    const wanted = least + ((size - least) % (usable - 4));
    const local = wanted <= usable - 35 ? wanted : least;
    const record = new Uint8Array(size);
    record.set(this.bytes.subarray(at, at + local));
    let next = this.view.getUint32(at + local);
    for (let filled = local; filled < size;) {
      const start = (next - 1) * this.#page;
      const some = Math.min(size - filled, usable - 4);
      record.set(this.bytes.subarray(start + 4, start + 4 + some), filled);
      filled += some;
      next = this.view.getUint32(start);
    }
    return record;
  }

  #join(file: Uint8Array): void {
    const joined = new Uint8Array(this.#end);
    joined.set(file);
    let at = file.length;
    for (const record of this.#long) {
      joined.set(record, at);
      at += record.length;
    }
    this.#over(joined);
  }
}
