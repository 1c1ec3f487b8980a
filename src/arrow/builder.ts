/** Builds batches from records and from columns. */
import { type Data, makeData, RecordBatch, type Schema, Struct } from "apache-arrow";
import type { Field } from "../models/field.ts";
import type { Batch } from "../core/contracts/batch.ts";
import { ValueError } from "../core/errors.ts";
import type {
  ExtractRequest,
  ExtractTask,
  Projection,
  ReadTask,
  RecordRejections,
  Records,
} from "../core/contracts/extractor.ts";
import { describeValue, valueOf } from "../core/values/js_values.ts";
import {
  type DXTRecord,
  exactDecimal,
  INFINITY,
  INTEGER_BOUNDS,
  integerBounds,
  JSONText,
  jsonText,
  NEGATIVE_INFINITY,
  type Value,
} from "../core/values/values.ts";
import { classifyType } from "../core/values/kinds.ts";
import { BigColumn, BoolColumn, BytesColumn, type Column, NumberColumn } from "./column.ts";
import { arrowSchema, arrowType, decimalBits } from "./schema.ts";

/** Days and microseconds that stand for infinity; PostgreSQL's wire format has the same numbers. */
export const INFINITE_DAY = 0x7fffffff;
export const NEGATIVE_INFINITE_DAY = -0x80000000;
export const INFINITE_MICROS = 2n ** 63n - 1n;
export const NEGATIVE_INFINITE_MICROS = -(2n ** 63n);

/** Creates an empty column for a field. */
export function createColumn(field: Field): Column {
  const type = arrowType(field);
  switch (classifyType(field.dtype)) {
    case "integer":
    case "float":
    case "date":
      return new NumberColumn(type, type.ArrayType);
    case "long":
    case "time":
    case "timestamp":
      return new BigColumn(type, type.ArrayType);
    case "decimal":
      return new BigColumn(
        type,
        BigUint64Array,
        decimalBits(field.precision ?? 38) === 128 ? 2 : 4,
      );
    case "bool":
      return new BoolColumn(type);
    case "string":
    case "binary":
    case "json":
      return new BytesColumn(type);
  }
}

/** Wraps columns of equal length as a batch and empties them. */
export function buildBatch(schema: Schema, columns: readonly Column[]): Batch {
  const length = columns[0]?.length ?? 0;
  return wrapBatch(schema, columns.map((column) => column.take()), length);
}

/** Wraps Arrow data of equal length as a batch. */
export function wrapBatch(schema: Schema, children: Data[], length: number): Batch {
  const data = makeData({ type: new Struct(schema.fields), length, nullCount: 0, children });
  return new RecordBatch(schema, data as never);
}

/** Appends one value to a column, or throws a ValueError. */
export type PushValue = (value: Value | undefined) => void;

/**
 * Returns a function that checks a record's value against a field and appends it to the column.
 *
 * @throws {ValueError} (the function) when the value is not of the field's type
 */
export function valuePusher(field: Field, column: Column): PushValue {
  const push = createChecker(field, column);
  if (!field.nullable) {
    return (value) => {
      if (value === null || value === undefined) {
        throw new ValueError(
          "expected a value, the field is not nullable",
          field.name,
          undefined,
          null,
        );
      }
      push(value);
    };
  }
  return (value) => value === null || value === undefined ? column.pushNull() : push(value);
}

