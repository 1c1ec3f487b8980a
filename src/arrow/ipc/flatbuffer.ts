/** Reads FlatBuffers after a check of all offsets. Format: https://flatbuffers.dev/internals/ */

/** Content of a table's slot; a number is the size in bytes of a value in the table itself. */
export type Slot =
  | number
  | "text"
  | { readonly table: () => Shape }
  | { readonly tables: () => Shape }
  /** A vector of structs or numbers, each of this many bytes. */
  | { readonly structs: number }
  /** A table of one of several shapes; the slot before holds the index. */
  | { readonly union: () => readonly Shape[] };

/** The slots of a table, in order. */
export type Shape = readonly Slot[];

/** Nesting limit, deeper than any real schema: hostile input must not exhaust the stack. */
const MAX_DEPTH = 64;

/** A table that has been checked, together with all that it refers to. */
export class FlatTable {
  constructor(private readonly view: DataView, readonly at: number) {}

  /** Returns the table in a slot. */
  table(slot: number): FlatTable | undefined {
    const at = this.#slot(slot);
    return at === undefined
      ? undefined
      : new FlatTable(this.view, at + this.view.getUint32(at, true));
  }

  int16(slot: number): number {
    const at = this.#slot(slot);
    return at === undefined ? 0 : this.view.getInt16(at, true);
  }

  byte(slot: number): number {
    const at = this.#slot(slot);
    return at === undefined ? 0 : this.view.getUint8(at);
  }

  /** Returns the structs of a vector, each as a view of its bytes. */
  structs(slot: number, size: number): DataView[] {
    const at = this.#slot(slot);
    if (at === undefined) return [];
    const start = at + this.view.getUint32(at, true);
    const { buffer, byteOffset } = this.view;
    return Array.from(
      { length: this.view.getUint32(start, true) },
      (_, i) => new DataView(buffer, byteOffset + start + 4 + i * size, size),
    );
  }

  #slot(slot: number): number | undefined {
    const vtable = this.at - this.view.getInt32(this.at, true);
    const entry = 4 + slot * 2;
    if (entry + 2 > this.view.getUint16(vtable, true)) return undefined;
    const offset = this.view.getUint16(vtable + entry, true);
    return offset === 0 ? undefined : this.at + offset;
  }
}

/**
 * Checks that all offsets stay within the bytes, and bounds the number of tables.
 *
 * @throws {RangeError} when they do not
 */
export function openTable(bytes: Uint8Array, shape: Shape): FlatTable {
  const check = new Check(bytes);
  return new FlatTable(check.view, check.reference(0, shape, 0));
}

class Check {
  readonly view: DataView;
  /** Tables left to visit. A table takes at least eight bytes and has one parent. */
  #tables: number;

  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#tables = bytes.length / 8;
  }

  /** Checks the table that an offset refers to and returns its position. */
  reference(at: number, shape: Shape, depth: number): number {
    const table = this.#target(at);
    this.#table(table, shape, depth);
    return table;
  }

  #table(at: number, shape: Shape, depth: number): void {
    if (depth > MAX_DEPTH || --this.#tables < 0) throw malformed();
    this.#need(at, 4);
    const vtable = at - this.view.getInt32(at, true);
    this.#need(vtable, 4);
    const entries = this.view.getUint16(vtable, true);
    const size = this.view.getUint16(vtable + 2, true);
    // Only whole entries, and sizes that are equal when read as signed: libraries differ otherwise.
    if (entries < 4 || entries % 2 !== 0 || entries > 0x7fff || size < 4 || size > 0x7fff) {
      throw malformed();
    }
    this.#need(vtable, entries);
    this.#need(at, size);
    let before = 0;
    shape.forEach((slot, i) => {
      const entry = 4 + i * 2;
      const offset = entry + 2 <= entries ? this.view.getUint16(vtable + entry, true) : 0;
      if (offset !== 0) {
        if (offset + (typeof slot === "number" ? slot : 4) > size) throw malformed();
        this.#slot(at + offset, slot, before, depth);
      }
      before = slot === 1 && offset !== 0 ? this.view.getUint8(at + offset) : 0;
    });
  }

  #slot(at: number, slot: Slot, before: number, depth: number): void {
    if (typeof slot === "number") return;
    if (slot === "text") this.#vector(at, 1);
    else if ("structs" in slot) this.#vector(at, slot.structs);
    else if ("table" in slot) this.reference(at, slot.table(), depth + 1);
    else if ("union" in slot) this.reference(at, slot.union()[before] ?? [], depth + 1);
    else {
      const { start, length } = this.#vector(at, 4);
      for (let i = 0; i < length; i++) this.reference(start + i * 4, slot.tables(), depth + 1);
    }
  }

  #vector(at: number, size: number): { start: number; length: number } {
    const vector = this.#target(at);
    this.#need(vector, 4);
    const length = this.view.getUint32(vector, true);
    this.#need(vector + 4, length * size);
    return { start: vector + 4, length };
  }

  #target(at: number): number {
    this.#need(at, 4);
    return at + this.view.getUint32(at, true);
  }

  #need(at: number, size: number): void {
    if (at < 0 || at + size > this.view.byteLength) throw malformed();
  }
}

function malformed(): RangeError {
  return new RangeError("its metadata is malformed");
}
