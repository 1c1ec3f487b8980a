/**
 * Bytes of CSV → where the fields of its records begin and end.
 * Format: https://www.rfc-editor.org/rfc/rfc4180, with other characters, and line ends of any kind
 */
import { quoteValue, ValidationError } from "../../core/errors.ts";
import { describeLargeRecord, MAX_FIELDS } from "../text/record_size.ts";
import type { Dialect } from "./dialect.ts";
import { ChunkBuffer } from "./chunk_buffer.ts";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** No closing quote in the bytes at hand, or in all of the file. */
const CUT = -1;
const UNCLOSED = -2;

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** What {@linkcode Tokenizer.scan} gives for the first record, whose number of fields is not known. */
export const ANY_WIDTH = 0;

/**
 * Records in blocks. Those that are whole in memory are found by `scan`, without waiting; when it
 * finds no more, `fill` reads on.
 */
export class Tokenizer {
  /**
   * For each field of each record found: where it begins in `bytes`, and where it ends, as ~end
   * when there are escapes to take out of it. A field that begins behind a quote is a quoted one.
   */
  spans = new Int32Array(4096);
  /** Fields that a record has; ANY_WIDTH until the first one tells. */
  width = ANY_WIDTH;
  /** Blank lines before the record found first. */
  blanks = 0;
  readonly #window: ChunkBuffer;
  #begin = 0;
  #lines = 0;
  /** Where the last scan began, in `bytes` and in lines. */
  #scanned = { start: 0, lines: 0 };
  /** What is wrong behind the records found. */
  #wrong: ValidationError | undefined;
  /** Line ends in the quoted fields of the record being looked at. */
  #inside = 0;
  /** Whether the quoted field found last has escapes. */
  #escaped = false;

  constructor(
    private readonly name: string,
    chunks: AsyncIterable<Uint8Array>,
    private readonly dialect: Dialect,
  ) {
    this.#window = new ChunkBuffer(chunks);
  }

  /** Holds the records found last. */
  get bytes(): Uint8Array {
    return this.#window.bytes;
  }

  /** Where in the file the next record begins. */
  get offset(): number {
    return this.#begin + this.#window.offset;
  }

  /** Lines behind the records found. */
  get lines(): number {
    return this.#lines;
  }

  /** Says that the text begins at an offset of the file, behind so many lines. */
  begin(offset: number, lines: number): void {
    this.#begin = offset;
    this.#lines = lines;
  }

  /**
   * Reads on; false when there is nothing more.
   *
   * @throws {ValidationError} when the bytes are not of the file's compression or encoding
   */
  async fill(): Promise<boolean> {
    const { maxRecordBytes } = this.dialect;
    if (this.#window.size > maxRecordBytes) {
      const detail = describeLargeRecord(maxRecordBytes);
      throw this.#error(this.#lines + 1, `${detail}, or close a quote that was left open`);
    }
    try {
      return await this.#window.fill(maxRecordBytes);
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      const after = this.#lines === 0 ? "" : `, after line ${this.#lines}`;
      throw new ValidationError(`Cannot read "${this.name}"${after}: ${error.message}`, {
        cause: error,
      });
    }
  }

  close(): Promise<void> {
    return this.#window.close();
  }

