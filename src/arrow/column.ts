/**
 * Columns under construction: typed arrays in Arrow's own layout, which Arrow wraps without
 * copying. `valuePusher` in `builder.ts` appends record values. Bulk readers append raw values with
 * `push`, or write into the arrays: `open` makes room for some rows, `close` sets how many were
 * written.
 * Layout: https://arrow.apache.org/docs/format/Columnar.html
 */
import { type Data, type DataType, makeData } from "apache-arrow";
import { type BigArray, type NumberArray, Rotation, Validity } from "./column_memory.ts";

/** Initial capacity in values. */
const START = 1024;

const utf8 = new TextEncoder();

/** What all columns under construction have in common. */
export interface Column {
  readonly length: number;
  /** Bytes of the values so far. */
  readonly byteLength: number;
  pushNull(): void;
  /**
   * Takes back the values from row `rows` on, of which the last may be incomplete.
   *
   * @returns how many of the values before them are NULL
   */
  discard(rows: number): number;
  /** Returns the values as Arrow data and empties the column. The data owns its arrays. */
  take(): Data;
  /** Makes the column reuse its memory: from now on, data is valid only until the next `take`. */
  recycle(): void;
}

type Constructor<A> = { new (length: number): A; readonly BYTES_PER_ELEMENT: number };

abstract class Base implements Column {
  length = 0;
  protected validity = new Validity();

  constructor(protected readonly type: DataType) {}

  abstract readonly byteLength: number;
  protected abstract readonly capacity: number;
  protected abstract skip(): void;
  protected abstract grow(rows: number): void;
  /** Zeroes the values from row `rows` on. */
  protected abstract clear(rows: number): void;
  protected abstract takeData(nulls: number, bitmap: Uint8Array | null): Data;
  abstract recycle(): void;

  /**
   * Makes room for `rows` rows in all, which the caller then fills. Arrays read before are stale.
   *
   * @returns the validity bitmap; bits of new rows are set
   */
  open(rows: number): Uint8Array {
    if (rows > this.capacity) this.grow(rows);
    return this.validity.open(rows);
  }

  /** Sets the length to `rows`, of which `nulls` are NULL. */
  close(rows: number, nulls: number): void {
    this.length = rows;
    this.validity.nulls = nulls;
  }

  pushNull(): void {
    this.validity.setNull(this.length, this.capacity);
    this.skip();
  }

  discard(rows: number): number {
    this.length = Math.min(this.length, rows);
    this.clear(rows);
    return this.validity.discard(rows);
  }

  take(): Data {
    const { nulls } = this.validity;
    const bitmap = this.validity.take(this.length);
    const data = this.takeData(nulls, bitmap);
    this.validity = new Validity();
    this.length = 0;
    return data;
  }
}

/** A column of numbers up to 32 bits wide, or of doubles. */
export class NumberColumn extends Base {
  #values: NumberArray;
  readonly #rotation = new Rotation<NumberArray>();

  constructor(type: DataType, private readonly array: Constructor<NumberArray>) {
    super(type);
    this.#values = new array(START);
  }

  get byteLength(): number {
    return this.length * this.array.BYTES_PER_ELEMENT;
  }

  /** The values, with room for more; unused places are zero. */
  get values(): NumberArray {
    return this.#values;
  }

  protected get capacity(): number {
    return this.#values.length;
  }

