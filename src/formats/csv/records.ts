/** Reads CSV records under their header. */
import { type MadeName, nameColumns } from "../../core/column_names.ts";
import type { RejectedRecord } from "../../core/contracts/extractor.ts";
import type { Slice } from "../text/text_to_columns.ts";
import type { Dialect } from "./dialect.ts";
import { Tokenizer } from "./tokenizer.ts";

/** A position between two records of a file. */
export interface Position {
  /** Bytes before it. */
  readonly offset: number;
  /** Records and lines before it. */
  readonly rows: number;
  readonly lines: number;
}

/** A record that cannot be parsed. */
export type SkippedRecord = Pick<RejectedRecord, "row" | "line" | "text">;

/** Finds the records of a file and the names of their fields. */
export class Records {
  readonly tokens: Tokenizer;
  /** Names of the fields; undefined for an empty file. */
  names: readonly string[] | undefined;
  /** The names that dxt made up, because the header lacks or repeats them. */
  made: readonly MadeName[] = [];
  /** Number of records before those found last. */
  rows = 0;
  #found = 0;
  /** Spans of records before those of the tokenizer: the first ones of a file without header. */
  #first: Int32Array = new Int32Array();

  constructor(
    name: string,
    bytes: AsyncIterable<Uint8Array>,
    private readonly dialect: Dialect,
  ) {
    this.tokens = new Tokenizer(name, bytes, dialect);
  }

  /** The positions of the values of the records found last. */
  get slice(): Slice {
    const { bytes, spans, width } = this.tokens;
    return { bytes, spans, stride: width * 2 };
  }

  /** Starts behind a header that is already known. */
  resume(names: readonly string[], { offset, rows, lines }: Position): void {
    this.names = names;
    this.rows = rows;
    this.tokens.width = names.length;
    this.tokens.begin(offset, lines);
  }

  /** Position of the next record. */
  get position(): Position {
    const { offset, lines } = this.tokens;
    return { offset, rows: this.rows + this.#found, lines };
  }

  /** Reads the header; without one, names the fields by their number. */
  async start(): Promise<void> {
    const { tokens, dialect } = this;
    let found = 0;
    do {
      found = tokens.scan(1, Infinity);
    } while (found === 0 && await tokens.fill());
    if (found === 1 && dialect.header) {
      const header = nameColumns(
        Array.from({ length: tokens.width }, (_, i) => tokens.text(i * 2)),
      );
      this.names = header.names;
      this.made = header.made;
    } else if (!dialect.header && (found === 1 || tokens.blanks > 0)) {
      // Blank lines are records where records have one field, which is then NULL.
      if (found === 0) tokens.width = 1;
      const { width, blanks } = tokens;
      const leading = width === 1 ? blanks * 2 : 0;
      this.#first = new Int32Array(leading + found * width * 2);
      this.#first.set(tokens.spans.subarray(0, found * width * 2), leading);
      this.names = Array.from({ length: width }, (_, i) => `column_${i + 1}`);
    }
  }

  /**
   * Skips the record for which `scan` has thrown, as `Tokenizer.skipMalformed` does.
   *
   * @returns its number, its line and its text; undefined if more bytes must be read before
   */
  skipMalformed(): SkippedRecord | undefined {
    const skipped = this.tokens.skipMalformed();
    return skipped === undefined ? undefined : { row: ++this.rows, ...skipped };
  }

  /**
   * Finds the next buffered records, as `Tokenizer.scan` does.
   *
   * @returns their number; 0 when more bytes must be read
   */
  scan(maxRecords: number, size: number): number {
    const { tokens } = this;
    this.rows += this.#found;
    this.#found = 0;
    if (this.names === undefined) return 0;
    if (this.#first.length === 0) return this.#found = tokens.scan(maxRecords, size);
    const length = Math.min(this.#first.length, maxRecords * tokens.width * 2);
    tokens.setSpans(this.#first.subarray(0, length));
    this.#first = this.#first.subarray(length);
    return this.#found = length / (tokens.width * 2);
  }
}
