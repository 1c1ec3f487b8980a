/**
 * Reads files of other writers, one row group at a time. Text and bytes columns are decoded here;
 * all pages of the other columns are checked before the library decodes them from memory, where
 * errors are thrown. The library's readers of whole files cannot be used: their errors end the
 * process from inside a promise, and they decode a whole row group at once.
 */
import { readParquet, readSchema } from "parquet-wasm";
import {
  batchesFromIPC,
  canonicalFields,
  createCanonicalizer,
  type Data,
  restoreFields,
  type Schema,
  schemaFromIPC,
  sliceColumn,
  splitBatch,
  textType,
  withFields,
  withNames,
  wrapBatch,
} from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import { ValidationError } from "../../../core/errors.ts";
import type { Field } from "../../../models/field.ts";
import type { FileInput, ReadRequest } from "../../format.ts";
import { refuseCodec } from "./chunk_pages.ts";
import { ChunkSizes } from "./chunk_sizes.ts";
import {
  findColumns,
  type Footer,
  isUUID,
  type ParquetColumn,
  type ParquetRowGroup,
  refuseEncrypted,
  refuseNestedRaw,
} from "./footer.ts";
import { isOfField } from "./native_reader.ts";
import { PhysicalType, SchemaElement } from "../thrift/metadata.ts";
import { decodeNestedUUIDs, findNestedUUIDs } from "./nested_uuids.ts";
import { PageBudget } from "./page_budget.ts";
import { buildRowGroupFile, buildSchemaFile } from "./row_group_file.ts";
import { createRawColumn, decodeRaw, type RawColumn } from "./raw_columns.ts";
import type { ParquetReader } from "./reader.ts";
import { TextColumn } from "./text_column.ts";
import { ThriftError } from "../thrift/thrift.ts";

/** Bytes of a row group to decode at once, as estimated. */
const DECODED_BYTES = 32 * 1024 * 1024;
/** Bytes per batch of the library: nested values take several times as many once they are JSON. */
const BATCH_BYTES = 4 * 1024 * 1024;
/** Rows to decode first, since dictionaries may hide the size of the values. */
const FIRST_ROWS = 65_536;

/** Opens some columns of a file of any writer, or all of them; see `openParquet`. */
export function openAnyWriter(
  input: FileInput,
  footer: Footer,
  names: readonly string[] = footer.columns.map(({ name }) => name),
): ParquetReader {
  const columns = findColumns(footer, names, input.name).map((i) => footer.columns[i]!);
  columns.forEach(refuseNestedRaw);
  const declared = schemaFromIPC(readSchema(buildSchemaFile(footer, columns)).intoIPCStream());
  const restored = restoreFields(
    withNames(declared, columns.map(({ name }) => name)),
    footer.ownFields,
  );
  const raw = rawColumns(columns, restored);
  const schema = withFields(restored, new Map([...raw].map(([i, { field }]) => [i, field])));
  const uuids = columns.map(findNestedUUIDs);
  const file: OpenFile = {
    input,
    footer,
    columns,
    schema: restored,
    texts: textFields(columns, restored),
  };
  return {
    // Only when asked for: some types have no field.
    get fields() {
      return canonicalFields(schema).map((field, i) => refineField(field, columns[i]!, footer));
    },
    made: footer.made,
    async *batches({ projections, ...bounds }) {
      const canonical = projections && createCanonicalizer(schema, projections);
      columns.forEach((column) => refuseEncrypted(column, input.name));
      let rows = 0;
      for (const group of footer.rowGroups) {
        for await (const batch of readGroup(file, group, bounds, rows)) {
          const decoded = decodeRaw(decodeUUIDs(batch, uuids), schema, raw, rows);
          const some = canonical?.(decoded) ?? decoded;
          yield* splitBatch(some, { rows: bounds.batchRows, bytes: bounds.batchBytes });
          rows += batch.numRows;
        }
      }
    },
  };
}

/** Adds to a field what Arrow's type does not say. */
function refineField(field: Field, column: ParquetColumn, { ownFields }: Footer): Field {
  const { declared, isJSON } = column;
  if (isJSON && field.dtype === "string") return { ...field, dtype: "json" };
  if (field.element === undefined) return field;
  const own = ownFields.find(({ name, element }) => name === field.name && element !== undefined);
  if (own !== undefined && isOfField(declared, own)) return own;
  return isUUID(declared.at(-1)!) ? { ...field, element: { dtype: "string", uuid: true } } : field;
}

type Bounds = Pick<ReadRequest, "batchRows" | "batchBytes">;

interface OpenFile {
  readonly input: FileInput;
  readonly footer: Footer;
  readonly columns: readonly ParquetColumn[];
  readonly schema: Schema;
  /** Fields of the text and bytes columns, by index. */
  readonly texts: ReadonlyMap<number, Field>;
}

