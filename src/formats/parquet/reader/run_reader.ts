/**
 * Reads runs and bit-packed numbers: levels, and dictionary indices.
 * Format:
 * https://parquet.apache.org/docs/file-format/data-pages/encodings/#run-length-encoding--bit-packing-hybrid-rle--3
 */
import { unpackBits } from "../bits.ts";
import { ThriftError } from "../thrift/thrift.ts";

/** Reads numbers in blocks, independent of the lengths of runs. */
export interface NumberReader {
  /**
   * Writes at most `count` numbers to the beginning of `out`.
   *
   * @returns their number; 0 at the end
   * @throws {ThriftError} when they are malformed
   */
  read(out: Int32Array, count: number): number;
}

/** Reads runs of one repeated value and runs of bit-packed values. */
export class RunReader implements NumberReader {
  /** Start of the next run. */
  #at = 0;
  /** Values left in the current run. */
  #left = 0;
  #value = 0;
  /** Position of the next packed value in bits; undefined in a run of one repeated value. */
  #bit: number | undefined;

  constructor(private readonly bytes: Uint8Array, private readonly width: number) {
    if (width > 32) throw new ThriftError(`values of ${width} bits`);
  }

  read(out: Int32Array, count: number): number {
    let at = 0;
    while (at < count) {
      if (this.#left === 0 && !this.#open()) break;
      const size = Math.min(this.#left, count - at);
      if (this.#bit === undefined) {
        out.fill(this.#value, at, at + size);
      } else {
        unpackBits(this.bytes, this.#bit, this.width, out, at, at + size);
        this.#bit += size * this.width;
      }
      this.#left -= size;
      at += size;
    }
    return at;
  }

  /** Opens the next run that has values; returns false at the end. */
  #open(): boolean {
    const { bytes, width } = this;
    while (this.#left === 0) {
      if (this.#at >= bytes.length) return false;
      const header = this.#readVarint();
      const amount = Math.floor(header / 2);
      const rest = bytes.length - this.#at;
      if (header % 2 === 1) {
        // Some writers end the last group with its last value.
        this.#left = width === 0 ? amount * 8 : Math.min(amount * 8, Math.floor(rest * 8 / width));
        this.#bit = this.#at * 8;
        this.#at += Math.min(rest, amount * width);
        if (this.#left === 0) return false;
      } else {
        const size = (width + 7) >> 3;
        if (size > rest) throw new ThriftError("a truncated run");
        this.#bit = undefined;
        this.#value = 0;
        for (let i = 0; i < size; i++) this.#value |= bytes[this.#at++]! << (i * 8);
        this.#left = amount;
      }
    }
    return true;
  }

  #readVarint(): number {
    let value = 0;
    for (let power = 1; power <= 2 ** 28; power *= 128) {
      const byte = this.bytes[this.#at++];
      if (byte === undefined) throw new ThriftError("a truncated run");
      value += (byte & 127) * power;
      if (byte < 128) return value;
    }
    throw new ThriftError("a malformed run");
  }
}

/** Reads one-bit levels as the first writers packed them: the highest bit of a byte first. */
export class LegacyLevels implements NumberReader {
  #at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  read(out: Int32Array, count: number): number {
    const found = Math.min(count, this.bytes.length * 8 - this.#at);
    for (let i = 0; i < found; i++, this.#at++) {
      out[i] = this.bytes[Math.floor(this.#at / 8)]! >> (7 - this.#at % 8) & 1;
    }
    return found;
  }
}

/** Numbers to unpack at once. */
const BLOCK = 1024;

/** Returns numbers one by one. */
export class NumberStream {
  readonly #block: Int32Array;
  #at = 0;
  #end = 0;

  constructor(private readonly reader: NumberReader, maxCount: number) {
    this.#block = new Int32Array(Math.min(BLOCK, maxCount));
  }

  /** @throws {ThriftError} when no number is left */
  next(): number {
    if (this.#at === this.#end) {
      this.#end = this.reader.read(this.#block, this.#block.length);
      if (this.#end === 0) throw new ThriftError("a page with fewer values than it declares");
      this.#at = 0;
    }
    return this.#block[this.#at++]!;
  }
}
