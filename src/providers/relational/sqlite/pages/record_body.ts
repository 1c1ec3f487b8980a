/**
 * The values of a record, byte for byte as SQLite keeps them.
 * https://www.sqlite.org/fileformat2.html#record_format
 */

/** Serial types from here on are blobs when even, text when odd. */
export const BLOB = 12;
export const TEXT = 13;
export const DOUBLE = 7;

const START = 4096;
/** Bytes from which one call of set costs less than a loop. */
const LONG = 64;
const utf8 = new TextEncoder();

/** The values of one record, one behind the other. */
export class RecordBody {
  bytes = new Uint8Array(START);
  view = new DataView(this.bytes.buffer);
  end = 0;

  /** Makes room for more bytes. */
  reserve(size: number): void {
    if (this.end + size <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.end + size));
    grown.set(this.bytes.subarray(0, this.end));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  /** An integer of 64 bits in two words of 32, in as few bytes as it takes. */
  integer(low: number, high: number): number {
    const { view, end } = this;
    if (high === low >> 31) {
      if (low === 0) return 8;
      if (low === 1) return 9;
      if (low >= -128 && low < 128) {
        view.setInt8(end, low);
        this.end += 1;
        return 1;
      }
      if (low >= -32_768 && low < 32_768) {
        view.setInt16(end, low);
        this.end += 2;
        return 2;
      }
      if (low >= -8_388_608 && low < 8_388_608) {
        view.setInt8(end, low >> 16);
        view.setUint16(end + 1, low & 0xffff);
        this.end += 3;
        return 3;
      }
      view.setInt32(end, low);
      this.end += 4;
      return 4;
    }
    if (high >= -32_768 && high < 32_768) {
      view.setInt16(end, high);
      view.setInt32(end + 2, low);
      this.end += 6;
      return 5;
    }
    view.setInt32(end, high);
    view.setInt32(end + 4, low);
    this.end += 8;
    return 6;
  }

  /** A safe integer. */
  number(value: number): number {
    return this.integer(value | 0, Math.floor(value / 4_294_967_296) | 0);
  }

  double(value: number): number {
    this.view.setFloat64(this.end, value);
    this.end += 8;
    return DOUBLE;
  }

  text(text: string): number {
    this.reserve(text.length * 3);
    const { written } = utf8.encodeInto(text, this.bytes.subarray(this.end));
    this.end += written;
    return TEXT + written * 2;
  }

  /** Bytes as text or blob. */
  copy(source: Uint8Array, from: number, to: number, type: typeof BLOB | typeof TEXT): number {
    const size = to - from;
    this.reserve(size);
    const { bytes, end } = this;
    if (size > LONG) bytes.set(source.subarray(from, to), end);
    else for (let i = 0; i < size; i++) bytes[end + i] = source[from + i]!;
    this.end += size;
    return type + size * 2;
  }
}

/** Bytes of a number of at most 53 bits as SQLite's varint. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Puts a number of at most 53 bits; returns where it ends. */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  const end = at + varintSize(value);
  let rest = value;
  for (let i = end - 1; i >= at; i--) {
    bytes[i] = (rest % 128) | (i === end - 1 ? 0 : 0x80);
    rest = Math.floor(rest / 128);
  }
  return end;
}
