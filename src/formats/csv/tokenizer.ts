/**
 * Finds where the fields of CSV records begin and end.
 * Format: https://www.rfc-editor.org/rfc/rfc4180, with configurable characters and any line ends
 */
import { CARRIAGE_RETURN, LINE_FEED } from "../../core/values/ascii.ts";
import { quoteValue, ValidationError } from "../../core/errors.ts";
import { describeLargeRecord, MAX_FIELDS } from "../text/record_size.ts";
import type { Dialect } from "./dialect.ts";
import { readRecordText } from "../text/rejected_lines.ts";
import { ChunkBuffer } from "./chunk_buffer.ts";

/** The closing quote is not in the buffered bytes, or not in the file at all. */
const CUT = -1;
const UNCLOSED = -2;

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Width before {@linkcode Tokenizer.scan} has found the first record. */
export const ANY_WIDTH = 0;

/**
 * Splits a file into records block by block. `scan` finds the whole records in the buffer without
 * waiting; when it finds none, `fill` reads on.
 */
export class Tokenizer {
  /**
   * Two numbers for each field of the records found: its start in `bytes`, and its end, which is
   * ~end when the field contains escapes. A quote stands before the start of a quoted field.
   */
  spans = new Int32Array(4096);
  /** Fields per record; ANY_WIDTH until the first record is found. */
  width = ANY_WIDTH;
  /** Blank lines before the first record. */
  blanks = 0;
  readonly #window: ChunkBuffer;
  #begin = 0;
  #lines = 0;
  /** Start of the last scan, in `bytes` and in lines. */
  #scanned = { start: 0, lines: 0 };
  /** Error behind the records found; thrown once they have been read. */
  #pendingError: ValidationError | undefined;
  /** End and lines of the record with that error, where they are known. */
  #malformed: { readonly end: number; readonly lines: number } | undefined;
  /** Line ends in the quoted fields of the current record. */
  #quotedLines = 0;
  /** Whether the last quoted field contains escapes. */
  #escaped = false;

  constructor(
    private readonly name: string,
    chunks: AsyncIterable<Uint8Array>,
    private readonly dialect: Dialect,
  ) {
    this.#window = new ChunkBuffer(chunks);
  }

  /** The bytes that `spans` refers to. */
  get bytes(): Uint8Array {
    return this.#window.bytes;
  }

  /** Offset of the next record in the file. */
  get offset(): number {
    return this.#begin + this.#window.offset;
  }

  /** Lines before the next record. */
  get lines(): number {
    return this.#lines;
  }

  /** Sets where in the file the text begins: an offset, and the lines before it. */
  begin(offset: number, lines: number): void {
    this.#begin = offset;
    this.#lines = lines;
  }

  /**
   * Reads more bytes; returns false at the end.
   *
   * @throws {ValidationError} when the bytes do not match the file's compression or encoding
   */
  async fill(): Promise<boolean> {
    const { maxRecordBytes } = this.dialect;
    if (this.refuseLargeRecord()) throw this.#pendingError;
    try {
      return await this.#window.fill(maxRecordBytes);
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      const location = this.#lines === 0 ? "" : `, after line ${this.#lines}`;
      throw new ValidationError(`Cannot read "${this.name}"${location}: ${error.message}`, {
        cause: error,
      });
    }
  }

  close(): Promise<void> {
    return this.#window.close();
  }

