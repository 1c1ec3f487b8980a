/** Encodes booleans as PLAIN, one bit each. */
import type { Data } from "../../../arrow/mod.ts";
import { copyBits, countBits, isSet } from "../bits.ts";
import { Encoding } from "../thrift/metadata.ts";
import type { Extremes } from "./column_statistics.ts";
import { PAGE_ROWS, type PageValues } from "./page_values.ts";

export class BoolValues implements PageValues {
  readonly encoding = Encoding.PLAIN;
  readonly #bits = new Uint8Array(PAGE_ROWS >> 3);
  #count = 0;
  #hasFalse = false;
  #hasTrue = false;

  room(_data: Data, _from: number, rows: number): number {
    return rows;
  }

  countBytes(_data: Data, _from: number, count: number): number {
    return count >> 3;
  }

  addRun(data: Data, from: number, count: number): void {
    copyBits(data.values as Uint8Array, data.offset + from, this.#bits, this.#count, count);
    this.#count += count;
  }

  addRows(data: Data, rows: Int32Array, count: number): void {
    const values = data.values as Uint8Array;
    for (let i = 0; i < count; i++) {
      const mask = 1 << (this.#count & 7);
      if (isSet(values, data.offset + rows[i]!)) this.#bits[this.#count >> 3]! |= mask;
      else this.#bits[this.#count >> 3]! &= ~mask;
      this.#count++;
    }
  }

  take(): Uint8Array {
    const set = countBits(this.#bits, this.#count);
    this.#hasTrue ||= set > 0;
    this.#hasFalse ||= set < this.#count;
    const bytes = this.#bits.subarray(0, (this.#count + 7) >> 3);
    // Clear the bits behind the last value, so that equal values give equal bytes.
    if ((this.#count & 7) !== 0) bytes[bytes.length - 1]! &= (1 << (this.#count & 7)) - 1;
    this.#count = 0;
    return bytes;
  }

  takeExtremes(): Extremes | undefined {
    const [hasFalse, hasTrue] = [this.#hasFalse, this.#hasTrue];
    this.#hasFalse = this.#hasTrue = false;
    if (!hasFalse && !hasTrue) return undefined;
    return {
      min: Uint8Array.of(hasFalse ? 0 : 1),
      max: Uint8Array.of(hasTrue ? 1 : 0),
      isMinExact: true,
      isMaxExact: true,
    };
  }
}
