/**
 * Bytes of CSV → where the fields of each record begin and end.
 * Format: https://www.rfc-editor.org/rfc/rfc4180, with other characters, and line ends of any kind
 */
import { show, ValidationError } from "../../core/errors.ts";
import type { Dialect } from "./dialect.ts";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** A record beyond this is taken for a quote that was never closed. */
const LARGEST_RECORD = 256 * 1024 * 1024;

/** How a field is written. */
export const PLAIN = 0;
export const QUOTED = 1;
/** Quoted, with an escape inside that must be taken out. */
export const ESCAPED = 2;

/**
 * Records one after the other. Those that are whole in memory are found by `next`, without waiting;
 * when it finds no more, `fill` reads on.
 */
export class Tokenizer {
  /** Holds the record found last. */
  bytes: Uint8Array = new Uint8Array();
  /** For each field of the record: from, to, and PLAIN, QUOTED or ESCAPED. */
  fields = new Int32Array(3 * 64);
  count = 0;
  /** Line on which the record begins, from 1. */
  line = 1;
  /** Bytes that the record takes. */
  size = 0;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #from = 0;
  #end = 0;
  #nextLine = 1;
  #ended = false;

  constructor(
    private readonly name: string,
    bytes: AsyncIterable<Uint8Array>,
    private readonly dialect: Dialect,
  ) {
    this.#chunks = bytes[Symbol.asyncIterator]();
  }

