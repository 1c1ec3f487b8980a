/** Reads records of JSON as batches. */
import { LINE_FEED } from "../../core/values/ascii.ts";
import { arrowSchema, wrapBatch } from "../../arrow/mod.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import { ValidationError, ValueError } from "../../core/errors.ts";
import type { Projection } from "../../core/contracts/extractor.ts";
import {
  ColumnFiller,
  fillAccepted,
  openColumn,
  type Slice,
  SLICE_RECORDS,
  sliceBytes,
  sumBytes,
} from "../text/text_to_columns.ts";
import { RejectedLines } from "../text/rejected_lines.ts";
import type { FileInput, ReadRequest } from "../format.ts";
import { FieldLocator, sourceKeys, sourceName } from "./records/field_locator.ts";
import { RecordScanner } from "./records/record.ts";
import type { RecordSource, Scan } from "./records/source.ts";
import { createLiterals, isMissing, readSpan } from "./syntax/literals.ts";

/** Reads all records of a source as batches. */
export async function* readBatches(
  input: FileInput,
  open: (scan: Scan) => RecordSource,
  request: Omit<ReadRequest, "compression" | "options">,
): AsyncGenerator<Batch, void, void> {
  const { batchRows, batchBytes, complete = false, excluded = [] } = request;
  // With `complete`, the first key of a path must be a field itself: then its whole value is
  // stored.
  const keys = request.projections.flatMap(complete ? sourceName : sourceKeys);
  const scanner = new RecordScanner(new Set([...keys, ...excluded]), complete);
  const schema = arrowSchema(request.projections.map(({ field }) => field));
  const source = open(scanner.scan);
  const rejected = new RejectedLines(input, request);
  const reader = new RecordReader(source, scanner, request.projections, rejected);
  const columns = reader.fillers.map(({ column }) => column);
  let rows = 0;
  let room = batchBytes;
  const takeBatch = () => {
    const batch = wrapBatch(schema, columns.map((column) => column.take()), rows);
    rows = 0;
    room = batchBytes;
    return batch;
  };
  try {
    do {
      while (reader.fill(batchRows - rows, sliceBytes(room))) {
        rows += reader.filled;
        await rejected.report();
        room = batchBytes - sumBytes(columns);
        if (rows >= batchRows || (room <= 0 && rows > 0)) yield takeBatch();
      }
    } while (await source.fill());
    if (rows > 0) yield takeBatch();
  } finally {
    await source.close();
  }
}

/** Most values to scan before the columns are filled. */
const SLICE_VALUES = 262_144;

/** Scans records and fills the columns from them. */
class RecordReader {
  readonly fillers: readonly ColumnFiller[];
  readonly #locators: readonly FieldLocator[];
  /** Start and end of each value in the source's bytes, record by record. */
  readonly #spans: Int32Array;
  /** Records to scan before the columns are filled. */
  readonly #maxRecords: number;
  /** Error behind the records found; thrown once they have been read. */
  #pendingError: unknown;
  /** Records that the last call of `fill` has put into the columns. */
  filled = 0;

  constructor(
    private readonly source: RecordSource,
    scanner: RecordScanner,
    projections: readonly Projection[],
    private readonly rejected: RejectedLines,
  ) {
    this.#locators = projections.map((one, i) => new FieldLocator(one, scanner, i * 2));
    this.#maxRecords = Math.min(SLICE_RECORDS, Math.ceil(SLICE_VALUES / projections.length));
    this.#spans = new Int32Array(this.#maxRecords * projections.length * 2);
    this.fillers = projections.map(({ field, guess }, i) => {
      const column = openColumn(field);
      return new ColumnFiller(field, column, i * 2, createLiterals(field, column, guess));
    });
  }

  /**
   * Reads the next buffered records: at most `maxRecords`, and none further once their values have
   * `size` bytes. {@linkcode filled} is the number of those that were not rejected.
   *
   * @returns false when more bytes must be read
   */
  fill(maxRecords: number, size: number): boolean {
    this.filled = 0;
    this.#raise();
    const { records, lines, at } = this.source;
    const found = this.#scan(maxRecords, size);
    if (found === 0) return this.#raise();
    const stride = this.#locators.length * 2;
    const slice = { bytes: this.source.bytes, spans: this.#spans, stride };
    this.filled = fillAccepted(this.fillers, slice, found, (error, row) => {
      const located = this.#locate(error.atRow(row), { records, lines, at });
      this.#reject(located, slice, row, { records, lines, at });
    });
    return true;
  }

  /** Finds the values of the next buffered records. */
  #scan(maxRecords: number, size: number): number {
    const { source } = this;
    const stride = this.#locators.length * 2;
    const most = Math.min(maxRecords, this.#maxRecords);
    let found = 0;
    let bytes = 0;
    try {
      while (found < most && bytes < size && source.next()) {
        for (const locator of this.#locators) {
          bytes += locator.putSpan(source.bytes, this.#spans, found * stride);
        }
        found++;
      }
    } catch (error) {
      // The values before it are pushed first, and may raise an earlier error.
      this.#pendingError = error instanceof ValueError ? error.atRow(source.records) : error;
    }
    return found;
  }

  /**
   * Throws the error of the record behind those that were read, unless it is rejected.
   *
   * @returns whether a record was rejected, so that others may be buffered
   */
  #raise(): boolean {
    const { source, rejected } = this;
    const error = this.#pendingError;
    if (error === undefined) return false;
    if (error instanceof ValueError && rejected.takesValue(error)) {
      const record = { row: error.row, line: source.lines };
      rejected.hold(error, record);
    } else if (error instanceof ValidationError && !(error instanceof ValueError)) {
      const skipped = rejected.takesMalformed ? source.skipMalformed() : undefined;
      if (skipped === undefined) throw error;
      rejected.hold(error, skipped);
    } else {
      throw error;
    }
    this.#pendingError = undefined;
    return true;
  }

  /** @throws {ValueError} if records with such a value are not rejected */
  #reject(
    error: ValueError,
    slice: Slice,
    index: number,
    { records, lines, at }: Pick<RecordSource, "records" | "lines" | "at">,
  ): void {
    if (!this.rejected.takesValue(error)) throw error;
    const first = (index - 1) * slice.stride;
    const values = this.fillers.map((filler) =>
      [filler.field.name, readSpan(slice, first + filler.at)] as const
    );
    const start = this.fillers.map((filler) => slice.spans[first + filler.at]!)
      .find((span) => !isMissing(span));
    const line = lines === undefined || start === undefined
      ? undefined
      : lines + 1 + countLineFeeds(slice.bytes, at, start);
    this.rejected.hold(error, { row: records + index, line, record: Object.fromEntries(values) });
  }

  /**
   * Adds the record of the file to an error, and its line where records are lines.
   *
   * @param before position of the source when the records were scanned
   */
  #locate(error: ValueError, before: Pick<RecordSource, "records" | "lines" | "at">): ValueError {
    const row = before.records + error.row!;
    const { at } = this.fillers.find(({ field }) => field.name === error.field)!;
    const start = this.#spans[(error.row! - 1) * this.#locators.length * 2 + at]!;
    // A missing value has no line.
    if (before.lines === undefined || isMissing(start)) return error.atRow(row);
    const line = before.lines + 1 + countLineFeeds(this.source.bytes, before.at, start);
    return error.atLine(row, line);
  }
}

function countLineFeeds(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at++) if (bytes[at] === LINE_FEED) count++;
  return count;
}
