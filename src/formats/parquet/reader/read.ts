/**
 * Files of other writers, one row group at a time. Columns of text and bytes are read here, and all pages
 * are looked at before the library's decoder reads those of the other columns. Its own readers of whole files cannot be
 * used: what they find malformed, and what reading throws, ends the process from inside a promise
 * of theirs, and they decode whole row groups at once. The decoder for files in memory throws.
 */
import { readParquet, readSchema } from "parquet-wasm";
import {
  batchesFromIPC,
  batchOfData,
  type Data,
  restoreFields,
  type Schema,
  schemaFromIPC,
  sliceColumn,
  textType,
  withFields,
  withNames,
} from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import { ValidationError } from "../../../core/errors.ts";
import type { Field } from "../../../models/field.ts";
import type { FileInput, ReadRequest } from "../../format.ts";
import { refuseCodec } from "./chunk_pages.ts";
import { ChunkSizes } from "./chunk_sizes.ts";
import {
  columnIndexes,
  type Footer,
  type ParquetColumn,
  type ParquetRowGroup,
  refuseEncrypted,
  refuseNestedRaw,
} from "./footer.ts";
import { PhysicalType, SchemaElement } from "../thrift/metadata.ts";
import { PageBudget } from "./page_budget.ts";
import { rowGroupFile, schemaFile } from "./row_group_file.ts";
import { decodeRaw, rawField } from "./int96.ts";
import type { ParquetReader } from "./reader.ts";
import { TextColumn } from "./text_column.ts";
import { ThriftError } from "../thrift/thrift.ts";

/** Bytes of a row group that are decoded at once, as far as one can tell before. */
const DECODED_BYTES = 32 * 1024 * 1024;
/** Bytes of a batch of them: nested values take several times as many when they become JSON. */
const BATCH_BYTES = 4 * 1024 * 1024;
/** Rows decoded at first, when dictionaries may hide how large they are. */
const FIRST_ROWS = 65_536;

/** Opens some columns of a file of anyone, or all; as `openParquet`. */
export function openAnyWriter(
  input: FileInput,
  footer: Footer,
  names: readonly string[] = footer.columns.map(({ name }) => name),
): ParquetReader {
  const columns = columnIndexes(footer, names, input.name).map((i) => footer.columns[i]!);
  columns.forEach(refuseNestedRaw);
  const told = schemaFromIPC(readSchema(schemaFile(footer, columns)).intoIPCStream());
  const plain = restoreFields(withNames(told, columns.map(({ name }) => name)), footer.kept);
  const raw = rawFields(columns, plain);
  const schema = withFields(plain, raw);
  const file: OpenFile = {
    input,
    footer,
    columns,
    schema: plain,
    texts: textFields(columns, plain),
  };
  return {
    schema,
    isOwn: false,
    made: footer.made,
    json: new Set(columns.filter(({ isJSON }) => isJSON).map(({ name }) => name)),
    async *batches(bounds) {
      columns.forEach((column) => refuseEncrypted(column, input.name));
      let rows = 0;
      for (const group of footer.rowGroups) {
        for await (const batch of groupBatches(file, group, bounds, rows)) {
          yield decodeRaw(batch, schema, raw, rows);
          rows += batch.numRows;
        }
      }
    },
  };
}

type Bounds = Pick<ReadRequest, "batchRows" | "batchBytes">;

interface OpenFile {
  readonly input: FileInput;
  readonly footer: Footer;
  readonly columns: readonly ParquetColumn[];
  readonly schema: Schema;
  /** Fields of the columns of text and bytes, by their number. */
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

function rawFields(columns: readonly ParquetColumn[], schema: Schema): Map<number, Field> {
  const fields = new Map<number, Field>();
  columns.forEach(({ name, raw }, i) => {
    if (raw !== undefined) fields.set(i, rawField(name, schema.fields[i]!.nullable, raw));
  });
  return fields;
}

/** The rows of a row group: text and bytes value by value, the other columns by the library. */
async function* groupBatches(
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
  const others = columns.filter((_, i) => !texts.has(i));
  const batches = others.length === 0 && texts.size > 0
    ? rowCounts(group.rows, bounds.batchRows)
    : decodedBatches(file, group, others, bounds.batchRows);
  const bytes = bounds.batchBytes / Math.max(1, texts.size);
  for await (const { numRows, data } of batches) {
    for (let from = 0; from < numRows;) {
      let rows = numRows - from;
      for (const text of texts.values()) rows = Math.min(rows, await text.fill(rows, bytes));
      let other = 0;
      const parts = columns.map((_, i) =>
        texts.get(i)?.take(rows) ?? sliceColumn(data!.children[other++]!, from, from + rows)
      );
      yield batchOfData(schema, parts, rows);
      from += rows;
    }
  }
  for (const text of texts.values()) await text.close();
}

/** Numbers of rows where there is nothing else to decode. */
function* rowCounts(rows: number, most: number): Generator<{ numRows: number; data?: Data }> {
  for (let left = rows; left > 0; left -= most) yield { numRows: Math.min(left, most) };
}

/** Rows of some columns of a row group, a part of them decoded at a time. */
async function* decodedBatches(
  { input, footer }: OpenFile,
  group: ParquetRowGroup,
  columns: readonly ParquetColumn[],
  batchRows: number,
): AsyncGenerator<Batch, void, void> {
  const sizes = new ChunkSizes(input.name);
  const file = await rowGroupFile(
    input,
    footer,
    group,
    columns,
    (chunk, bytes) => sizes.inspect(chunk, bytes, footer),
  );
  let rowBytes = sizes.rowBytes(group.rows);
  for (let offset = 0; offset < group.rows;) {
    const most = offset === 0 ? FIRST_ROWS : group.rows;
    const rows = Math.min(most, Math.max(1, Math.floor(DECODED_BYTES / Math.max(1, rowBytes))));
    const wanted = Math.min(rows, group.rows - offset);
    const isLast = offset + wanted === group.rows;
    // One row more than there should be tells that there are more.
    const limit = isLast ? wanted + 1 : wanted;
    const fitting = Math.max(1, Math.floor(BATCH_BYTES / Math.max(1, rowBytes)));
    const batchSize = Math.min(batchRows, fitting);
    const table = decode(() => readParquet(file, { batchSize, offset, limit }));
    let read = 0;
    try {
      rowBytes = table.getArrayMemorySize() / wanted;
      for (let i = 0; i < table.numBatches; i++) {
        for (const batch of batchesFromIPC(table.recordBatch(i)!.intoIPCStream())) {
          read += batch.numRows;
          yield batch;
        }
      }
    } finally {
      table.free();
    }
    if (read !== wanted) {
      throw new ValidationError(
        `Cannot read "${input.name}" as Parquet: a row group says ${group.rows} rows, it has ${
          read < wanted ? "fewer" : "more"
        }`,
      );
    }
    offset += wanted;
  }
}

/** Calls the library, whose panics say no more than that code was reached which should not be. */
function decode<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    throw new ThriftError("a row group is corrupt, its pages do not hold what they say");
  }
}
