/** Reads records of JSON as batches. */
import { LINE_FEED } from "../../core/values/ascii.ts";
import { arrowSchema, wrapBatch } from "../../arrow/mod.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import { ValueError } from "../../core/errors.ts";
import type { Projection } from "../../core/contracts/extractor.ts";
import {
  ColumnFiller,
  fillColumns,
  openColumn,
  SLICE_RECORDS,
  sliceBytes,
  sumBytes,
} from "../text/text_to_columns.ts";
import type { ReadRequest } from "../format.ts";
import { FieldLocator, sourceKeys, sourceName } from "./records/field_locator.ts";
import { RecordScanner } from "./records/record.ts";
import type { RecordSource, Scan } from "./records/source.ts";
import { createLiterals, isMissing } from "./syntax/literals.ts";

/** Reads all records of a source as batches. */
export async function* readBatches(
  open: (scan: Scan) => RecordSource,
  request: Pick<ReadRequest, "projections" | "batchRows" | "batchBytes" | "complete" | "excluded">,
): AsyncGenerator<Batch, void, void> {
  const { batchRows, batchBytes, complete = false, excluded = [] } = request;
  // With `complete`, the first key of a path must be a field itself: then its whole value is
  // stored.
  const keys = request.projections.flatMap(complete ? sourceName : sourceKeys);
  const scanner = new RecordScanner(new Set([...keys, ...excluded]), complete);
  const schema = arrowSchema(request.projections.map(({ field }) => field));
  const source = open(scanner.scan);
  const reader = new RecordReader(source, scanner, request.projections);
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
      let found: number;
      while ((found = reader.fill(batchRows - rows, sliceBytes(room))) > 0) {
        rows += found;
        room = batchBytes - sumBytes(columns);
        if (rows >= batchRows || room <= 0) yield takeBatch();
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

  constructor(
    private readonly source: RecordSource,
    scanner: RecordScanner,
    projections: readonly Projection[],
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
   * `size` bytes.
   *
   * @returns their number; 0 when more bytes must be read
   */
  fill(maxRecords: number, size: number): number {
    if (this.#pendingError !== undefined) throw this.#pendingError;
    const { records, lines, at } = this.source;
    const found = this.#scan(maxRecords, size);
    if (found === 0) {
      if (this.#pendingError !== undefined) throw this.#pendingError;
      return 0;
    }
    try {
      const stride = this.#locators.length * 2;
      fillColumns(this.fillers, { bytes: this.source.bytes, spans: this.#spans, stride }, found);
    } catch (error) {
      throw error instanceof ValueError ? this.#locate(error, { records, lines, at }) : error;
    }
    return found;
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