  /**
   * Finds the next records: at most `maxRecords`, and none further once they reach `size` bytes. A
   * blank line is a record only where records have one field.
   *
   * @returns the number of records in `spans`
   * @throws {ValidationError} for an unclosed quote, text after a closing quote, or a record of
   * another width
   */
  scan(maxRecords: number, size: number): number {
    if (this.#pendingError !== undefined) throw this.#pendingError;
    const { bytes, end, isLast, start } = this.#window;
    const { delimiter, quote } = this.dialect;
    const highest = Math.max(delimiter, CARRIAGE_RETURN);
    const isAny = this.width === ANY_WIDTH;
    let { spans } = this;
    let room = spans.length;
    let lines = this.#lines;
    this.#quotedLines = 0;
    this.#scanned = { start, lines };
    let rows = 0;
    let to = 0;
    // State of the record that contains `at`.
    let record = start;
    let first = 0;
    let at = start;
    const stop = Math.min(end, start + size);
    while (record < stop && rows < maxRecords) {
      let from = at;
      let byte = bytes[at]!;
      if (to === room) {
        const maxFields = isAny ? MAX_FIELDS : this.width;
        if (to - first > 2 * maxFields) {
          this.#pendingError = this.#error(
            lines + 1,
            `it has more than ${maxFields} fields, expected ${isAny ? "no more" : this.width}`,
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
            this.#pendingError = this.#fieldError(lines, to - first, "its quote is not closed");
          }
          break;
        }
        spans[to] = from;
        spans[to + 1] = this.#escaped ? ~at : at;
        byte = bytes[++at]!;
        if (byte !== delimiter && byte !== LINE_FEED && byte !== CARRIAGE_RETURN) {
          const detail = "text follows a quoted field, expected a delimiter";
          this.#pendingError = this.#fieldError(lines, to - first, detail);
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
        if (at === end && !isLast) break;
        continue;
      }
      if (at >= end) {
        if (!isLast) break;
      } else if (byte === LINE_FEED) {
        at++;
      } else if (at + 1 < end) {
        at += bytes[at + 1] === LINE_FEED ? 2 : 1;
      } else if (isLast) {
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
        rows = maxRecords;
      } else {
        this.#pendingError = this.#widthError(lines, count, first);
        this.#malformed = { end: at, lines: 1 + this.#quotedLines };
        break;
      }
      first = to;
      lines += 1 + this.#quotedLines;
      this.#quotedLines = 0;
      record = at;
    }
    this.#window.start = record;
    this.#lines = lines;
    if (rows === 0 && this.#pendingError !== undefined) throw this.#pendingError;
    return isAny ? Math.min(rows, 1) : rows;
  }

  /**
   * Skips the record for which `scan` has thrown: to its end if only the number of its fields is wrong, else to
   * the end of its first line, since quotes that do not match hide where it ends.
   *
   * @returns the line on which it begins and its text; undefined if more bytes must be read before
   */
  skipMalformed(): { readonly line: number; readonly text: string } | undefined {
    const window = this.#window;
    const { bytes, start } = window;
    const end = this.#malformed?.end ?? this.#findLineEnd();
    if (end === undefined) return undefined;
    const line = this.#lines + 1;
    window.start = end;
    this.#lines += this.#malformed?.lines ?? 1;
    this.#malformed = this.#pendingError = undefined;
    return { line, text: readRecordText(bytes, start, end) };
  }

  /** Makes `scan` throw for a record that is larger than allowed; returns whether there is one. */
  refuseLargeRecord(): boolean {
    const { maxRecordBytes } = this.dialect;
    if (this.#window.size <= maxRecordBytes) return false;
    const detail = describeLargeRecord(maxRecordBytes);
    this.#pendingError = this.#error(
      this.#lines + 1,
      `${detail}, or close a quote that was left open`,
    );
    return true;
  }

  /** End of the line at the start of the buffer; undefined if it is not buffered whole. */
  #findLineEnd(): number | undefined {
    const { bytes, start, end, isLast } = this.#window;
    for (let at = start; at < end; at++) {
      if (bytes[at] === LINE_FEED) return at + 1;
      if (bytes[at] !== CARRIAGE_RETURN) continue;
      if (at + 1 === end && !isLast) return undefined;
      return bytes[at + 1] === LINE_FEED && at + 1 < end ? at + 2 : at + 1;
    }
    return isLast ? end : undefined;
  }

  /** Finds the closing quote of the field whose text begins at `start`. */
  #closingQuote(start: number): number {
    const { bytes, end, isLast } = this.#window;
    const { quote, escape } = this.dialect;
    this.#escaped = false;
    for (let at = start;; at++) {
      let byte = 0;
      // The bytes beyond the end are line feeds, so the loop stops there.
      while ((byte = bytes[at]!) !== quote && byte !== escape && byte > CARRIAGE_RETURN) at++;
      if (byte === quote || byte === escape) {
        if (at + 1 >= end && !isLast) return CUT;
        const next = bytes[at + 1]!;
        if (byte === escape && (next === quote || next === escape)) {
          this.#escaped = true;
          at++;
        } else if (byte === quote) {
          return at;
        }
      } else if (at >= end) {
        return isLast ? UNCLOSED : CUT;
      } else if (
        byte === LINE_FEED || (byte === CARRIAGE_RETURN && bytes[at + 1] !== LINE_FEED)
      ) {
        this.#quotedLines++;
      }
    }
  }

  #grow(): Int32Array<ArrayBuffer> {
    const grown = new Int32Array(this.spans.length * 2);
    grown.set(this.spans);
    return this.spans = grown;
  }

  #fieldError(lines: number, at: number, detail: string): ValidationError {
    return new ValidationError(
      `Cannot read "${this.name}", line ${lines + 1}, field ${(at >> 1) + 1}: ${detail}`,
    );
  }

  #widthError(lines: number, count: number, at: number): ValidationError {
    const begins = quoteValue(this.text(at));
    return this.#error(
      lines + 1,
      `it has ${count} fields, expected ${this.width}; it begins with ${begins}`,
    );
  }

  #error(line: number, detail: string): ValidationError {
    return new ValidationError(`Cannot read "${this.name}", line ${line}: ${detail}`);
  }

  /** Replaces the spans of the records found last. */
  setSpans(spans: Int32Array): void {
    while (this.spans.length < spans.length) this.#grow();
    this.spans.set(spans);
  }

  /** Returns the line of the file on which a field of the last scan begins; `at` is its span. */
  findLine(at: number): number {
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

  /** Returns the text of the field with the span at `at`, for names and messages. */
  text(at: number): string {
    const from = this.spans[at]!;
    const to = this.spans[at + 1]!;
    if (to >= 0) return utf8.decode(this.bytes.subarray(from, to));
    const out = new Uint8Array(~to - from);
    return utf8.decode(out.subarray(0, unescape(this.bytes, from, ~to, this.dialect, out, 0)));
  }
}

/**
 * Writes a quoted field's text to `out` from `end`, without escapes.
 *
 * @returns the new end
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