function createChecker(field: Field, column: Column): (value: Exclude<Value, null>) => void {
  const fail = (wanted: string, value: unknown): never => {
    throw new ValueError(`expected ${wanted}`, field.name, undefined, value);
  };
  const { dtype } = field;
  switch (dtype) {
    case "int8":
    case "int16":
    case "int32":
    case "uint8":
    case "uint16":
    case "uint32": {
      const numbers = column as NumberColumn;
      const [low, high] = integerBounds(dtype);
      return (value) =>
        typeof value === "number" && Number.isInteger(value) && value >= low && value <= high
          ? numbers.push(value)
          : fail(`${dtype} (${low} to ${high})`, value);
    }
    case "int64":
    case "uint64": {
      const bigs = column as BigColumn;
      const [low, high] = INTEGER_BOUNDS[dtype];
      return (value) => {
        const big = typeof value === "number" && Number.isSafeInteger(value)
          ? BigInt(value)
          : value;
        return typeof big === "bigint" && big >= low && big <= high
          ? bigs.push(big)
          : fail(`${dtype} (${low} to ${high})`, value);
      };
    }
    case "float32": {
      const numbers = column as NumberColumn;
      return (value) =>
        typeof value === "number" && (Math.fround(value) === value || Number.isNaN(value))
          ? numbers.push(value)
          : fail("float32 (a number that 32 bits hold exactly)", value);
    }
    case "float64": {
      const numbers = column as NumberColumn;
      return (value) => typeof value === "number" ? numbers.push(value) : fail("float64", value);
    }
    case "decimal": {
      const bigs = column as BigColumn;
      const { precision = 38, scale = 0 } = field;
      return (value) => {
        const text = typeof value === "string" ? exactDecimal(value, precision, scale) : undefined;
        if (text === undefined) return fail(`decimal(${precision},${scale}) as text`, value);
        bigs.push(BigInt(text.replace(".", "")));
      };
    }
    case "bool": {
      const bools = column as BoolColumn;
      return (value) => typeof value === "boolean" ? bools.push(value) : fail("bool", value);
    }
    case "date": {
      const days = column as NumberColumn;
      return (value) => {
        if (value instanceof Temporal.PlainDate) days.push(toEpochDay(value));
        else if (value === INFINITY) days.push(INFINITE_DAY);
        else if (value === NEGATIVE_INFINITY) days.push(NEGATIVE_INFINITE_DAY);
        else fail("date as Temporal.PlainDate", value);
      };
    }
    case "time": {
      const micros = column as BigColumn;
      return (value) =>
        value instanceof Temporal.PlainTime && value.nanosecond === 0
          ? micros.push(toMicros(value))
          : fail("time as Temporal.PlainTime in microseconds", value);
    }
    case "timestamp": {
      const micros = column as BigColumn;
      return (value) => {
        if (value instanceof Temporal.PlainDateTime && value.nanosecond === 0) {
          micros.push(BigInt(toEpochDay(value)) * DAY_MICROS + toMicros(value));
        } else if (!pushInfinity(micros, value)) {
          fail("timestamp as Temporal.PlainDateTime in microseconds", value);
        }
      };
    }
    case "timestamp_tz": {
      const micros = column as BigColumn;
      return (value) => {
        if (value instanceof Temporal.Instant && value.epochNanoseconds % 1000n === 0n) {
          micros.push(value.epochNanoseconds / 1000n);
        } else if (!pushInfinity(micros, value)) {
          fail("timestamp_tz as Temporal.Instant in microseconds", value);
        }
      };
    }
    case "binary": {
      const bytes = column as BytesColumn;
      return (value) =>
        value instanceof Uint8Array ? bytes.pushBytes(value) : fail("binary as Uint8Array", value);
    }
    case "string": {
      const strings = column as BytesColumn;
      return (value) => {
        if (typeof value !== "string") return fail("string", value);
        if (!value.isWellFormed()) return fail("string without lone surrogates", value);
        strings.pushString(value);
      };
    }
    case "json":
    case "array":
    case "object": {
      const strings = column as BytesColumn;
      return (value) => {
        const text = value instanceof JSONText ? value.text : JSON.stringify(value);
        if (typeof text !== "string" || !text.isWellFormed()) {
          return fail(`${dtype} as JSON`, value);
        }
        strings.pushString(dtype === "json" ? text : jsonText(text, field).text);
      };
    }
  }
}

export const DAY_MICROS = 86_400_000_000n;

const epoch = new Date(0);

/** Days since 1970-01-01. Unlike Date.UTC, years 0 to 99 mean themselves. */
function toEpochDay({ year, month, day }: Temporal.PlainDate | Temporal.PlainDateTime): number {
  return epoch.setUTCFullYear(year, month - 1, day) / 86_400_000;
}

function toMicros(time: Temporal.PlainTime | Temporal.PlainDateTime): bigint {
  const seconds = (time.hour * 60 + time.minute) * 60 + time.second;
  return BigInt(seconds * 1_000_000 + time.millisecond * 1000 + time.microsecond);
}

function pushInfinity(column: BigColumn, value: unknown): boolean {
  if (value === INFINITY) column.push(INFINITE_MICROS);
  else if (value === NEGATIVE_INFINITY) column.push(NEGATIVE_INFINITE_MICROS);
  else return false;
  return true;
}

/** Builds batches from records; the caller takes a batch when it is full. */
export class BatchBuilder {
  readonly schema: Schema;
  readonly #columns: Column[];
  readonly #pushers: PushValue[];
  #rows = 0;
  #rowsBefore = 0;

