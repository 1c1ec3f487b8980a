/**
 * The library's decoder over one row group at a time. Its own readers of whole files cannot be
 * used: what they find malformed, and what reading throws, ends the process from inside a promise
 * of theirs, and they decode whole row groups at once. The decoder for files in memory throws.
 */
import { readParquet, readSchema } from "parquet-wasm";
import {
  batchesFromIPC,
  type Schema,
  schemaFromIPC,
  withFields,
  withKeptFields,
} from "../../arrow/mod.ts";
import type { Batch } from "../../core/batch.ts";
import { ValidationError } from "../../core/errors.ts";
import type { Field } from "../../models/field.ts";
import type { FileInput } from "../format.ts";
import {
  columnIndex,
  type Footer,
  type ParquetColumn,
  type ParquetRowGroup,
  refuseEncrypted,
  refuseNestedRaw,
} from "./footer.ts";
import { rowGroupFile, schemaFile, uncompressedSize } from "./part.ts";
import { decodeRaw, rawField } from "./raw.ts";
import type { ParquetReader } from "./reader.ts";

/** Bytes of a row group that are decoded at once, as far as one can tell before. */
const DECODED_BYTES = 32 * 1024 * 1024;
/** Rows decoded at first, when dictionaries may hide how large they are. */
const FIRST_ROWS = 65_536;

/** Opens some columns of a file of anyone, or all; as `openParquet`. */
export function openForeign(
  input: FileInput,
  footer: Footer,
  names: readonly string[] = footer.columns.map(({ name }) => name),
): ParquetReader {
  const indexes = new Set(names.map((name) => columnIndex(footer, name, input.name)));
  const columns = footer.columns.filter((_, i) => indexes.has(i));
  columns.forEach(refuseNestedRaw);
  const plain = withKeptFields(
    schemaFromIPC(readSchema(schemaFile(footer, columns)).intoIPCStream()),
    footer.kept,
  );
  const raw = rawFields(columns, plain);
  const schema = withFields(plain, raw);
  return {
    schema,
    isOwn: false,
    json: new Set(columns.filter(({ isJSON }) => isJSON).map(({ name }) => name)),
    async *batches({ batchRows }) {
      columns.forEach((column) => refuseEncrypted(column, input.name));
      let rows = 0;
      for (const group of footer.rowGroups) {
        for await (const batch of groupBatches(input, footer, group, columns, batchRows)) {
          yield decodeRaw(batch, schema, raw, rows);
          rows += batch.numRows;
        }
      }
    },
  };
}

function rawFields(columns: readonly ParquetColumn[], schema: Schema): Map<number, Field> {
  const fields = new Map<number, Field>();
  columns.forEach(({ name, raw }, i) => {
    if (raw !== undefined) fields.set(i, rawField(name, schema.fields[i]!.nullable, raw));
  });
  return fields;
}

/** The rows of a row group, a part of them decoded at a time. */
async function* groupBatches(
  input: FileInput,
  footer: Footer,
  group: ParquetRowGroup,
  columns: readonly ParquetColumn[],
  batchRows: number,
): AsyncGenerator<Batch, void, void> {
  if (group.rows === 0) return;
  const file = await rowGroupFile(input, footer, group, columns);
  let rowBytes = uncompressedSize(group, columns) / group.rows;
  for (let offset = 0; offset < group.rows;) {
    const most = offset === 0 ? FIRST_ROWS : group.rows;
    const rows = Math.min(most, Math.max(1, Math.floor(DECODED_BYTES / Math.max(1, rowBytes))));
    const wanted = Math.min(rows, group.rows - offset);
    const isLast = offset + wanted === group.rows;
    // One row more than there should be tells that there are more.
    const limit = isLast ? wanted + 1 : wanted;
    const table = readParquet(file, { batchSize: batchRows, offset, limit });
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
