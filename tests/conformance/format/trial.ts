/** One format under test, with what all checks need. */
import assert from "node:assert/strict";
import {
  arrowSchema,
  BatchBuilder,
  byteLength,
  readFields,
  valueReaders,
} from "../../../src/arrow/mod.ts";
import type { Batch } from "../../../src/core/contracts/batch.ts";
import { DXTError } from "../../../src/core/errors.ts";
import type { Projection } from "../../../src/core/contracts/extractor.ts";
import type { Value } from "../../../src/core/values/values.ts";
import type { FileFormat, FileInput, ReadRequest } from "../../../src/formats/format.ts";
import { concat } from "../../../src/core/values/bytes.ts";
import type { Field } from "../../../src/models/field.ts";
import type { Compression, FormatOptions } from "../../../src/models/format.ts";
import { fileInput } from "../../support/file_input.ts";
import { comparable } from "../values.ts";

/** Values of a record in the order of the fields: an object has no place for every name. */
export type Row = readonly Value[];

/** What a cut file may be taken for. */
export type Cut =
  /** Nothing: an error, or the whole when what was cut off held nothing. */
  | "refused"
  /** A file with fewer records. */
  | "prefix"
  /** As before, and its last record's last value may be shorter. */
  | "shortened";

export interface FormatTest {
  readonly options?: FormatOptions;
  /** `refused` when unset. */
  readonly cut?: Cut;
  /** Whether the file tells the very fields that were written. */
  readonly typed?: boolean;
}

export interface Check {
  readonly title: string;
  run(trial: Trial): Promise<void>;
}

type Settings = Partial<Omit<ReadRequest, "projections">>;

export class Trial {
  constructor(readonly format: FileFormat, readonly test: FormatTest) {}

  #settings(given: Settings) {
    return {
      batchRows: given.batchRows ?? 1000,
      batchBytes: given.batchBytes ?? 1 << 24,
      compression: given.compression ?? this.format.compressions[0]!,
      options: this.test.options ?? {},
    };
  }

  /** The file's chunks are put together when the last has come, as a slow reader would. */
  async write(
    fields: readonly Field[],
    rows: Iterable<Row>,
    settings: Settings = {},
  ): Promise<Uint8Array> {
    return await this.writeBatches(
      fields,
      batchesOfRows(fields, rows, settings.batchRows ?? 4),
      settings,
    );
  }

  async writeBatches(
    fields: readonly Field[],
    batches: AsyncIterable<Batch>,
    settings: Settings = {},
  ): Promise<Uint8Array> {
    const request = { fields, ...this.#settings(settings) };
    return concat(...await Array.fromAsync(this.format.write(batches, request)));
  }

  /** Also holds batches to what the request and the contract say of them. */
  async *batches(
    file: Uint8Array | FileInput,
    columns: readonly (Field | Projection)[],
    settings: Settings = {},
  ): AsyncGenerator<Batch, void, void> {
    const projections = columns.map((column) => "field" in column ? column : projectionOf(column));
    const request = { projections, ...this.#settings(settings) };
    const schema = arrowSchema(projections.map(({ field }) => field));
    const input = file instanceof Uint8Array ? fileInput(file) : file;
    for await (const batch of this.format.read(input, request)) {
      assert.ok(batch.numRows > 0, "a batch is empty");
      assert.ok(batch.numRows <= request.batchRows, `a batch has ${batch.numRows} rows`);
      assert.deepEqual(readFields(batch.schema), readFields(schema));
      yield batch;
    }
  }

  async read(
    file: Uint8Array | FileInput,
    columns: readonly (Field | Projection)[],
    settings: Settings = {},
  ): Promise<unknown[][]> {
    const rows: unknown[][] = [];
    for await (const batch of this.batches(file, columns, settings)) rows.push(...rowsOf(batch));
    return rows;
  }

  async sizes(file: Uint8Array, fields: readonly Field[], settings: Settings): Promise<number[]> {
    return await Array.fromAsync(this.batches(file, fields, settings), byteLength);
  }

  infer(file: Uint8Array | FileInput, settings: Settings = {}): Promise<Field[]> {
    const input = file instanceof Uint8Array ? fileInput(file) : file;
    return this.format.inferFields(input, this.#settings(settings));
  }

  /** Rows come back as they were, or the file is refused, when it is written or read. */
  async keptOrRefused(field: Field, values: readonly Value[]): Promise<void> {
    const rows = values.map((value) => [value]);
    let read: unknown[][];
    try {
      read = await this.read(await this.write([field], rows), [field]);
    } catch (error) {
      assert.ok(error instanceof DXTError, `expected an error of dxt, got ${String(error)}`);
      assert.match(error.message, new RegExp(`"${field.name}"`));
      return;
    }
    assert.deepEqual(read, expected(rows));
  }
}

export function projectionOf(field: Field): Projection {
  return { field, column: field.name };
}

export function field(name: string, dtype: Field["dtype"], nullable = true): Field {
  return { name, dtype, nullable };
}

/** As {@linkcode Trial.read} gives them. */
export function expected(rows: Iterable<Row>): unknown[][] {
  return Array.from(rows, (row) => row.map(comparable));
}

function rowsOf(batch: Batch): unknown[][] {
  const readers = valueReaders(batch, readFields(batch.schema));
  return Array.from(
    { length: batch.numRows },
    (_, row) => readers.map((read) => comparable(read(row))),
  );
}

export async function* batchesOfRows(
  fields: readonly Field[],
  rows: Iterable<Row>,
  batchRows: number,
): AsyncGenerator<Batch, void, void> {
  const builder = new BatchBuilder(fields, { rows: batchRows, bytes: 1 << 24 });
  for (const row of rows) {
    builder.pushValues(row);
    if (builder.full) yield await Promise.resolve(builder.take());
  }
  if (builder.rows > 0) yield builder.take();
}

/** Compressions as settings, to run a check with each. */
export function compressionsOf({ format }: Trial): { readonly compression: Compression }[] {
  return format.compressions.map((compression) => ({ compression }));
}
