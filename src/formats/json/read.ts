/** Reads records of JSON as batches. */
import { LINE_FEED } from "../../core/values/ascii.ts";
import { arrowSchema, wrapBatch } from "../../arrow/mod.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import { quoteValue, SchemaError, ValueError } from "../../core/errors.ts";
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
import { findPath } from "./path.ts";
import { type Key, RecordScanner } from "./record.ts";
import { skipValue } from "./scan.ts";
import type { RecordSource, Scan } from "./source.ts";
import { createLiterals, isMissing, putMissing, type PutSpan, spanPutter } from "./literals.ts";

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
  const records = new Records(source, scanner, request.projections);
  const columns = records.fillers.map(({ column }) => column);
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
      while ((found = records.fill(batchRows - rows, sliceBytes(room))) > 0) {
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
class Records {
  readonly fillers: readonly ColumnFiller[];
  readonly #cells: readonly Cell[];
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
    this.#cells = projections.map((projection, i) => new Cell(projection, scanner, i * 2));
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
    const { source } = this;
    const { records: before, lines, at: start } = source;
    const found = this.#find(maxRecords, size);
    if (found > 0) {
      const stride = this.#cells.length * 2;
      try {
        fillColumns(this.fillers, { bytes: source.bytes, spans: this.#spans, stride }, found);
      } catch (error) {
        if (!(error instanceof ValueError)) throw error;
        const row = before + error.row!;
        const column = this.fillers.find(({ field }) => field.name === error.field)!;
        const value = this.#spans[(error.row! - 1) * stride + column.at]!;
        // A missing value has no line.
        if (lines === undefined || isMissing(value)) throw error.atRow(row);
        throw error.atLine(row, lines + 1 + countLineFeeds(source.bytes, start, value));
      }
    } else if (this.#pendingError !== undefined) throw this.#pendingError;
    return found;
  }

  #find(maxRecords: number, size: number): number {
    const { source } = this;
    const stride = this.#cells.length * 2;
    let found = 0;
    let bytes = 0;
    try {
      const rows = Math.min(maxRecords, this.#maxRecords);
      while (found < rows && bytes < size && source.next()) {
        for (const cell of this.#cells) {
          bytes += cell.putSpan(source.bytes, this.#spans, found * stride);
        }
        found++;
      }
    } catch (error) {
      // The values before it are pushed first, and may raise an earlier error.
      this.#pendingError = error instanceof ValueError ? error.atRow(source.records) : error;
    }
    return found;
  }
}

function countLineFeeds(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at++) if (bytes[at] === LINE_FEED) count++;
  return count;
}

/** Returns a projection's name in the file: a key, or a path of keys joined by dots. */
function sourceName({ column, expression, field }: Projection): string {
  if (expression === undefined) return column ?? field.name;
  throw new SchemaError(
    `Cannot read field "${field.name}" from JSON: it has expression "${expression}", expected a key`,
  );
}

function sourceKeys(projection: Projection): string[] {
  const column = sourceName(projection);
  return column.includes(".") ? [column, column.slice(0, column.indexOf("."))] : [column];
}

/** Locates one field's value in the records. */
class Cell {
  readonly #putSpan: PutSpan;
  readonly #key: Key;
  /** First key and further keys of a path, for files that lack a key of the full name. */
  readonly #root: Key | undefined;
  readonly #steps: readonly string[];
  #foundAs: "key" | "path" | undefined;

  /** @param at index of the field's span within a record's spans */
  constructor(
    private readonly projection: Projection,
    private readonly scanner: RecordScanner,
    private readonly at: number,
  ) {
    const [name, root] = sourceKeys(projection) as [string, string | undefined];
    this.#putSpan = spanPutter(projection.field, projection.guess);
    this.#key = scanner.wantedKey(name)!;
    // A name that was inferred as a key is not a path.
    const isKey = root === undefined || projection.guess !== undefined;
    this.#root = isKey ? undefined : scanner.wantedKey(root);
    this.#steps = name.split(".").slice(1);
  }

  /** Writes the span of the value in the last record, and returns the value's size in bytes. */
  putSpan(bytes: Uint8Array, spans: Int32Array, record: number): number {
    const key = this.#key;
    const at = record + this.at;
    if (this.scanner.has(key)) {
      this.#requireKind("key");
      this.#putSpan(bytes, key.start, key.end, key.escaped, spans, at);
      return key.end - key.start;
    }
    const root = this.#root;
    if (root !== undefined && this.#foundAs !== "key" && this.scanner.has(root)) {
      return this.#putPath(bytes, root, spans, at);
    }
    putMissing(spans, at);
    return 0;
  }

  #putPath(bytes: Uint8Array, root: Key, spans: Int32Array, at: number): number {
    const start = findPath(bytes, root.start, root.end, this.#steps, this.projection.field.name);
    if (start === -1) {
      putMissing(spans, at);
      return 0;
    }
    this.#requireKind("path");
    const end = skipValue(bytes, start, root.end);
    this.#putSpan(bytes, start, end, root.escaped, spans, at);
    return end - start;
  }

  /** Refuses a name that is a path in some records and a key in others. */
  #requireKind(found: "key" | "path"): void {
    this.#foundAs ??= found;
    if (this.#foundAs === found) return;
    const { name } = this.projection.field;
    const detail = `expected ${quoteValue(this.#key.name)} as a path, as in earlier records`;
    throw new ValueError(detail, name, undefined, this.#key.name);
  }
}
