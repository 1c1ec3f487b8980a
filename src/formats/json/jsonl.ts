/** The JSON Lines format: one record, an object, on each line. Format: https://jsonlines.org */
import { CARRIAGE_RETURN, LINE_FEED, OPEN_OBJECT } from "../../core/values/ascii.ts";
import type { RejectedRecord } from "../../core/contracts/extractor.ts";
import type { FileFormat } from "../format.ts";
import { readRecordText } from "../text/rejected_lines.ts";
import { createJSONFormat } from "./record_format.ts";
import { INCOMPLETE, lineFeeds, Malformed, skipSpace, throwMalformed } from "./syntax/scan.ts";
import { RecordSource } from "./records/source.ts";

/** Reads one record per line; skips blank lines. JSON takes a carriage return as white space. */
class LineSource extends RecordSource {
  /** Lines before the current one. */
  #lines = 0;
  /** Bytes of the unfinished line that contain no line feed. */
  #searched = 0;
  #lastLine = false;
  /** Bounds of the line that is scanned, or whose scan has failed. */
  #line = { start: 0, end: 0 };

  override get lines(): number {
    return this.#lines;
  }

  protected override get place(): string {
    return `line ${this.#lines + 1}, ${super.place}`;
  }

  protected advance(): boolean {
    return this.#scanBufferedLine() || this.#scanNextLine();
  }

  /** Scans a record whose line is buffered whole, without searching for the line's end first. */
  #scanBufferedLine(): boolean {
    const { window } = this;
    const { bytes, start } = window;
    if (bytes[start] !== OPEN_OBJECT) return false;
    const before = lineFeeds;
    let at: number;
    try {
      at = this.scan(bytes, start, window.end);
    } catch {
      return false;
    }
    if (bytes[at] === CARRIAGE_RETURN) at++;
    if (bytes[at] !== LINE_FEED || at >= window.end || lineFeeds !== before) return false;
    window.start = at + 1;
    this.#lines++;
    this.#searched = 0;
    return true;
  }

  #scanNextLine(): boolean {
    const { window } = this;
    const { bytes } = window;
    for (;;) {
      const end = this.#findLineEnd();
      if (end === undefined) return false;
      this.#line = { start: window.start, end };
      // Scanning relies on a zero byte behind the text.
      bytes[end] = 0;
      const start = skipSpace(bytes, window.start);
      try {
        if (start < end) this.#scanLine(start, end);
      } finally {
        if (end < window.end) bytes[end] = LINE_FEED;
      }
      this.#passLine();
      if (start < end) return true;
    }
  }

  #passLine(): void {
    const { window } = this;
    window.start = Math.min(this.#line.end + 1, window.end);
    this.#lines++;
  }

  override skipMalformed(): Pick<RejectedRecord, "row" | "line" | "text"> {
    const { start, end } = this.#line;
    const text = readRecordText(this.window.bytes, start, end);
    this.#passLine();
    return { row: ++this.records, line: this.#lines, text };
  }

  #findLineEnd(): number | undefined {
    const { window } = this;
    const found = window.bytes.indexOf(LINE_FEED, window.start + this.#searched);
    if (found !== -1 && found < window.end) {
      this.#searched = 0;
      return found;
    }
    if (this.#lastLine && window.size > 0) return window.end;
    this.#searched = window.size;
    return undefined;
  }

  #scanLine(start: number, end: number): void {
    const { bytes } = this.window;
    try {
      const at = skipSpace(bytes, this.scan(bytes, start, end));
      if (at !== end) throwMalformed(bytes, at, end, "the end of the line");
    } catch (error) {
      if (error !== INCOMPLETE) throw error;
      throw new Malformed("the line ends within a value, expected the whole record on one line");
    }
  }

  protected finish(): boolean {
    if (this.#lastLine) return false;
    this.#lastLine = true;
    return true;
  }
}

export default createJSONFormat({
  name: "jsonl",
  source: LineSource,
  divisible: true,
  layout: ({ line_end = "\n" }) => ({
    open: "",
    beforeFirst: "",
    between: line_end,
    afterLast: line_end,
    close: "",
    oneLine: true,
  }),
}) satisfies FileFormat;