  constructor(
    private readonly fields: readonly Field[],
    private readonly bounds: { readonly rows: number; readonly bytes: number },
  ) {
    this.schema = arrowSchema(fields);
    this.#columns = fields.map(createColumn);
    this.#pushers = fields.map((field, i) => valuePusher(field, this.#columns[i]!));
  }

  get rows(): number {
    return this.#rows;
  }

  /** Number of the next record in the stream, counted from 1. */
  get row(): number {
    return this.#rowsBefore + this.#rows + 1;
  }

  /** Whether the batch has reached a bound and should be taken before the next record. */
  get full(): boolean {
    if (this.#rows >= this.bounds.rows) return true;
    // Summing sizes walks over all columns, so it happens once in 64 rows.
    return (this.#rows & 63) === 0 && this.#rows > 0 &&
      this.#columns.reduce((sum, column) => sum + column.byteLength, 0) >= this.bounds.bytes;
  }

  /** @throws {ValueError} with the record's number in the stream; then the builder needs `undo` */
  push(record: DXTRecord): void {
    this.pushValues(this.fields.map((field) => record[field.name]));
  }

  /** Like `push`, for values in the order of the fields. */
  pushValues(values: readonly (Value | undefined)[]): void {
    try {
      for (let i = 0; i < this.#pushers.length; i++) this.#pushers[i]!(values[i]);
    } catch (error) {
      throw error instanceof ValueError ? error.atRow(this.row) : error;
    }
    this.#rows++;
  }

  /** Takes back the values of a record that could not be pushed as a whole. */
  undo(): void {
    for (const column of this.#columns) column.discard(this.#rows);
  }

  /** Returns the records so far as a batch and empties the builder. */
  take(): Batch {
    const length = this.#rows;
    this.#rowsBefore += length;
    this.#rows = 0;
    return wrapBatch(this.schema, this.#columns.map((column) => column.take()), length);
  }
}

/** Builds batches of bounded size from records. */
export async function* buildBatches(
  fields: readonly Field[],
  records: Iterable<DXTRecord> | AsyncIterable<DXTRecord>,
  bounds: { readonly rows: number; readonly bytes: number },
): AsyncGenerator<Batch, void, void> {
  const builder = new BatchBuilder(fields, bounds);
  for await (const record of records) {
    builder.push(record);
    if (builder.full) yield builder.take();
  }
  if (builder.rows > 0) yield builder.take();
}

/** Adds to a request what an extractor of records needs: the building of batches. */
export function createExtractTask(
  request: ExtractRequest,
  rejections?: RecordRejections,
): ExtractTask {
  const task = { ...request, ...(rejections === undefined ? {} : { rejections }) };
  return { ...task, batches: (records) => projectRecords(records, task) };
}

/** Builds batches of the projections' fields from records keyed by the source's columns. */
async function* projectRecords(
  records: Records,
  { projections, batchRows, batchBytes, rejections }: ReadTask,
): AsyncGenerator<Batch, void, void> {
  const fields = projections.map(({ field }) => field);
  const builder = new BatchBuilder(fields, { rows: batchRows, bytes: batchBytes });
  let row = 0;
  for await (const record of records) {
    row++;
    try {
      builder.pushValues(projectValues(record, projections, row));
    } catch (error) {
      if (!(error instanceof ValueError) || rejections?.takesValue(error) !== true) throw error;
      builder.undo();
      rejections.rejectValue(error.atRow(row), {
        row,
        record: describeRecord(record, projections),
      });
      continue;
    }
    if (builder.full) yield builder.take();
  }
  if (builder.rows > 0) yield builder.take();
}

/** The values of a record as text, by the names of their fields. */
function describeRecord(
  record: Readonly<Record<string, unknown>>,
  projections: readonly Projection[],
): Record<string, string | null> {
  return Object.fromEntries(projections.map(({ field, column }) => {
    const value = column === undefined ? undefined : record[column];
    return [field.name, describeValue(value)];
  }));
}

function projectValues(
  record: Readonly<Record<string, unknown>>,
  projections: readonly Projection[],
  row: number,
): Value[] {
  try {
    return projections.map(({ field, column }) =>
      column === undefined ? null : valueOf(record[column], field)
    );
  } catch (error) {
    throw error instanceof ValueError ? error.atRow(row) : error;
  }
}
