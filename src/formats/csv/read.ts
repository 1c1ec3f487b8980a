/** Reads records of CSV as batches. */
import { arrowSchema, buildBatch } from "../../arrow/mod.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import { describeMadeNames } from "../../core/column_names.ts";
import { SchemaError, ValidationError } from "../../core/errors.ts";
import type { Projection } from "../../core/contracts/extractor.ts";
import { suggestWord } from "../../core/did_you_mean.ts";
import type { Field } from "../../models/field.ts";
import {
  ColumnFiller,
  fillAccepted,
  openColumn,
  SLICE_RECORDS,
  sliceBytes,
  sumBytes,
} from "../text/text_to_columns.ts";
import { RejectedLines } from "../text/rejected_lines.ts";
import type { FileField, FileInput, InferRequest, ReadRequest } from "../format.ts";
import { TextTypeGuess } from "../inference/type_inference.ts";
import type { Dialect } from "./dialect.ts";
import { Records, type SkippedRecord } from "./records.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { createLiterals } from "./literals.ts";

/** Infers the fields from the first records. */
export async function inferFields(
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  dialect: Dialect,
  { maxRecords, warn, skipsMalformed = false }:
    & { readonly maxRecords: number }
    & Pick<InferRequest, "warn" | "skipsMalformed">,
): Promise<FileField[]> {
  const records = new Records(name, bytes, dialect);
  const { tokens } = records;
  try {
    await records.start();
    const { names = [], made } = records;
    if (made.length > 0) warn?.(describeMadeNames(`file "${name}"`, made));
    const guesses = names.map(() => new TextTypeGuess());
    const { isNull } = createLiterals(ANY, openColumn(ANY), dialect);
    let left = maxRecords;
    do {
      let found: number;
      const next = () => records.scan(Math.min(left, SLICE_RECORDS), Infinity);
      const scan = skipsMalformed ? () => scanAccepted(next, records, () => {}) : next;
      while (left > 0 && (found = await scan()) > 0) {
        left -= found;
        const { slice } = records;
        guesses.forEach((guess, i) => {
          for (let at = i * 2; at < found * slice.stride && !guess.isFinal; at += slice.stride) {
            const to = slice.spans[at + 1]!;
            if (isNull(slice, at)) continue;
            if (to < 0) guess.add(tokens.text(at));
            else guess.addBytes(slice.bytes, slice.spans[at]!, to);
          }
        });
      }
    } while (left > 0 && await fill(tokens, skipsMalformed));
    return names.map((name, i) => guesses[i]!.field(name));
  } finally {
    await tokens.close();
  }
}

const ANY: Field = { name: "any", dtype: "string", nullable: true };

/** Reads all records as batches. */
export async function* readBatches(
  input: FileInput,
  bytes: AsyncIterable<Uint8Array>,
  dialect: Dialect,
  request: ReadRequest,
): AsyncGenerator<Batch, void, void> {
  const records = new Records(input.name, bytes, dialect);
  try {
    await records.start();
    if (records.names === undefined) return;
    yield* convertRecords(input, records, dialect, request, Infinity);
  } finally {
    await records.tokens.close();
  }
}

/** Reads the records that begin before an offset of the file. */
export async function* convertRecords(
  input: FileInput,
  records: Records,
  dialect: Dialect,
  request: ReadRequest,
  end: number,
): AsyncGenerator<Batch, void, void> {
  const { projections, batchRows, batchBytes, recycle = false, complete = false } = request;
  const { name } = input;
  const { tokens } = records;
  const schema = arrowSchema(projections.map(({ field }) => field));
  const names = records.names ?? [];
  if (complete) refuseUnknownColumns(name, names, projections, request.excluded);
  const fillers = createFillers(name, names, projections, dialect);
  const columns = fillers.map(({ column }) => column);
  if (recycle) { for (const column of columns) column.recycle(); }
  let rows = 0;
  let room = batchBytes;
  const rejected = new RejectedLines(input, request);
  const next = () => {
    const size = Math.min(sliceBytes(room), end - tokens.offset);
    return records.scan(Math.min(batchRows - rows, SLICE_RECORDS), size);
  };
  const reject = async (error: ValidationError, skipped: SkippedRecord) => {
    rejected.hold(error, skipped);
    await rejected.report();
  };
  const scan = rejected.takesMalformed ? () => scanAccepted(next, records, reject) : next;
  do {
    let found: number;
    while ((found = await scan()) > 0) {
      rows += fillRecords(fillers, records, found, rejected);
      await rejected.report();
      room = batchBytes - sumBytes(columns);
      if (rows === 0 || (rows < batchRows && room > 0)) continue;
      rows = 0;
      room = batchBytes;
      yield buildBatch(schema, columns);
    }
  } while (tokens.offset < end && await fill(tokens, rejected.takesMalformed));
  if (rows > 0) yield buildBatch(schema, columns);
}