  /**
   * Reads on; false when there is nothing more.
   *
   * @throws {ValidationError} when the bytes are not of the file's compression or encoding
   */
  async fill(): Promise<boolean> {
    if (this.#ended) return false;
    const left = this.#end - this.#from;
    if (left > LARGEST_RECORD) {
      this.line = this.#nextLine;
      throw this.wrong(`its record has more than ${LARGEST_RECORD} bytes, is a quote not closed`);
    }
    // At least as much again, so that a long record is not looked at over and over.
    const parts: Uint8Array[] = [];
    let size = 0;
    while (size <= left) {
      const next = await this.#nextChunk();
      if (next.done === true) {
        this.#ended = true;
        break;
      }
      parts.push(next.value);
      size += next.value.length;
    }
    const grown = new Uint8Array(left + size);
    grown.set(this.bytes.subarray(this.#from, this.#end));
    let at = left;
    for (const part of parts) {
      grown.set(part, at);
      at += part.length;
    }
    [this.bytes, this.#from, this.#end] = [grown, 0, at];
    return at > 0;
  }

  async #nextChunk(): Promise<IteratorResult<Uint8Array>> {
    try {
      return await this.#chunks.next();
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      const after = this.#nextLine === 1 ? "" : `, after line ${this.#nextLine - 1}`;
      throw new ValidationError(`Cannot read "${this.name}"${after}: ${error.message}`, {
        cause: error,
      });
    }
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  /**
   * Finds the next record; false when it is not whole in memory.
   *
   * @throws {ValidationError} for a quote that is not closed, or text beside a quoted field
   */
  next(): boolean {
    const { bytes } = this;
    const { delimiter, quote } = this.dialect;
    const end = this.#end;
    let at = this.#from;
    if (at >= end) return false;
    this.line = this.#nextLine;
    this.count = 0;
    let lines = 0;
    while (true) {
      if (at < end && bytes[at] === quote) {
        const close = this.#quoted(at + 1);
        if (close < 0) return false;
        lines += this.#lineEnds(at, close);
        at = close;
      } else {
        const start = at;
        let byte = 0;
        while (
          at < end && (byte = bytes[at]!) !== delimiter && byte !== LINE_FEED &&
          byte !== CARRIAGE_RETURN
        ) at++;
        if (at === end && !this.#ended) return false;
        this.#push(start, at, PLAIN);
      }
      if (at === end) break;
      if (bytes[at] === delimiter) {
        at++;
        if (at === end && !this.#ended) return false;
        continue;
      }
      const after = this.#afterLineEnd(at);
      if (after < 0) return false;
      at = after;
      lines++;
      break;
    }
    this.size = at - this.#from;
    this.#from = at;
    this.#nextLine += lines;
    return true;
  }

  /** Past the closing quote of the field that began before `start`; negative when it is not there. */
  #quoted(start: number): number {
    const { bytes } = this;
    const { quote, escape, delimiter } = this.dialect;
    const end = this.#end;
    let kind = QUOTED;
    let at = start;
    while (true) {
      while (at < end && bytes[at] !== quote && bytes[at] !== escape) at++;
      if (at + 1 >= end && !this.#ended) return -1;
      if (at >= end) throw this.#wrongField("its quote is not closed");
      const next = at + 1 < end ? bytes[at + 1] : undefined;
      const escapes = bytes[at] === escape && (next === quote || next === escape);
      if (escapes && next !== undefined) {
        kind = ESCAPED;
        at += 2;
      } else if (bytes[at] === quote) {
        if (
          next !== undefined && next !== delimiter && next !== LINE_FEED && next !== CARRIAGE_RETURN
        ) throw this.#wrongField("a quoted field is followed by other text than a delimiter");
        this.#push(start, at, kind);
        return at + 1;
      } else {
        at++;
      }
    }
  }

  #afterLineEnd(at: number): number {
    if (this.bytes[at] === LINE_FEED) return at + 1;
    if (at + 1 < this.#end) return this.bytes[at + 1] === LINE_FEED ? at + 2 : at + 1;
    return this.#ended ? at + 1 : -1;
  }

  #lineEnds(from: number, to: number): number {
    const { bytes } = this;
    let count = 0;
    for (let at = from; at < to; at++) {
      const byte = bytes[at]!;
      if (byte > CARRIAGE_RETURN) continue;
      if (byte === LINE_FEED || (byte === CARRIAGE_RETURN && bytes[at + 1] !== LINE_FEED)) count++;
    }
    return count;
  }

  #push(from: number, to: number, kind: number): void {
    const at = this.count++ * 3;
    if (at + 3 > this.fields.length) {
      const grown = new Int32Array(this.fields.length * 2);
      grown.set(this.fields);
      this.fields = grown;
    }
    this.fields[at] = from;
    this.fields[at + 1] = to;
    this.fields[at + 2] = kind;
  }

  #wrongField(detail: string): ValidationError {
    return new ValidationError(`${this.#place}, field ${this.count + 1}: ${detail}`);
  }

  get #place(): string {
    return `Cannot read "${this.name}", line ${this.line}`;
  }

  /** An error about the record. */
  wrong(detail: string): ValidationError {
    return new ValidationError(`${this.#place}: ${detail}`);
  }

  /** Whether the record is a line with nothing on it. */
  get blank(): boolean {
    return this.count === 1 && this.fields[0] === this.fields[1] && this.fields[2] === PLAIN;
  }

  /** Bytes of a field, escapes taken out. */
  content(field: number): Uint8Array {
    const at = field * 3;
    const raw = this.bytes.subarray(this.fields[at], this.fields[at + 1]);
    return this.fields[at + 2] === ESCAPED ? this.#unescaped(raw) : raw;
  }

  #unescaped(raw: Uint8Array): Uint8Array {
    const { quote, escape } = this.dialect;
    const out = new Uint8Array(raw.length);
    let end = 0;
    for (let at = 0; at < raw.length; at++) {
      const next = raw[at + 1];
      if (raw[at] === escape && (next === quote || next === escape)) at++;
      out[end++] = raw[at]!;
    }
    return out.subarray(0, end);
  }

  /** Text of a field, for names and messages. */
  text(field: number): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.content(field));
  }

  /** @throws {ValidationError} when the record has another number of fields */
  expect(count: number): void {
    if (this.count === count) return;
    throw this.wrong(
      `it has ${this.count} fields, expected ${count}; it begins with ${show(this.text(0))}`,
    );
  }
}