function textFields(columns: readonly ParquetColumn[], schema: Schema): Map<number, Field> {
  const fields = new Map<number, Field>();
  columns.forEach(({ name, elements }, i) => {
    const { type, nullable } = schema.fields[i]!;
    const [element] = elements;
    if (elements.length > 1 || element!.number(SchemaElement.type) !== PhysicalType.BYTE_ARRAY) {
      return;
    }
    const dtype = textType(type);
    if (dtype !== undefined) fields.set(i, { name, dtype, nullable });
  });
  return fields;
}

function rawColumns(columns: readonly ParquetColumn[], schema: Schema): Map<number, RawColumn> {
  const raws = new Map<number, RawColumn>();
  columns.forEach(({ name, raw }, i) => {
    if (raw !== undefined) raws.set(i, createRawColumn(name, schema.fields[i]!.nullable, raw));
  });
  return raws;
}

function decodeUUIDs(batch: Batch, uuids: readonly (readonly boolean[] | undefined)[]): Batch {
  if (uuids.every((leaves) => leaves === undefined)) return batch;
  const columns = batch.data.children.map((data, i) =>
    uuids[i] === undefined ? data : decodeNestedUUIDs(data, uuids[i])
  );
  return wrapBatch(batch.schema, columns, batch.numRows);
}

/** Reads a row group: text and bytes columns value by value, the others with the library. */
async function* readGroup(
  file: OpenFile,
  group: ParquetRowGroup,
  bounds: Bounds,
  rowsBefore: number,
): AsyncGenerator<Batch, void, void> {
  if (group.rows === 0) return;
  const { input, footer, schema, columns } = file;
  const budget = new PageBudget(input.name);
  const texts = new Map<number, TextColumn>();
  columns.forEach((column, i) => {
    for (const struct of group.chunks.slice(...column.leaves)) {
      refuseCodec({ struct, name: column.name }, input.name);
    }
    const field = file.texts.get(i);
    if (field === undefined) return;
    const chunk = { struct: group.chunks[column.leaves[0]]!, name: column.name };
    texts.set(i, new TextColumn(input, footer, chunk, field, budget, rowsBefore));
  });
  const libraryColumns = columns.filter((_, i) => !texts.has(i));
  const batches = libraryColumns.length === 0 && texts.size > 0
    ? splitRows(group.rows, bounds.batchRows)
    : decodeGroup(file, group, libraryColumns, bounds.batchRows);
  const bytes = bounds.batchBytes / Math.max(1, texts.size);
  for await (const { numRows, data } of batches) {
    for (let from = 0; from < numRows;) {
      let rows = numRows - from;
      for (const text of texts.values()) rows = Math.min(rows, await text.fill(rows, bytes));
      let other = 0;
      const parts = columns.map((_, i) =>
        texts.get(i)?.take(rows) ?? sliceColumn(data!.children[other++]!, from, from + rows)
      );
      yield wrapBatch(schema, parts, rows);
      from += rows;
    }
  }
  for (const text of texts.values()) await text.close();
}

/** Splits a number of rows into batches, where the library has no column to decode. */
function* splitRows(rows: number, batchRows: number): Generator<{ numRows: number; data?: Data }> {
  for (let left = rows; left > 0; left -= batchRows) yield { numRows: Math.min(left, batchRows) };
}

/** Decodes columns of a row group with the library, a slice of rows at a time. */
async function* decodeGroup(
  { input, footer }: OpenFile,
  group: ParquetRowGroup,
  columns: readonly ParquetColumn[],
  batchRows: number,
): AsyncGenerator<Batch, void, void> {
  const sizes = new ChunkSizes(input.name);
  const file = await buildRowGroupFile(
    input,
    footer,
    group,
    columns,
    (chunk, bytes) => sizes.inspect(chunk, bytes, footer),
  );
  let rowBytes = sizes.rowBytes(group.rows);
  for (let offset = 0; offset < group.rows;) {
    const maxRows = offset === 0 ? FIRST_ROWS : group.rows;
    const rows = Math.min(maxRows, Math.max(1, Math.floor(DECODED_BYTES / Math.max(1, rowBytes))));
    const count = Math.min(rows, group.rows - offset);
    const isLast = offset + count === group.rows;
    // One extra row reveals whether the row group has more rows than it declares.
    const limit = isLast ? count + 1 : count;
    const fitting = Math.max(1, Math.floor(BATCH_BYTES / Math.max(1, rowBytes)));
    const batchSize = Math.min(batchRows, fitting);
    const table = callLibrary(() => readParquet(file, { batchSize, offset, limit }));
    let read = 0;
    try {
      rowBytes = table.getArrayMemorySize() / count;
      for (let i = 0; i < table.numBatches; i++) {
        for (const batch of batchesFromIPC(table.recordBatch(i)!.intoIPCStream())) {
          read += batch.numRows;
          yield batch;
        }
      }
    } finally {
      table.free();
    }
    if (read !== count) {
      throw new ValidationError(
        `Cannot read "${input.name}" as Parquet: a row group declares ${group.rows} rows, but has ${
          read < count ? "fewer" : "more"
        }`,
      );
    }
    offset += count;
  }
}

/** Calls the library, whose panics only say that unreachable code was reached. */
function callLibrary<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    throw new ThriftError("a row group is corrupt, its pages do not match their headers");
  }
}