  push(value: number): void {
    if (this.length === this.#values.length) this.grow(this.length * 2);
    this.#values[this.length++] = value;
  }

  protected skip(): void {
    this.push(0);
  }

  protected grow(rows: number): void {
    const grown = new this.array(rows);
    grown.set(this.#values);
    this.#values = grown;
  }

  protected clear(rows: number): void {
    this.#values.fill(0, rows);
  }

  protected takeData(nullCount: number, nullBitmap: Uint8Array | null): Data {
    const { length, type } = this;
    const data = this.#values.subarray(0, length);
    const { array } = this;
    const used = this.#values;
    this.#values = this.#rotation.next(used, used.length, (size) => new array(size));
    return makeData({ type, length, nullCount, nullBitmap, data } as never);
  }

  recycle(): void {
    this.#rotation.isOn = true;
  }
}

/** A column of 64-bit values, or of decimals in `width` 64-bit words, lowest word first. */
export class BigColumn extends Base {
  #values: BigArray;
  readonly #rotation = new Rotation<BigArray>();

  constructor(
    type: DataType,
    private readonly array: Constructor<BigArray>,
    private readonly width: 1 | 2 | 4 = 1,
  ) {
    super(type);
    this.#values = new array(START * width);
  }

  get byteLength(): number {
    return this.length * this.width * 8;
  }

  /** The values as 32-bit words, lowest word first, with room for more; unused places are zero. */
  get words(): Int32Array {
    return new Int32Array(this.#values.buffer);
  }

  protected get capacity(): number {
    return this.#values.length / this.width;
  }

  /** Appends a value; a decimal as its unscaled value, sign-extended over all words. */
  push(value: bigint): void {
    if (this.length === this.capacity) this.grow(this.length * 2);
    if (this.width === 1) {
      this.#values[this.length++] = value;
      return;
    }
    const at = this.length++ * this.width;
    let remaining = value;
    for (let word = 0; word < this.width; word++) {
      this.#values[at + word] = BigInt.asUintN(64, remaining);
      remaining >>= 64n;
    }
  }

  protected skip(): void {
    this.push(0n);
  }

  protected grow(rows: number): void {
    const grown = new this.array(rows * this.width);
    grown.set(this.#values as never);
    this.#values = grown;
  }

  protected clear(rows: number): void {
    this.#values.fill(0n, rows * this.width);
  }

  protected takeData(nullCount: number, nullBitmap: Uint8Array | null): Data {
    const { length, type } = this;
    const words = this.#values.subarray(0, length * this.width);
    const { array } = this;
    const used = this.#values;
    this.#values = this.#rotation.next(used, used.length, (size) => new array(size));
    const data = this.width === 1
      ? words
      : new Uint32Array(words.buffer, words.byteOffset, words.length * 2);
    return makeData({ type, length, nullCount, nullBitmap, data } as never);
  }

  recycle(): void {
    this.#rotation.isOn = true;
  }
}

/** A column of booleans, one bit each. */
export class BoolColumn extends Base {
  #bits: Uint8Array = new Uint8Array(START >> 3);
  readonly #rotation = new Rotation<Uint8Array>();

  get byteLength(): number {
    return (this.length + 7) >> 3;
  }

  protected get capacity(): number {
    return this.#bits.length * 8;
  }

  /** The bits, with room for more; unused bits are 0. */
  get values(): Uint8Array {
    return this.#bits;
  }

  protected grow(rows: number): void {
    const grown = new Uint8Array((rows + 7) >> 3);
    grown.set(this.#bits);
    this.#bits = grown;
  }

  push(value: boolean): void {
    if (this.length === this.capacity) this.grow(this.length * 2);
    if (value) this.#bits[this.length >> 3]! |= 1 << (this.length & 7);
    this.length++;
  }

  protected skip(): void {
    this.push(false);
  }

  protected clear(rows: number): void {
    const at = rows >> 3;
    if (at >= this.#bits.length) return;
    this.#bits[at]! &= (1 << (rows & 7)) - 1;
    this.#bits.fill(0, at + 1);
  }

  protected takeData(nullCount: number, nullBitmap: Uint8Array | null): Data {
    const { length, type } = this;
    const data = this.#bits.subarray(0, (length + 7) >> 3);
    const used = this.#bits;
    this.#bits = this.#rotation.next(used, used.length, (size) => new Uint8Array(size));
    return makeData({ type, length, nullCount, nullBitmap, data } as never);
  }

  recycle(): void {
    this.#rotation.isOn = true;
  }
}

/** A column of strings in UTF-8, or of bytes. */
export class BytesColumn extends Base {
  #offsets: Int32Array = new Int32Array(START + 1);
  #bytes: Uint8Array = new Uint8Array(START * 16);
  #end = 0;
  readonly #offsetsRotation = new Rotation<Int32Array>();
  readonly #bytesRotation = new Rotation<Uint8Array>();

  get byteLength(): number {
    return this.#end + this.length * 4;
  }

  /** Start of each value, and behind the last one its end. */
  get offsets(): Int32Array {
    return this.#offsets;
  }

  /** The values' bytes, with room for more. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** End of the last value. */
  get end(): number {
    return this.#end;
  }

  /** Makes room for `size` bytes behind `end`, the end of the last value that the caller wrote. */
  extend(end: number, size: number): Uint8Array {
    this.#end = end;
    this.#reserve(size);
    return this.#bytes;
  }

  override close(rows: number, nulls: number): void {
    super.close(rows, nulls);
    this.#end = this.#offsets[rows]!;
  }

  protected get capacity(): number {
    return this.#offsets.length - 1;
  }

  protected grow(rows: number): void {
    const grown = new Int32Array(rows + 1);
    grown.set(this.#offsets);
    this.#offsets = grown;
  }

  protected clear(rows: number): void {
    this.#end = this.#offsets[rows]!;
    this.#offsets.fill(0, rows + 1);
  }

  /** Appends a string. The caller has refused lone surrogates, which UTF-8 cannot hold. */
  pushString(text: string): void {
    this.#reserve(text.length * 3);
    this.#end += utf8.encodeInto(text, this.#bytes.subarray(this.#end)).written;
    this.#endValue();
  }

  /** Appends the bytes from `from` up to `to`; text must be valid UTF-8. */
  pushBytes(source: Uint8Array, from = 0, to = source.length): void {
    const size = to - from;
    this.#reserve(size);
    // For a few bytes a loop is faster than a call of `set`.
    if (size > 24) {
      this.#bytes.set(source.subarray(from, to), this.#end);
    } else {
      for (let i = 0, at = this.#end; i < size; i++) this.#bytes[at + i] = source[from + i]!;
    }
    this.#end += size;
    this.#endValue();
  }

  protected skip(): void {
    this.#endValue();
  }

  #endValue(): void {
    if (this.length === this.capacity) this.grow(this.length * 2);
    this.#offsets[++this.length] = this.#end;
  }

  #reserve(size: number): void {
    const needed = this.#end + size;
    if (needed <= this.#bytes.length) return;
    if (needed > 0x7fffffff) {
      throw new RangeError("a column of one batch holds at most 2 GiB of text or bytes");
    }
    const grown = new Uint8Array(Math.min(0x7fffffff, Math.max(needed, this.#bytes.length * 2)));
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
  }

  protected takeData(nullCount: number, nullBitmap: Uint8Array | null): Data {
    const { length, type } = this;
    const valueOffsets = this.#offsets.subarray(0, length + 1);
    const data = this.#bytes.subarray(0, this.#end);
    const { length: rows } = this.#offsets;
    this.#offsets = this.#offsetsRotation.next(this.#offsets, rows, (size) => new Int32Array(size));
    // A single huge value must not enlarge all later batches.
    const room = Math.min(this.#bytes.length, Math.max(START * 16, this.#end * 2));
    this.#bytes = this.#bytesRotation.next(this.#bytes, room, (size) => new Uint8Array(size));
    this.#end = 0;
    return makeData({ type, length, nullCount, nullBitmap, valueOffsets, data } as never);
  }

  recycle(): void {
    this.#offsetsRotation.isOn = true;
    this.#bytesRotation.isOn = true;
  }
}
