/** The records of a file one after the other, wherever chunks end. */
import { ValidationError } from "../../core/errors.ts";
import {
  CLOSE_ARRAY,
  COMMA,
  fail,
  INCOMPLETE,
  Malformed,
  OPEN_ARRAY,
  OPEN_OBJECT,
  skipSpace,
} from "./scan.ts";
import { Window } from "./window.ts";

/** Most bytes of one record: they are in memory at once. */
const MAX_RECORD_BYTES = 268_435_456;

/** Looks at the value at `at` and returns where it ends, as the functions of `scan.ts` do. */
export type Scan = (bytes: Uint8Array, at: number, end: number) => number;

/**
 * Scans record by record, as long as there are bytes at hand, and is filled in between:
 *
 *     do { while (source.next()) use(source.bytes); } while (await source.fill());
 */
export abstract class RecordSource {
  /** Records scanned so far. */
  records = 0;
  protected readonly window: Window;

  constructor(
    private readonly name: string,
    chunks: AsyncIterable<Uint8Array>,
    protected readonly scan: Scan,
  ) {
    this.window = new Window(chunks);
  }

  /** The bytes that positions of the scanned record refer to, until the next fill. */
  get bytes(): Uint8Array {
    return this.window.bytes;
  }

  /**
   * Scans the next record.
   *
   * @returns false when the bytes at hand hold no other whole record
   * @throws {ValidationError} when the text is malformed
   */
  next(): boolean {
    try {
      if (!this.advance()) return false;
    } catch (error) {
      if (error === INCOMPLETE) return false;
      throw error instanceof Malformed ? this.error(error.message) : error;
    }
    this.records++;
    return true;
  }

  /**
   * Gets more bytes.
   *
   * @returns false at the end of the file, when all records have been scanned
   * @throws {ValidationError} when the file ends too early, a record is too large, or the bytes are
   * not of the file's compression or encoding
   */
  async fill(): Promise<boolean> {
    if (this.window.size > MAX_RECORD_BYTES) {
      throw this.error(
        `more than ${MAX_RECORD_BYTES} bytes in one record, expected at most that many`,
      );
    }
    try {
      if (await this.window.fill()) return true;
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      const detail = `Cannot read "${this.name}", after record ${this.records}: ${error.message}`;
      throw new ValidationError(detail, { cause: error });
    }
    return this.finish();
  }

  close(): Promise<void> {
    return this.window.close();
  }

  /** Scans the next record and moves the window's start behind it. */
  protected abstract advance(): boolean;
  /** Called when there are no more bytes: whether `advance` should be tried once more. */
  protected abstract finish(): boolean;

  /** Where the next record is, for messages. */
  protected get place(): string {
    return `record ${this.records + 1}`;
  }

  protected error(detail: string): ValidationError {
    return new ValidationError(`Cannot read "${this.name}", ${this.place}: ${detail}`);
  }
}

/** The elements of a top-level array, or one top-level object. */
export class DocumentSource extends RecordSource {
  #state: "start" | "first" | "element" | "object" | "done" = "start";

  protected advance(): boolean {
    const { window } = this;
    const { bytes, end } = window;
    if (this.#state === "start") this.#open();
    const at = window.start = skipSpace(bytes, window.start);
    switch (this.#state) {
      case "first":
        if (bytes[at] !== CLOSE_ARRAY) return this.#element(at);
        this.#state = "done";
        window.start = at + 1;
        return this.advance();
      case "element":
        return this.#element(at);
      case "object":
        window.start = this.scan(bytes, at, end);
        this.#state = "done";
        return true;
      default:
        fail(bytes, at, end, "the end of the file (a file of JSON Lines has format jsonl)");
    }
  }

  #open(): void {
    const { window } = this;
    const at = window.start = skipSpace(window.bytes, window.start);
    const first = window.bytes[at];
    if (first === OPEN_ARRAY) {
      this.#state = "first";
      window.start = at + 1;
    } else if (first === OPEN_OBJECT) {
      this.#state = "object";
    } else {
      fail(window.bytes, at, window.end, "an array of objects, or one object");
    }
  }

  /** A record with the comma or bracket after it: before that is seen, a number may go on. */
  #element(start: number): boolean {
    const { window } = this;
    const { bytes, end } = window;
    const at = skipSpace(bytes, this.scan(bytes, start, end));
    if (bytes[at] === CLOSE_ARRAY) this.#state = "done";
    else if (bytes[at] === COMMA) this.#state = "element";
    else fail(bytes, at, end, '"," or "]" after a record');
    window.start = at + 1;
    return true;
  }

  protected finish(): boolean {
    if (this.#state === "done") return false;
    throw this.error(
      this.#state === "start"
        ? "the file is empty, expected an array of objects, or one object"
        : "the file ends in the middle, expected it to go on",
    );
  }
}

const LINE_END = 0x0a;

/**
 * One record on each line; lines of white space are skipped. A carriage return before the line's
 * end is white space of JSON. Format: https://jsonlines.org
 */
export class LineSource extends RecordSource {
  /** Lines that are behind. */
  #lines = 0;
  /** Bytes of the unfinished line in which there is no line end. */
  #searched = 0;
  #lastLine = false;

  protected override get place(): string {
    return `line ${this.#lines + 1}, ${super.place}`;
  }

  protected advance(): boolean {
    const { window } = this;
    const { bytes } = window;
    for (;;) {
      const end = this.#lineEnd();
      if (end === undefined) return false;
      // The zero byte that scanning relies on.
      bytes[end] = 0;
      const start = skipSpace(bytes, window.start);
      if (start < end) this.#line(start, end);
      window.start = Math.min(end + 1, window.end);
      this.#lines++;
      if (start < end) return true;
    }
  }

  #lineEnd(): number | undefined {
    const { window } = this;
    const found = window.bytes.indexOf(LINE_END, window.start + this.#searched);
    if (found !== -1 && found < window.end) {
      this.#searched = 0;
      return found;
    }
    if (this.#lastLine && window.size > 0) return window.end;
    this.#searched = window.size;
    return undefined;
  }

  #line(start: number, end: number): void {
    const { bytes } = this.window;
    try {
      const at = skipSpace(bytes, this.scan(bytes, start, end));
      if (at !== end) fail(bytes, at, end, "the end of the line");
    } catch (error) {
      if (error !== INCOMPLETE) throw error;
      throw new Malformed("the line ends in the middle of a value, expected all of it on one line");
    }
  }

  protected finish(): boolean {
    if (this.#lastLine) return false;
    this.#lastLine = true;
    return true;
  }
}
