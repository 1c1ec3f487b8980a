/** Reads the highest watermark of files, whether target or source. */
import { filterBatch, maxValue, rangePredicate } from "../../arrow/mod.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import type { FilestoreConnector } from "../../core/contracts/connector.ts";
import { ConfigurationError, SchemaError } from "../../core/errors.ts";
import {
  type OwnRows,
  refuseStaleRange,
  type WatermarkQuery,
} from "../../core/contracts/loader.ts";
import type { SourceWatermark } from "../../core/contracts/provider.ts";
import { compareInOrder, orderKind, refuseOrder } from "../../core/values/value_order.ts";
import { parseText, type Value } from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import type { StreamRef } from "../../models/source.ts";
import { fieldsOfFile, type FileFields, isTyped, mergeFields } from "./source/fields.ts";
import { fileInput, fileType, getFormatHints, openListed } from "./source/file.ts";
import type { FileLoadTask } from "./target/loaders.ts";

type FileWatermarkQuery = Omit<WatermarkQuery, "target"> & { readonly target: StreamRef };

/**
 * Call while the target is locked, before anything is written.
 *
 * @throws {StaleRangeError} when another run has loaded rows since the range was computed
 */
export async function refuseStale(
  connector: FilestoreConnector,
  task: FileLoadTask,
): Promise<void> {
  const { expected, target } = task;
  if (expected === undefined) return;
  refuseStaleRange(task, await maxWatermark(connector, { target, ...expected }));
}

/**
 * Highest value of a field in the target's files. Reads only the column of the field and the columns
 * that identify the stream's own rows.
 */
export async function maxWatermark(
  connector: FilestoreConnector,
  { target, field: name, as, own }: FileWatermarkQuery,
): Promise<Exclude<Value, null> | undefined> {
  if (as !== undefined && orderKind(as) === undefined) refuseOrder(as, "a file");
  const entries = (await connector.list(target)).filter(({ size }) => size > 0);
  const files: FileFields[] = [];
  for (const entry of entries) {
    files.push(await fieldsOfFile(connector, entry, getFormatHints(target)));
  }
  const fields = mergeFields(files);
  if (fields.length === 0) return undefined;
  const find = (what: string, wanted: string): Field => {
    const found = fields.find((known) => known.name === wanted);
    if (found !== undefined) return found;
    const names = fields.map((known) => `"${known.name}"`).join(", ");
    throw new SchemaError(
      `Cannot find ${what} "${wanted}" in "${nameOfRef(target)}": it has ${names}`,
    );
  };
  const field = withOrder(find("the highest", name), as, files.some(isTyped));
  // A column is text if the value is text, even if its first rows look like numbers.
  const marked = (wanted: string, value: unknown): Field => {
    const found = find("rows by", wanted);
    return files.some(isTyped) || typeof value !== "string" ? found : { ...found, dtype: "string" };
  };
  const marks = ownMarks(own, marked, name);
  let max: Value = null;
  for (const entry of entries) {
    const { format, compression, options } = await fileType(entry.name, getFormatHints(target));
    await using file = await openListed(connector, entry, entries);
    const batches = format.read(fileInput(file, entry.path), {
      projections: [field, ...marks.map((mark) => mark.field)]
        .map((one) => ({ field: one, column: one.name })),
      batchRows: 65_536,
      batchBytes: 1 << 24,
      compression,
      options,
    });
    for await (const batch of batches) {
      const value = maxValue(ownRows(batch, marks), 0, field);
      if (value === null) continue;
      if (max === null || compareInOrder(value, max, field) > 0) max = value;
    }
    await file.check();
  }
  return max ?? undefined;
}

/** The field for reading the file's column, with the order of the stream's field. */
function withOrder(found: Field, as: Field | undefined, typed: boolean): Field {
  if (as === undefined) return found;
  // A type inferred from text may have another order than the stream's field.
  if (!typed) return { ...as, name: found.name, nullable: true };
  const [kind, wanted] = [orderKind(found), orderKind(as)];
  if (kind === wanted) return found;
  if (kind === "text" && wanted === "number") return { ...found, order: "number" };
  return refuseOrder(as, `a file that has it as ${found.dtype}`);
}

/** A field with a fixed value in all of the stream's own rows. */
interface Mark {
  readonly field: Field;
  readonly value: Exclude<Value, null>;
}

function ownMarks(
  own: OwnRows | undefined,
  find: (name: string, value: unknown) => Field,
  watermark: string,
): Mark[] {
  if (own === undefined) return [];
  if ("condition" in own) {
    throw new ConfigurationError(
      `Cannot find rows by "${own.condition}": files evaluate no conditions, expected fields and their values`,
    );
  }
  return Object.entries(own.values).map(([name, value]) => {
    if (name === watermark) {
      throw new ConfigurationError(`Cannot find rows by "${name}": it is the watermark field`);
    }
    const field = find(name, value);
    return { field, value: parseText(String(value), field) };
  });
}

/** The rows of a batch that have all marks. Their columns follow that of the watermark. */
function ownRows(batch: Batch, marks: readonly Mark[]): Batch {
  return marks.reduce((rows, { field, value }, i) => {
    const bound = { value, inclusive: true };
    const range = { field: field.name, after: bound, upTo: bound, nulls: "exclude" } as const;
    return filterBatch(rows, rangePredicate(range, field, rows.data.children[i + 1]!));
  }, batch);
}

function nameOfRef(ref: StreamRef): string {
  return "path" in ref ? ref.path : "pattern" in ref ? ref.pattern : ref.type;
}

/** Largest source in bytes that is read a second time to find its highest value. */
const SMALL_BYTES = 16 * 1024 * 1024;

/** Highest watermark of a small source; undefined for a larger one and for a path inside JSON. */
export async function sourceMaxWatermark(
  connector: FilestoreConnector,
  { source, projection: { column, field } }: SourceWatermark,
): Promise<Exclude<Value, null> | undefined> {
  if (column === undefined) return undefined;
  const entries = await connector.list(source);
  if (entries.reduce((sum, { size }) => sum + size, 0) > SMALL_BYTES) return undefined;
  const found = await connector.getStreamFields(source);
  if (found?.some(({ name }) => name === column) !== true) return undefined;
  return await maxWatermark(connector, { target: source, field: column, as: field });
}
