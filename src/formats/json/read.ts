/** Records of JSON → batches. */
import { arrowSchema, batchOfData, type Column, columnFor } from "../../arrow/mod.ts";
import type { Batch } from "../../core/batch.ts";
import { SchemaError, show, ValueError } from "../../core/errors.ts";
import type { Projection } from "../../core/extractor.ts";
import type { Field } from "../../models/field.ts";
import type { ReadRequest } from "../format.ts";
import { findPath } from "./path.ts";
import { jsonPusher, type PushJSON } from "./push.ts";
import { type Key, RecordScanner } from "./record.ts";
import { skipValue } from "./scan.ts";
import type { RecordSource, Scan } from "./source.ts";

/** How often the columns' sizes are summed: it costs a walk over them. */
const SUM_EVERY = 64;

/** All records of a source as batches. */
export async function* readBatches(
  open: (scan: Scan) => RecordSource,
  request: Pick<ReadRequest, "projections" | "batchRows" | "batchBytes">,
): AsyncGenerator<Batch, void, void> {
  const { batchRows, batchBytes } = request;
  const scanner = new RecordScanner(new Set(request.projections.flatMap(keysOf)));
  const fields = request.projections.map(({ field }) => field);
  const schema = arrowSchema(fields);
  const cells = request.projections.map((projection) => new Cell(projection, scanner));
  const source = open(scanner.scan);
  let rows = 0;
  let textBytes = 0;
  const take = () => {
    const batch = batchOfData(schema, cells.map(({ column }) => column.take()), rows);
    rows = textBytes = 0;
    return batch;
  };
  try {
    do {
      while (source.next()) {
        textBytes += pushRecord(cells, source);
        rows++;
        const full = rows >= batchRows || textBytes >= batchBytes ||
          (rows % SUM_EVERY === 0 && byteLength(cells) >= batchBytes);
        if (full) yield take();
      }
    } while (await source.fill());
    if (rows > 0) yield take();
  } finally {
    await source.close();
  }
}

/** Pushes the record scanned last and returns how many bytes of text its values had. */
function pushRecord(cells: readonly Cell[], source: RecordSource): number {
  const { bytes } = source;
  let size = 0;
  try {
    for (const cell of cells) size += cell.push(bytes);
  } catch (error) {
    throw error instanceof ValueError ? error.atRow(source.records) : error;
  }
  return size;
}

function byteLength(cells: readonly Cell[]): number {
  return cells.reduce((sum, { column }) => sum + column.byteLength, 0);
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

/** One field of the batch being filled. */
class Cell {
  readonly column: Column;
  readonly #push: PushJSON;
  readonly #pushMissing: () => void;
  readonly #key: Key;
  /** First key and further keys of a path; a path serves a file that has no key spelled like it. */
  readonly #root: Key | undefined;
  readonly #steps: readonly string[];
  #foundAs: "key" | "path" | undefined;

  constructor(private readonly projection: Projection, private readonly scanner: RecordScanner) {
    const { field } = projection;
    const [name, root] = keysOf(projection) as [string, string | undefined];
    this.column = columnFor(field);
    this.#push = jsonPusher(field, this.column);
    this.#pushMissing = missingPusher(field, this.column);
    this.#key = scanner.wanted(name);
    this.#root = root === undefined ? undefined : scanner.wanted(root);
    this.#steps = name.split(".").slice(1);
  }

  /** Pushes the value of the record scanned last and returns the size of its text. */
  push(bytes: Uint8Array): number {
    const key = this.#key;
    if (this.scanner.has(key)) {
      this.#expect("key");
      this.#push(bytes, key.start, key.end);
      return key.end - key.start;
    }
    const root = this.#root;
    if (root !== undefined && this.#foundAs !== "key" && this.scanner.has(root)) {
      return this.#pushPath(bytes, root);
    }
    this.#pushMissing();
    return 0;
  }

  #pushPath(bytes: Uint8Array, root: Key): number {
    const start = findPath(bytes, root.start, root.end, this.#steps, this.projection.field.name);
    if (start === -1) {
      this.#pushMissing();
      return 0;
    }
    this.#expect("path");
    const end = skipValue(bytes, start, root.end);
    this.#push(bytes, start, end);
    return end - start;
  }

  /** A name that is now a path, now a key would take values of two things for one. */
  #expect(found: "key" | "path"): void {
    this.#foundAs ??= found;
    if (this.#foundAs === found) return;
    const { name } = this.projection.field;
    const detail = `expected ${show(this.#key.name)} as path only, as in the records before`;
    throw new ValueError(detail, name, undefined, this.#key.name);
  }
}

function missingPusher(field: Field, column: Column): () => void {
  if (field.nullable) return () => column.pushNull();
  return () => {
    throw new ValueError(
      "expected a value, the field is not nullable",
      field.name,
      undefined,
      null,
    );
  };
}
