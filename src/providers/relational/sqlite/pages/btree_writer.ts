/**
 * A table of rows in the order of their numbers, written page by page as a B-tree.
 * https://www.sqlite.org/fileformat2.html#b_tree_pages
 */
import { putVarint, varintSize } from "./record_body.ts";
import type { RecordEncoder } from "./record_encoder.ts";

export const PAGE = 4096;
const LEAF = 0x0d;
const INTERIOR = 0x05;
const LEAF_HEADER = 8;
const INTERIOR_HEADER = 12;
/** Most bytes of a record that stays in a leaf, and fewest that stay there of a longer one. */
const MOST_LOCAL = PAGE - 35;
const LEAST_LOCAL = Math.floor(((PAGE - 12) * 32) / 255) - 23;
const IN_OVERFLOW = PAGE - 4;

/** Takes pages; `write` gives a page its number and does not keep its bytes. */
export interface PageSink {
  /** Number that the next page gets. */
  readonly next: number;
  write(page: Uint8Array): number;
}

/** A page being filled: cells from its end, their places from its beginning. */
class Page {
  readonly bytes = new Uint8Array(PAGE);
  readonly view = new DataView(this.bytes.buffer);
  cells = 0;
  #start = PAGE;

  constructor(readonly kind: typeof LEAF | typeof INTERIOR, readonly header: number) {}

  /** Place of a new cell; negative when there is no room. */
  place(size: number): number {
    const start = this.#start - size;
    const at = this.header + this.cells * 2;
    if (start < at + 2) return -1;
    this.view.setUint16(at, start);
    this.cells++;
    return this.#start = start;
  }

  /** Takes the last cell back, and says where it was. */
  pop(): number {
    return this.view.getUint16(this.header + --this.cells * 2);
  }

  finish(): Uint8Array {
    this.view.setUint8(0, this.kind);
    this.view.setUint16(3, this.cells);
    const last = this.cells === 0 ? PAGE : this.view.getUint16(this.header + this.cells * 2 - 2);
    this.view.setUint16(5, last);
    return this.bytes;
  }

  clear(): void {
    this.bytes.fill(0);
    this.cells = 0;
    this.#start = PAGE;
  }
}

/** A page whose rows have numbers up to `key`. */
interface Child {
  readonly page: number;
  readonly key: number;
}

/** Interior pages at one height. Every page has two children or more. */
class Level {
  readonly #page = new Page(INTERIOR, INTERIOR_HEADER);
  #last: Child | undefined;

  constructor(private readonly sink: PageSink, private readonly above: (child: Child) => void) {}

  add(child: Child): void {
    const last = this.#last;
    this.#last = child;
    if (last === undefined || this.#put(last)) return;
    const at = this.#page.pop();
    const page = this.#page.view.getUint32(at);
    const key = keyAt(this.#page.bytes, at + 4);
    this.above({ page: this.sink.write(this.close(page)), key });
    this.#page.clear();
    this.#put(last);
  }

  /** The page as it is, with its last child. */
  close(last = this.#last!.page): Uint8Array {
    this.#page.view.setUint32(8, last);
    return this.#page.finish();
  }

  get key(): number {
    return this.#last!.key;
  }

  #put({ page, key }: Child): boolean {
    const at = this.#page.place(4 + varintSize(key));
    if (at < 0) return false;
    this.#page.view.setUint32(at, page);
    putVarint(this.#page.bytes, at + 4, key);
    return true;
  }
}

function keyAt(bytes: Uint8Array, start: number): number {
  let key = 0;
  for (let at = start;; at++) {
    key = key * 128 + (bytes[at]! & 0x7f);
    if (bytes[at]! < 0x80) return key;
  }
}

export class BTreeWriter {
  readonly #leaf = new Page(LEAF, LEAF_HEADER);
  readonly #levels: Level[] = [];
  #record = new Uint8Array(PAGE);
  /** Rows so far; they are numbered from 1. */
  rows = 0;

  constructor(private readonly sink: PageSink) {}

  /** Adds the record that was put. */
  add({ types, typesEnd, body }: RecordEncoder): void {
    const header = headerSize(typesEnd);
    const size = header + body.end;
    const number = this.rows + 1;
    const inline = size <= MOST_LOCAL;
    const local = inline ? size : localSize(size);
    const length = varintSize(size) + varintSize(number) + local + (inline ? 0 : 4);
    let at = this.#leaf.place(length);
    if (at < 0) {
      this.#endLeaf();
      at = this.#leaf.place(length);
    }
    this.rows = number;
    const page = this.#leaf.bytes;
    at = putVarint(page, at, size);
    at = putVarint(page, at, number);
    if (inline) {
      at = putVarint(page, at, header);
      at = copy(types, typesEnd, page, at);
      copy(body.bytes, body.end, page, at);
      return;
    }
    const record = this.#reserveRecord(size);
    const start = copy(types, typesEnd, record, putVarint(record, 0, header));
    record.set(body.bytes.subarray(0, body.end), start);
    page.set(record.subarray(0, local), at);
    this.#leaf.view.setUint32(at + local, this.sink.next);
    this.#overflow(record.subarray(local, size));
  }

  /** Returns the root; the caller, who knows its page number, writes it. */
  finish(): Uint8Array {
    if (this.#levels.length === 0) return this.#leaf.finish();
    this.#endLeaf();
    for (let i = 0; i < this.#levels.length - 1; i++) {
      const level = this.#levels[i]!;
      const { key } = level;
      this.#above(i + 1, { page: this.sink.write(level.close()), key });
    }
    return this.#levels.at(-1)!.close();
  }

  #endLeaf(): void {
    this.#above(0, { page: this.sink.write(this.#leaf.finish()), key: this.rows });
    this.#leaf.clear();
  }

  #above(height: number, child: Child): void {
    this.#levels[height] ??= new Level(this.sink, (child) => this.#above(height + 1, child));
    this.#levels[height].add(child);
  }

  #overflow(rest: Uint8Array): void {
    const page = new Uint8Array(PAGE);
    const view = new DataView(page.buffer);
    for (let at = 0; at < rest.length; at += IN_OVERFLOW) {
      const some = rest.subarray(at, at + IN_OVERFLOW);
      const more = at + IN_OVERFLOW < rest.length;
      page.fill(0);
      view.setUint32(0, more ? nextPageNumber(this.sink.next + 1) : 0);
      page.set(some, 4);
      this.sink.write(page);
    }
  }

  #reserveRecord(size: number): Uint8Array {
    if (this.#record.length < size) this.#record = new Uint8Array(size * 2);
    return this.#record;
  }
}

/** SQLite locks the bytes from here on: their page holds nothing. */
const LOCKED = 0x40000000 / PAGE + 1;

/** The number, or the next one that may hold something. */
export function nextPageNumber(number: number): number {
  return number === LOCKED ? number + 1 : number;
}

/** Bytes of a record's header with its own length. */
function headerSize(types: number): number {
  for (let size = 1;; size++) {
    if (varintSize(types + size) === size) return types + size;
  }
}

/** Bytes of a long record that stay in the leaf. */
function localSize(size: number): number {
  const wanted = LEAST_LOCAL + ((size - LEAST_LOCAL) % IN_OVERFLOW);
  return wanted <= MOST_LOCAL ? wanted : LEAST_LOCAL;
}

function copy(from: Uint8Array, size: number, to: Uint8Array, at: number): number {
  if (size > 64) to.set(from.subarray(0, size), at);
  else for (let i = 0; i < size; i++) to[at + i] = from[i]!;
  return at + size;
}
