/** Bytes of a COPY FROM STDIN, in CopyData messages of bounded size. */
import { MESSAGE } from "../wire/messages.ts";

const HEADER = 5;
/** A message is sent when it has this many bytes. */
export const FRAME = 256 * 1024;

/** A buffer above this size is released with its message. */
const LARGE = FRAME * 8;

const utf8 = new TextEncoder();

export class CopyBuffer {
  bytes = new Uint8Array(FRAME * 2);
  view = new DataView(this.bytes.buffer);
  at = HEADER;

  get full(): boolean {
    return this.at >= FRAME;
  }

  /** Makes room for `size` bytes at `at`. */
  reserve(size: number): void {
    const wanted = this.at + size;
    if (wanted <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(wanted, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.at));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.at++] = value;
  }

  int16(value: number): void {
    this.reserve(2);
    this.view.setInt16(this.at, value);
    this.at += 2;
  }

  int32(value: number): void {
    this.reserve(4);
    this.view.setInt32(this.at, value);
    this.at += 4;
  }

  /** Bytes of `source` from `from` up to `to`. */
  slice(source: Uint8Array, from: number, to: number): void {
    const size = to - from;
    this.reserve(size);
    // A call of set costs more than a few bytes do.
    if (size > 24) this.bytes.set(source.subarray(from, to), this.at);
    else for (let i = 0, at = this.at; i < size; i++) this.bytes[at + i] = source[from + i]!;
    this.at += size;
  }

  text(text: string): void {
    this.reserve(text.length * 3);
    this.at += utf8.encodeInto(text, this.bytes.subarray(this.at)).written;
  }

  /** The message so far, to be sent before the writer is used again. */
  take(): Uint8Array {
    this.bytes[0] = MESSAGE.copyData;
    this.view.setInt32(1, this.at - 1);
    const frame = this.bytes.subarray(0, this.at);
    this.at = HEADER;
    // One huge value must not take its memory to the end.
    if (this.bytes.length > LARGE) {
      this.bytes = new Uint8Array(FRAME * 2);
      this.view = new DataView(this.bytes.buffer);
    }
    return frame;
  }
}
