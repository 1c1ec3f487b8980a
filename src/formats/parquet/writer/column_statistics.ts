/**
 * Computes the lowest and highest values of column chunks, in the orders that Parquet defines.
 * Format: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift,
 * ColumnOrder
 */

/** Lowest and highest value, as stored. */
export interface Extremes {
  readonly min: Uint8Array;
  readonly max: Uint8Array;
  readonly isMinExact: boolean;
  readonly isMaxExact: boolean;
}

/** Bounds of doubles and of numbers up to 32 bits. NaN has no order, zero either sign. */
export class NumberRange {
  #min = Infinity;
  #max = -Infinity;

  constructor(private readonly encode: (value: number) => Uint8Array) {}

  add(values: Int32Array | Uint32Array | Float32Array | Float64Array, count: number): void {
    let min = this.#min;
    let max = this.#max;
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    this.#min = min;
    this.#max = max;
  }

  take(): Extremes | undefined {
    const [min, max] = [this.#min, this.#max];
    this.#min = Infinity;
    this.#max = -Infinity;
    // Without values other than NaN the bounds are as they were.
    if (min > max) return undefined;
    return exact(this.encode(min === 0 ? -0 : min), this.encode(max === 0 ? 0 : max));
  }
}

/** Returns the memory of values as bytes. */
export function viewBytes(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function exact(min: Uint8Array, max: Uint8Array): Extremes {
  return { min, max, isMinExact: true, isMaxExact: true };
}

/**
 * Bounds of numbers of several 32-bit words, lowest word first, signed or unsigned. It compares
 * words, since making a BigInt of each number takes ten times as long.
 */
export class WordsRange {
  readonly #min: Int32Array;
  readonly #max: Int32Array;
  #empty = true;

  /**
   * @param flip the sign bit for unsigned numbers, whose order it turns into that of signed ones;
   * else 0
   */
  constructor(
    private readonly width: number,
    private readonly flip: number,
    private readonly encode: (words: Int32Array) => Uint8Array,
  ) {
    this.#min = new Int32Array(width);
    this.#max = new Int32Array(width);
  }

  add(words: Int32Array, count: number): void {
    if (count === 0) return;
    if (this.#empty) {
      this.#empty = false;
      this.#min.set(words.subarray(0, this.width));
      this.#max.set(this.#min);
    }
    if (this.width === 2) this.#addPairs(words, count);
    else this.#addLong(words, count);
  }

  #addLong(words: Int32Array, count: number): void {
    const { width } = this;
    const min = this.#min;
    const max = this.#max;
    let isPairs = isPair(min, 0, width) && isPair(max, 0, width);
    for (let at = 0; at < count * width; at += width) {
      // Most numbers fit 64 bits and lie between the bounds.
      if (isPairs && isPair(words, at, width) && liesBetween(words, at, min, max)) continue;
      if (this.#compare(words, at, min) < 0) copyWords(words, at, min);
      if (this.#compare(words, at, max) > 0) copyWords(words, at, max);
      isPairs = isPair(min, 0, width) && isPair(max, 0, width);
    }
  }

  #addPairs(words: Int32Array, count: number): void {
    const { flip } = this;
    let minLow = this.#min[0]! >>> 0;
    let minHigh = this.#min[1]! ^ flip;
    let maxLow = this.#max[0]! >>> 0;
    let maxHigh = this.#max[1]! ^ flip;
    for (let i = 0; i < count; i++) {
      const low = words[i * 2]! >>> 0;
      const high = words[i * 2 + 1]! ^ flip;
      if (high < minHigh || (high === minHigh && low < minLow)) {
        minLow = low;
        minHigh = high;
      }
      if (high > maxHigh || (high === maxHigh && low > maxLow)) {
        maxLow = low;
        maxHigh = high;
      }
    }
    this.#min[0] = minLow;
    this.#min[1] = minHigh ^ flip;
    this.#max[0] = maxLow;
    this.#max[1] = maxHigh ^ flip;
  }

  #compare(words: Int32Array, at: number, other: Int32Array): number {
    let word = this.width - 1;
    const high = (words[at + word]! ^ this.flip) - (other[word]! ^ this.flip);
    if (high !== 0) return high;
    while (--word >= 0) {
      const difference = (words[at + word]! >>> 0) - (other[word]! >>> 0);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  take(): Extremes | undefined {
    if (this.#empty) return undefined;
    this.#empty = true;
    return exact(this.encode(this.#min), this.encode(this.#max));
  }
}

/** Whether a signed number fits its two lowest words: the words above only repeat the sign. */
function isPair(words: Int32Array, at: number, width: number): boolean {
  const sign = words[at + 1]! >> 31;
  for (let word = 2; word < width; word++) if (words[at + word] !== sign) return false;
  return true;
}

function liesBetween(words: Int32Array, at: number, min: Int32Array, max: Int32Array): boolean {
  const low = words[at]! >>> 0;
  const high = words[at + 1]!;
  return (high > min[1]! || (high === min[1] && low >= min[0]! >>> 0)) &&
    (high < max[1]! || (high === max[1] && low <= max[0]! >>> 0));
}

function copyWords(words: Int32Array, at: number, to: Int32Array): void {
  for (let i = 0; i < to.length; i++) to[i] = words[at + i]!;
}

/** Longer values are truncated: a longer bound would not be more useful. */
const MAX_BYTES = 64;
const WORDS = MAX_BYTES / 4;
/** Bytes that `BytesRange` may read behind the last value. */
export const RANGE_SLACK = MAX_BYTES;

/** The beginning of a value as big-endian words, padded with zeros. */
class Prefix {
  readonly words = new Uint32Array(WORDS);
  /** Bytes of the words that belong to the value. */
  size = 0;
  isWhole = true;

  set(view: DataView, at: number, size: number, isWhole: boolean): void {
    for (let word = 0; word < WORDS; word++) {
      this.words[word] = wordAt(view, at + word * 4, size - word * 4);
    }
    this.size = size;
    this.isWhole = isWhole;
  }

  /** Returns the bytes and zeroes the words. */
  take(): Uint8Array {
    const bytes = new Uint8Array(MAX_BYTES);
    const view = new DataView(bytes.buffer);
    this.words.forEach((word, i) => view.setUint32(i * 4, word));
    this.words.fill(0);
    return bytes.subarray(0, this.size);
  }
}

/** Counts the leading words that are equal. The last word, which may be padding, does not count. */
function sharedWords(low: Uint32Array, high: Uint32Array): number {
  let word = 0;
  while (word < WORDS - 1 && low[word] === high[word]) word++;
  return word;
}

/** Reads four bytes as a number; only `left` of them belong to the value. */
function wordAt(view: DataView, at: number, left: number): number {
  if (left >= 4) return view.getUint32(at);
  const shift = 32 - left * 8;
  return left <= 0 ? 0 : (view.getUint32(at) >>> shift << shift) >>> 0;
}

/** Bounds of text and binary values, ordered by their bytes. */
export class BytesRange {
  readonly #min = new Prefix();
  readonly #max = new Prefix();
  /** Number of words with which both bounds begin. */
  #shared = 0;
  #empty = true;

  constructor(private readonly isText: boolean) {}

  /** Adds consecutive values from `start` on; the view extends `RANGE_SLACK` bytes behind the last one. */
  add(view: DataView, start: number, lengths: Int32Array, count: number): void {
    const min = this.#min;
    const max = this.#max;
    const low = min.words;
    const high = max.words;
    let shared = this.#shared;
    let at = start;
    for (let i = 0; i < count; i++) {
      const length = lengths[i]!;
      // The first word in which the bounds differ decides for most values. In an empty range it
      // never does.
      if (length >= shared * 4 + 4) {
        let word = 0;
        while (word < shared && view.getUint32(at + word * 4) === low[word]) word++;
        if (word === shared) {
          const value = view.getUint32(at + word * 4);
          if (value > low[word]! && value < high[word]!) {
            at += length;
            continue;
          }
        }
      }
      const size = length < MAX_BYTES ? length : MAX_BYTES;
      // Zero means equal so far. The first words of a value usually decide.
      let toMin = 0;
      let toMax = 0;
      for (let word = 0; word < WORDS && (toMin === 0 || toMax === 0); word++) {
        const left = size - word * 4;
        const value = wordAt(view, at + word * 4, left);
        if (toMin === 0) toMin = value - low[word]!;
        if (toMax === 0) toMax = value - high[word]!;
        if (left <= 4) break;
      }
      // A value that is a prefix of another, apart from zeros, is the lower one.
      if (toMin === 0) toMin = size - min.size;
      if (toMax === 0) toMax = size - max.size;
      if (toMin < 0 || this.#empty) min.set(view, at, size, length === size);
      if (toMax > 0 || this.#empty) max.set(view, at, size, length === size);
      else if (toMax === 0 && length > size) max.isWhole = false;
      if (toMin < 0 || toMax > 0 || this.#empty) shared = this.#shared = sharedWords(low, high);
      this.#empty = false;
      at += length;
    }
  }

  take(): Extremes | undefined {
    if (this.#empty) return undefined;
    const [low, high] = [this.#min.take(), this.#max.take()];
    const { isText } = this;
    const min = this.#min.isWhole || !isText ? low : trimCharacter(low);
    const max = this.#max.isWhole ? high : isText ? nextText(high) : nextBytes(high);
    this.#empty = true;
    this.#shared = 0;
    // No value is above a bound that consists of the highest bytes only.
    if (max === undefined) return undefined;
    return { min, max, isMinExact: this.#min.isWhole, isMaxExact: this.#max.isWhole };
  }
}

/** Drops an incomplete character at the end of UTF-8. */
function trimCharacter(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, textSize(bytes));
}

function textSize(bytes: Uint8Array): number {
  let lead = bytes.length - 1;
  while (lead > 0 && (bytes[lead]! & 0xc0) === 0x80) lead--;
  const first = bytes[lead]!;
  const characterSize = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return bytes.length - lead >= characterSize ? bytes.length : lead;
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Returns the lowest text of at most the same length above all texts with this prefix. */
function nextText(bytes: Uint8Array): Uint8Array | undefined {
  const characters = [...utf8.decode(trimCharacter(bytes))];
  while (characters.length > 0) {
    const code = characters.pop()!.codePointAt(0)!;
    // The surrogates in between are not characters.
    const next = code === 0xd7ff ? 0xe000 : code + 1;
    if (next > 0x10ffff) continue;
    return new TextEncoder().encode(characters.join("") + String.fromCodePoint(next));
  }
  return undefined;
}

function nextBytes(bytes: Uint8Array): Uint8Array | undefined {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0xff) end--;
  if (end === 0) return undefined;
  const above = bytes.slice(0, end);
  above[end - 1]!++;
  return above;
}
