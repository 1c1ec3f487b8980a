/** Records of JSON → batches. */
import { arrowSchema, batchOfData } from "../../arrow/mod.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import { quoteValue, SchemaError, ValueError } from "../../core/errors.ts";
import type { Projection } from "../../core/contracts/extractor.ts";
import {
  ColumnFiller,
  fillColumns,
  openColumn,
  sizeOf,
  SLICE_RECORDS,
  sliceBytes,
} from "../text/text_to_columns.ts";
import type { ReadRequest } from "../format.ts";
import { findPath } from "./path.ts";
import { type Key, RecordScanner } from "./record.ts";
import { LINE_FEED, skipValue } from "./scan.ts";
import type { RecordSource, Scan } from "./source.ts";
import { isMissing, literalsOf, putMissing, type PutSpan, spanPutter } from "./literals.ts";

/** All records of a source as batches. */
export async function* readBatches(
  open: (scan: Scan) => RecordSource,
  request: Pick<ReadRequest, "projections" | "batchRows" | "batchBytes" | "complete" | "excluded">,
): AsyncGenerator<Batch, void, void> {
  const { batchRows, batchBytes, complete = false, excluded = [] } = request;
  // The first key of a path is known where it is a field itself: only then is all of its value kept.
  const keys = request.projections.flatMap(complete ? columnOf : keysOf);
  const scanner = new RecordScanner(new Set([...keys, ...excluded]), complete);
  const schema = arrowSchema(request.projections.map(({ field }) => field));
  const source = open(scanner.scan);
  const records = new Records(source, scanner, request.projections);
  const columns = records.fillers.map(({ column }) => column);
  let rows = 0;
  let room = batchBytes;
  const take = () => {
    const batch = batchOfData(schema, columns.map((column) => column.take()), rows);
    rows = 0;
    room = batchBytes;
    return batch;
  };
  try {
    do {
      let found: number;
      while ((found = records.fill(batchRows - rows, sliceBytes(room))) > 0) {
        rows += found;
        room = batchBytes - sizeOf(columns);
        if (rows >= batchRows || room <= 0) yield take();
      }
    } while (await source.fill());
    if (rows > 0) yield take();
  } finally {
    await source.close();
  }
}

/** Values of the records that are looked at together, at most. */
const SLICE_VALUES = 262_144;

/** Finds records and fills the columns from them. */
class Records {
  readonly fillers: readonly ColumnFiller[];
  readonly #cells: readonly Cell[];
  readonly #spans: Int32Array;
  /** Records that are looked at together. */
  readonly #most: number;
  /** What is wrong behind the records found. */
  #wrong: unknown;

  constructor(
    private readonly source: RecordSource,
    scanner: RecordScanner,
    projections: readonly Projection[],
  ) {
    this.#cells = projections.map((projection, i) => new Cell(projection, scanner, i * 2));
    this.#most = Math.min(SLICE_RECORDS, Math.ceil(SLICE_VALUES / projections.length));
    this.#spans = new Int32Array(this.#most * projections.length * 2);
    this.fillers = projections.map(({ field, guess }, i) => {
      const column = openColumn(field);
      return new ColumnFiller(field, column, i * 2, literalsOf(field, column, guess));
    });
  }

  /**
   * Pushes the next records in memory, up to `most` of them and no further once their values have
   * `size` bytes.
   *
   * @returns how many, 0 when more must be read
   */
  fill(most: number, size: number): number {
    if (this.#wrong !== undefined) throw this.#wrong;
    const { source } = this;
    const { records: before, lines, at: start } = source;
    const found = this.#find(most, size);
    if (found > 0) {
      const stride = this.#cells.length * 2;
      try {
        fillColumns(this.fillers, { bytes: source.bytes, spans: this.#spans, stride }, found);
      } catch (error) {
        if (!(error instanceof ValueError)) throw error;
        const row = before + error.row!;
        const column = this.fillers.find(({ field }) => field.name === error.field)!;
        const value = this.#spans[(error.row! - 1) * stride + column.at]!;
        // A value that is missing is on no line.
        if (lines === undefined || isMissing(value)) throw error.atRow(row);
        throw error.atLine(row, lines + 1 + lineFeedsIn(source.bytes, start, value));
      }
    } else if (this.#wrong !== undefined) throw this.#wrong;
    return found;
  }

  #find(most: number, size: number): number {
    const { source } = this;
    const stride = this.#cells.length * 2;
    let found = 0;
    let bytes = 0;
    try {
      const rows = Math.min(most, this.#most);
      while (found < rows && bytes < size && source.next()) {
        for (const cell of this.#cells) {
          bytes += cell.putSpan(source.bytes, this.#spans, found * stride);
        }
        found++;
      }
    } catch (error) {
      // The values before it come first, and may be wrong themselves.
      this.#wrong = error instanceof ValueError ? error.atRow(source.records) : error;
    }
    return found;
  }
}

function lineFeedsIn(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at++) if (bytes[at] === LINE_FEED) count++;
  return count;
}

/** Name of a projection in the file: a key, or keys inside each other with dots between. */
function columnOf({ column, expression, field }: Projection): string {
  if (expression === undefined) return column ?? field.name;
  throw new SchemaError(
    `Cannot read field "${field.name}" from JSON: it has expression "${expression}", expected a key`,
  );
}

function keysOf(projection: Projection): string[] {
  const column = columnOf(projection);
  return column.includes(".") ? [column, column.slice(0, column.indexOf("."))] : [column];
}

/** One field of the records. */
class Cell {
  readonly #putSpan: PutSpan;
  readonly #key: Key;
  /** First key and further keys of a path; a path serves a file that has no key spelled like it. */
  readonly #root: Key | undefined;
  readonly #steps: readonly string[];
  #foundAs: "key" | "path" | undefined;

  /** @param at of the field's span in those of a record */
  constructor(
    private readonly projection: Projection,
    private readonly scanner: RecordScanner,
    private readonly at: number,
  ) {
    const [name, root] = keysOf(projection) as [string, string | undefined];
    this.#putSpan = spanPutter(projection.field, projection.guess);
    this.#key = scanner.wanted(name)!;
    // A name that was found as a key is no path.
    const isKey = root === undefined || projection.guess !== undefined;
    this.#root = isKey ? undefined : scanner.wanted(root);
    this.#steps = name.split(".").slice(1);
  }

  /** Puts the span of the value in the record scanned last, and returns its size. */
  putSpan(bytes: Uint8Array, spans: Int32Array, record: number): number {
    const key = this.#key;
    const at = record + this.at;
    if (this.scanner.has(key)) {
      this.#expect("key");
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
    this.#expect("path");
    const end = skipValue(bytes, start, root.end);
    this.#putSpan(bytes, start, end, root.escaped, spans, at);
    return end - start;
  }

  /** A name that is now a path, now a key would take values of two things for one. */
  #expect(found: "key" | "path"): void {
    this.#foundAs ??= found;
    if (this.#foundAs === found) return;
    const { name } = this.projection.field;
    const detail = `expected ${quoteValue(this.#key.name)} as path only, as in the records before`;
    throw new ValueError(detail, name, undefined, this.#key.name);
  }
}
