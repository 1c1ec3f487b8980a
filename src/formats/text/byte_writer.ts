/** Collects the bytes of text files. */
import {
  BACKSLASH,
  CARRIAGE_RETURN,
  LINE_FEED,
  QUOTE,
  SPACE,
  ZERO,
} from "../../core/values/ascii.ts";
import { findMistake } from "../json/syntax/parse.ts";

const CHUNK = 65_536;

const utf8 = new TextEncoder();

/** Escape letter of each byte in a JSON string; 0 for bytes that need none. */
const ESCAPE = new Uint8Array(256);
ESCAPE.fill(0x75, 0, 0x20);
for (const [character, letter] of ['""', "\\\\", "\bb", "\ff", "\nn", "\rr", "\tt"]) {
  ESCAPE[character!.charCodeAt(0)] = letter!.charCodeAt(0);
}

const HEX_DIGITS = utf8.encode("0123456789abcdef");

/** A growing buffer of bytes; the caller takes them chunk by chunk. */
export class ByteWriter {
  /** Bytes written. A caller that writes into `room` advances it. */
  end = 0;
  #bytes = new Uint8Array(2 * CHUNK);

  /** Whether a chunk's worth of bytes is ready. */
  get full(): boolean {
    return this.end >= CHUNK;
  }

  get empty(): boolean {
    return this.end === 0;
  }

  /** Returns the bytes so far, which the caller owns, and empties the buffer. */
  take(): Uint8Array {
    const bytes = this.#bytes.subarray(0, this.end);
    this.#bytes = new Uint8Array(2 * CHUNK);
    this.end = 0;
    return bytes;
  }

  byte(byte: number): void {
    this.room(1)[this.end++] = byte;
  }

  ascii(text: string): void {
    const bytes = this.room(text.length);
    for (let i = 0; i < text.length; i++) bytes[this.end++] = text.charCodeAt(i);
  }

  bytes(source: Uint8Array, from = 0, to = source.length): void {
    const bytes = this.room(to - from);
    if (to - from > 24) {
      bytes.set(source.subarray(from, to), this.end);
      this.end += to - from;
    } else {
      let { end } = this;
      for (let at = from; at < to; at++) bytes[end++] = source[at]!;
      this.end = end;
    }
  }

  /** Writes UTF-8 text as a JSON string. */
  string(source: Uint8Array, from: number, to: number): void {
    const bytes = this.room((to - from) * 6 + 2);
    let { end } = this;
    bytes[end++] = QUOTE;
    for (let at = from; at < to; at++) {
      const byte = source[at]!;
      const escape = ESCAPE[byte]!;
      if (escape === 0) {
        bytes[end++] = byte;
        continue;
      }
      bytes[end++] = BACKSLASH;
      bytes[end++] = escape;
      if (escape !== 0x75) continue;
      bytes[end++] = ZERO;
      bytes[end++] = ZERO;
      bytes[end++] = HEX_DIGITS[byte >> 4]!;
      bytes[end++] = HEX_DIGITS[byte & 15]!;
    }
    bytes[end++] = QUOTE;
    this.end = end;
  }

  /**
   * Writes JSON text unchanged, or with spaces for line ends between its values.
   *
   * @returns why it is not JSON, or is nested too deep to be read inside a record; undefined if
   * neither
   */
  json(source: Uint8Array, from: number, to: number, oneLine: boolean): string | undefined {
    const bytes = this.room(to - from + 1);
    const start = this.end;
    const end = start + to - from;
    bytes.set(source.subarray(from, to), start);
    bytes[end] = 0;
    const mistake = findMistake(bytes, start, end, 1);
    if (mistake !== undefined) return mistake;
    if (oneLine) {
      for (let at = start; at < end; at++) {
        if (bytes[at] === LINE_FEED || bytes[at] === CARRIAGE_RETURN) bytes[at] = SPACE;
      }
    }
    this.end = end;
    return undefined;
  }

  /** Returns the buffer, with room for `size` bytes from `end`. */
  room(size: number): Uint8Array {
    const needed = this.end + size;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.end));
      this.#bytes = grown;
    }
    return this.#bytes;
  }
}