  /**
   * Finds the next records, up to `most` of them and no further once they have `size` bytes. A line
   * with nothing on it is a record only where records have one field.
   *
   * @returns how many are in `spans`
   * @throws {ValidationError} for a quote that is not closed, text beside a quoted field, or a
   * record of another width
   */
  scan(most: number, size: number): number {
    if (this.#wrong !== undefined) throw this.#wrong;
    const { bytes, end, ended, start } = this.#window;
    const { delimiter, quote } = this.dialect;
    const highest = Math.max(delimiter, CARRIAGE_RETURN);
    const isAny = this.width === ANY_WIDTH;
    let { spans } = this;
    let room = spans.length;
    let lines = this.#lines;
    this.#inside = 0;
    this.#scanned = { start, lines };
    let rows = 0;
    let to = 0;
    // Of the record that `at` is in.
    let record = start;
    let first = 0;
    let at = start;
    const stop = Math.min(end, start + size);
    while (record < stop && rows < most) {
      let from = at;
      let byte = bytes[at]!;
      if (to === room) {
        const most = isAny ? MAX_FIELDS : this.width;
        if (to - first > 2 * most) {
          this.#wrong = this.#error(
            lines + 1,
            `it has more than ${most} fields, expected ${isAny ? "no more" : this.width}`,
          );
          break;
        }
        room = (spans = this.#grow()).length;
      }
      if (byte === quote && at < end) {
        from = ++at;
        at = this.#closingQuote(at);
        if (at < 0) {
          if (at === UNCLOSED) {
            this.#wrong = this.#wrongField(lines, to - first, "its quote is not closed");
          }
          break;
        }
        spans[to] = from;
        spans[to + 1] = this.#escaped ? ~at : at;
        byte = bytes[++at]!;
        if (byte !== delimiter && byte !== LINE_FEED && byte !== CARRIAGE_RETURN) {
          const detail = "a quoted field is followed by other text than a delimiter";
          this.#wrong = this.#wrongField(lines, to - first, detail);
          break;
        }
      } else {
        while (
          (byte = bytes[at]!) > highest ||
          (byte !== delimiter && byte !== LINE_FEED && byte !== CARRIAGE_RETURN)
        ) at++;
        spans[to] = from;
        spans[to + 1] = at;
      }
      to += 2;
      if (byte === delimiter && at < end) {
        at++;
        if (at === end && !ended) break;
        continue;
      }
      if (at >= end) {
        if (!ended) break;
      } else if (byte === LINE_FEED) {
        at++;
      } else if (at + 1 < end) {
        at += bytes[at + 1] === LINE_FEED ? 2 : 1;
      } else if (ended) {
        at++;
      } else {
        break;
      }
      const count = (to - first) >> 1;
      if (count === this.width) {
        rows++;
      } else if (count === 1 && from === spans[to - 1] && bytes[from - 1] !== quote) {
        if (isAny) this.blanks++;
        to = first;
      } else if (isAny) {
        this.width = count;
        rows = most;
      } else {
        this.#wrong = this.#wrongWidth(lines, count, first);
        break;
      }
      first = to;
      lines += 1 + this.#inside;
      this.#inside = 0;
      record = at;
    }
    this.#window.start = record;
    this.#lines = lines;
    if (rows === 0 && this.#wrong !== undefined) throw this.#wrong;
    return isAny ? Math.min(rows, 1) : rows;
  }

  /** Where the quote is that closes the field whose text begins at `start`. */
  #closingQuote(start: number): number {
    const { bytes, end, ended } = this.#window;
    const { quote, escape } = this.dialect;
    this.#escaped = false;
    for (let at = start;; at++) {
      let byte = 0;
      // All bytes beyond the end are line feeds.
      while ((byte = bytes[at]!) !== quote && byte !== escape && byte > CARRIAGE_RETURN) at++;
      if (byte === quote || byte === escape) {
        if (at + 1 >= end && !ended) return CUT;
        const next = bytes[at + 1]!;
        if (byte === escape && (next === quote || next === escape)) {
          this.#escaped = true;
          at++;
        } else if (byte === quote) {
          return at;
        }
      } else if (at >= end) {
        return ended ? UNCLOSED : CUT;
      } else if (
        byte === LINE_FEED || (byte === CARRIAGE_RETURN && bytes[at + 1] !== LINE_FEED)
      ) {
        this.#inside++;
      }
    }
  }

  #grow(): Int32Array<ArrayBuffer> {
    const grown = new Int32Array(this.spans.length * 2);
    grown.set(this.spans);
    return this.spans = grown;
  }

  #wrongField(lines: number, at: number, detail: string): ValidationError {
    return new ValidationError(
      `Cannot read "${this.name}", line ${lines + 1}, field ${(at >> 1) + 1}: ${detail}`,
    );
  }

  #wrongWidth(lines: number, count: number, at: number): ValidationError {
    const begins = quoteValue(this.text(at));
    return this.#error(
      lines + 1,
      `it has ${count} fields, expected ${this.width}; it begins with ${begins}`,
    );
  }

  #error(line: number, detail: string): ValidationError {
    return new ValidationError(`Cannot read "${this.name}", line ${line}: ${detail}`);
  }

  /** Takes these spans for those of the records found last. */
  put(spans: Int32Array): void {
    while (this.spans.length < spans.length) this.#grow();
    this.spans.set(spans);
  }

  /** Line of the file on which the field begins whose span, of the last scan, is at `at`. */
  lineOf(at: number): number {
    const { start, lines } = this.#scanned;
    let line = lines + 1;
    for (let i = start; i < this.spans[at]!; i++) {
      const byte = this.bytes[i];
      if (byte === LINE_FEED || (byte === CARRIAGE_RETURN && this.bytes[i + 1] !== LINE_FEED)) {
        line++;
      }
    }
    return line;
  }

  /** Text of the field whose span is at `at`, for names and messages. */
  text(at: number): string {
    const from = this.spans[at]!;
    const to = this.spans[at + 1]!;
    if (to >= 0) return utf8.decode(this.bytes.subarray(from, to));
    const out = new Uint8Array(~to - from);
    return utf8.decode(out.subarray(0, unescape(this.bytes, from, ~to, this.dialect, out, 0)));
  }
}

/**
 * Writes the text between two quotes from `end` on, its escapes taken out.
 *
 * @returns where it ends
 */
export function unescape(
  bytes: Uint8Array,
  from: number,
  to: number,
  { quote, escape }: Dialect,
  out: Uint8Array,
  end: number,
): number {
  for (let at = from; at < to; at++) {
    let byte = bytes[at]!;
    if (byte === escape && at + 1 < to) {
      const next = bytes[at + 1]!;
      if (next === quote || next === escape) {
        byte = next;
        at++;
      }
    }
    out[end++] = byte;
  }
  return end;
}
