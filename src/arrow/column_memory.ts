/** Memory of a column under construction: the bitmap of its NULLs, and the arrays that it alternates. */

export type NumberArray =
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Float32Array
  | Float64Array;
export type BigArray = BigInt64Array | BigUint64Array;

/** Bitmap of the rows that are not NULL, lowest bit first; allocated with the first NULL. */
export class Validity {
  #bits: Uint8Array | undefined;
  nulls = 0;

  setNull(row: number, capacity: number): void {
    this.#bits ??= new Uint8Array((capacity + 7) >> 3).fill(0xff);
    if (row >> 3 >= this.#bits.length) {
      const grown = new Uint8Array(this.#bits.length * 2 + 1).fill(0xff);
      grown.set(this.#bits);
      this.#bits = grown;
      return this.setNull(row, capacity);
    }
    this.#bits[row >> 3]! &= ~(1 << (row & 7));
    this.nulls++;
  }

  /** Returns the bitmap with room for `rows` rows; new rows are valid. */
  open(rows: number): Uint8Array {
    const bytes = (rows + 7) >> 3;
    if (this.#bits === undefined || this.#bits.length < bytes) {
      const grown = new Uint8Array(bytes).fill(0xff);
      if (this.#bits !== undefined) grown.set(this.#bits);
      this.#bits = grown;
    }
    return this.#bits;
  }

  /** Makes the rows from `rows` on valid; returns how many of those before them are NULL. */
  discard(rows: number): number {
    this.nulls = 0;
    const bits = this.#bits;
    if (bits === undefined) return 0;
    const at = rows >> 3;
    if (at < bits.length) {
      bits[at]! |= 0xff << (rows & 7);
      bits.fill(0xff, at + 1);
    }
    for (const byte of bits.subarray(0, at + 1)) {
      for (let missing = ~byte & 0xff; missing !== 0; missing &= missing - 1) this.nulls++;
    }
    return this.nulls;
  }

  /** Returns the bitmap for `rows` rows and gives it up; null when all rows are valid. */
  take(rows: number): Uint8Array | null {
    const bits = this.#bits;
    this.#bits = undefined;
    if (bits === undefined || this.nulls === 0) return null;
    const bytes = (rows + 7) >> 3;
    if (bits.length >= bytes) return bits.subarray(0, bytes);
    const grown = new Uint8Array(bytes).fill(0xff);
    grown.set(bits);
    return grown;
  }
}

/** Supplies a column's arrays: a new one for each batch, or two in alternation. */
export class Rotation<A extends Uint8Array | Int32Array | NumberArray | BigArray> {
  #other: A | undefined;
  isOn = false;

  /** Returns a zeroed array of at least `size` values, at most four times as many. */
  next(used: A, size: number, make: (size: number) => A): A {
    const other = this.#other;
    this.#other = this.isOn ? used : undefined;
    if (other === undefined || other.length < size || other.length > size * 4) return make(size);
    new Uint8Array(other.buffer, other.byteOffset, other.byteLength).fill(0);
    return other;
  }
}