/** Reads more bytes; false at the end. A record above its size limit, as with an open quote, fails the next scan. */
async function fill(tokens: Tokenizer, skipsMalformed: boolean): Promise<boolean> {
  return (skipsMalformed && tokens.refuseLargeRecord()) || await tokens.fill();
}

/** Finds the next buffered records, as `scan` does, behind those that cannot be parsed. */
async function scanAccepted(
  scan: () => number,
  records: Records,
  skip: (error: ValidationError, skipped: SkippedRecord) => Promise<void> | void,
): Promise<number> {
  for (;;) {
    try {
      return scan();
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      let skipped: SkippedRecord | undefined;
      while ((skipped = records.skipMalformed()) === undefined) await records.tokens.fill();
      await skip(error, skipped);
    }
  }
}

/** Returns how many of the found records are in the columns: all but those that are rejected. */
function fillRecords(
  fillers: readonly ColumnFiller[],
  records: Records,
  found: number,
  rejected: RejectedLines,
): number {
  const { slice, tokens } = records;
  return fillAccepted(fillers, slice, found, (error, index) => {
    const { at } = fillers.find(({ field }) => field.name === error.field)!;
    const first = (index - 1) * slice.stride;
    const row = records.rows + index;
    const located = error.atLine(row, tokens.findLine(first + at));
    if (!rejected.takesValue(error)) throw located;
    const values = fillers.map((filler) => {
      const isNull = filler.isNull(slice, index - 1);
      return [filler.field.name, isNull ? null : tokens.text(first + filler.at)] as const;
    });
    const record = Object.fromEntries(values);
    rejected.hold(located, { row, line: tokens.findLine(first), record });
  });
}

/** @throws {SchemaError} when the file lacks a column */
function createFillers(
  file: string,
  names: readonly string[],
  projections: readonly Projection[],
  dialect: Dialect,
): ColumnFiller[] {
  return projections.map((projection) => {
    const { field, guess } = projection;
    const index = findColumn(file, names, projection);
    const column = openColumn(field);
    return new ColumnFiller(
      field,
      column,
      index * 2,
      createLiterals(field, column, dialect, guess),
    );
  });
}

function findColumn(file: string, names: readonly string[], projection: Projection): number {
  const { field, column, expression } = projection;
  if (expression !== undefined) {
    throw new SchemaError(
      `Cannot read field "${field.name}" from CSV: it has expression "${expression}", expected a column`,
    );
  }
  const columnName = column ?? field.name;
  const index = names.indexOf(columnName);
  if (index >= 0) return index;
  const has = names.map((name) => `"${name}"`).join(", ");
  throw new SchemaError(
    `Cannot read column "${columnName}" of "${file}": the file does not have it${
      suggestWord(columnName, names)
    }; it has ${has}`,
  );
}

/** @throws {SchemaError} when the file has a column without a projection */
function refuseUnknownColumns(
  file: string,
  names: readonly string[],
  projections: readonly Projection[],
  excluded: readonly string[] = [],
): void {
  const columns = projections.map(({ field, column }) => column ?? field.name);
  const expected = new Set([...columns, ...excluded]);
  const other = names.find((name) => !expected.has(name));
  if (other === undefined) return;
  throw new SchemaError(
    `Cannot read "${file}": column "${other}" is not among the stream's fields (declare it in fields, leave it out there with exclude, or set only_declared_fields)`,
  );
}
