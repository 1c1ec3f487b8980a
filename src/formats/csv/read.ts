/** Records of CSV → batches. */
import { arrowSchema, batchOf } from "../../arrow/mod.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import { describeMadeNames } from "../../core/column_names.ts";
import { SchemaError, ValueError } from "../../core/errors.ts";
import type { Projection } from "../../core/contracts/extractor.ts";
import { suggestWord } from "../../core/did_you_mean.ts";
import type { Field } from "../../models/field.ts";
import {
  ColumnFiller,
  fillColumns,
  openColumn,
  sizeOf,
  SLICE_RECORDS,
  sliceBytes,
} from "../text/text_to_columns.ts";
import type { FileField, InferRequest, ReadRequest } from "../format.ts";
import { TextTypeGuess } from "../inference/type_inference.ts";
import type { Dialect } from "./dialect.ts";
import { Records } from "./records.ts";
import { literalsOf } from "./literals.ts";

/** Fields that the first records tell, at most so many of them. */
export async function inferFields(
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  dialect: Dialect,
  { most, warn }: { readonly most: number; readonly warn: InferRequest["warn"] },
): Promise<FileField[]> {
  const records = new Records(name, bytes, dialect);
  const { tokens } = records;
  try {
    await records.start();
    const { names = [], made } = records;
    if (made.length > 0) warn?.(describeMadeNames(`file "${name}"`, made));
    const guesses = names.map(() => new TextTypeGuess());
    const { isNull } = literalsOf(ANY, openColumn(ANY), dialect);
    let left = most;
    do {
      let found: number;
      while (left > 0 && (found = records.scan(Math.min(left, SLICE_RECORDS), Infinity)) > 0) {
        left -= found;
        const { slice } = records;
        guesses.forEach((guess, i) => {
          for (let at = i * 2; at < found * slice.stride && !guess.settled; at += slice.stride) {
            const to = slice.spans[at + 1]!;
            if (isNull(slice, at)) continue;
            if (to < 0) guess.see(tokens.text(at));
            else guess.seeBytes(slice.bytes, slice.spans[at]!, to);
          }
        });
      }
    } while (left > 0 && await tokens.fill());
    return names.map((name, i) => guesses[i]!.field(name));
  } finally {
    await tokens.close();
  }
}

const ANY: Field = { name: "any", dtype: "string", nullable: true };

/** All records as batches. */
export async function* readBatches(
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  dialect: Dialect,
  request: ReadRequest,
): AsyncGenerator<Batch, void, void> {
  const records = new Records(name, bytes, dialect);
  try {
    await records.start();
    if (records.names === undefined) return;
    yield* batchesOf(name, records, dialect, request, Infinity);
  } finally {
    await records.tokens.close();
  }
}

/** The records that begin before an offset of the file. */
export async function* batchesOf(
  name: string,
  records: Records,
  dialect: Dialect,
  { projections, batchRows, batchBytes, recycle = false, complete = false, excluded }: ReadRequest,
  end: number,
): AsyncGenerator<Batch, void, void> {
  const { tokens } = records;
  const schema = arrowSchema(projections.map(({ field }) => field));
  const names = records.names ?? [];
  if (complete) refuseOthers(name, names, projections, excluded);
  const fillers = fillersOf(name, names, projections, dialect);
  const columns = fillers.map(({ column }) => column);
  if (recycle) { for (const column of columns) column.recycle(); }
  let rows = 0;
  let room = batchBytes;
  const next = () => {
    const size = Math.min(sliceBytes(room), end - tokens.offset);
    return records.scan(Math.min(batchRows - rows, SLICE_RECORDS), size);
  };
  do {
    let found: number;
    while ((found = next()) > 0) {
      fillRecords(fillers, records, found);
      rows += found;
      room = batchBytes - sizeOf(columns);
      if (rows < batchRows && room > 0) continue;
      rows = 0;
      room = batchBytes;
      yield batchOf(schema, columns);
    }
  } while (tokens.offset < end && await tokens.fill());
  if (rows > 0) yield batchOf(schema, columns);
}

function fillRecords(fillers: readonly ColumnFiller[], records: Records, found: number): void {
  try {
    fillColumns(fillers, records.slice, found);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    const row = error.row!;
    const { at } = fillers.find(({ field }) => field.name === error.field)!;
    const line = records.tokens.lineOf((row - 1) * records.slice.stride + at);
    throw error.atLine(records.rows + row, line);
  }
}

/** @throws {SchemaError} when the file does not have a column */
function fillersOf(
  file: string,
  names: readonly string[],
  projections: readonly Projection[],
  dialect: Dialect,
): ColumnFiller[] {
  return projections.map((projection) => {
    const { field, guess } = projection;
    const index = columnIndex(file, names, projection);
    const column = openColumn(field);
    return new ColumnFiller(field, column, index * 2, literalsOf(field, column, dialect, guess));
  });
}

function columnIndex(file: string, names: readonly string[], projection: Projection): number {
  const { field, column, expression } = projection;
  if (expression !== undefined) {
    throw new SchemaError(
      `Cannot read field "${field.name}" from CSV: it has expression "${expression}", expected a column`,
    );
  }
  const wanted = column ?? field.name;
  const index = names.indexOf(wanted);
  if (index >= 0) return index;
  const has = names.map((name) => `"${name}"`).join(", ");
  throw new SchemaError(
    `Cannot read column "${wanted}" of "${file}": the file does not have it${
      suggestWord(wanted, names)
    }; it has ${has}`,
  );
}

/** @throws {SchemaError} when the file has a column that no projection is for */
function refuseOthers(
  file: string,
  names: readonly string[],
  projections: readonly Projection[],
  excluded: readonly string[] = [],
): void {
  const columns = projections.map(({ field, column }) => column ?? field.name);
  const wanted = new Set([...columns, ...excluded]);
  const other = names.find((name) => !wanted.has(name));
  if (other === undefined) return;
  throw new SchemaError(
    `Cannot read "${file}": its column "${other}" is none of the stream's fields (declare it in fields, leave it out there with exclude, or set only_declared_fields)`,
  );
}
