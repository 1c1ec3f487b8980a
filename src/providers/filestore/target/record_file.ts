/** Encodes staged records as the bytes of one file, and counts the records of the written file. */
import type { Batch } from "../../../core/contracts/batch.ts";
import type { StagedData } from "../../../core/contracts/buffer.ts";
import type { CheckWritten, FilestoreConnector } from "../../../core/contracts/connector.ts";
import { VerificationError } from "../../../core/errors.ts";
import { refuseInfinity } from "../../../formats/text/infinity.ts";
import type { DXTType } from "../../../models/dtype.ts";
import type { Field } from "../../../models/field.ts";
import { columnName, fileInput, type TypeToWrite } from "../source/file.ts";

/** Rows and bytes written to a file so far. */
export interface Written {
  rows: number;
  bytes: number;
  fields: readonly Field[];
}

/** The target's part of the receipt. */
export function describeWritten(path: string, { rows, bytes }: Written): string {
  return `${rows} rows, ${bytes} bytes in "${path}"`;
}

/**
 * Joins the staged files into the bytes of one file without decoding them. Returns undefined when
 * the stage has another format or compression.
 */
export async function joinParts(
  staged: StagedData,
  { format, written: compression, options }: TypeToWrite,
  written: Written,
): Promise<AsyncGenerator<Uint8Array, void, void> | undefined> {
  if (staged.format !== format.name || staged.compression !== compression) return undefined;
  const parts = async function* () {
    for await (const { name, size, rows } of staged.closedFiles()) {
      yield {
        name,
        size,
        open: () => staged.openFile(name),
        read: (start: number, end: number, into?: Uint8Array) =>
          staged.readFile(name, start, end, into),
      };
      written.rows += rows;
    }
  };
  const request = { fields: staged.fields, compression, options, recycle: true };
  const bytes = await format.join(parts(), request);
  return bytes && countBytes(bytes, written);
}

async function* countBytes(
  bytes: AsyncIterable<Uint8Array>,
  written: Written,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of bytes) {
    written.bytes += chunk.length;
    yield chunk;
  }
}

/** Encodes batches with the fields of `written` as the bytes of one file. */
export async function* encode(
  batches: AsyncIterable<Batch>,
  { format, written: compression, options }: TypeToWrite,
  written: Written,
): AsyncGenerator<Uint8Array, void, void> {
  const { fields } = written;
  const finite = format.name === "parquet" || format.name === "arrow";
  async function* countRows() {
    for await (const batch of batches) {
      // Other readers of these files would show infinity as a day in the year 5881580.
      if (finite) refuseInfinity(batch, fields, written.rows);
      written.rows += batch.numRows;
      yield batch;
    }
  }
  const request = { fields, compression, options, recycle: true };
  yield* countBytes(format.write(countRows(), request), written);
}

/**
 * Returns a check that reads a written file back and counts its records. It throws a
 * `VerificationError` when size or count differ.
 *
 * @param wanted returns the expected number of records
 */
export function recountRecords(
  connector: FilestoreConnector,
  type: TypeToWrite,
  written: Written,
  wanted: () => Promise<number>,
): CheckWritten {
  return async (path) => {
    await using file = await connector.openRead(path);
    const refuse = (detail: string) =>
      new VerificationError(`Cannot verify the write of "${path}": ${detail}`);
    if (file.size !== written.bytes) {
      throw refuse(`it has ${file.size} bytes, written were ${written.bytes}`);
    }
    const field = cheapestField(written.fields);
    const column = columnName(field, written.fields.indexOf(field), type);
    const { format, compression, options } = type;
    const batches = format.read(fileInput(file, path), {
      projections: [{ field, column }],
      batchRows: 65_536,
      batchBytes: 1 << 24,
      compression,
      options,
    });
    let rows = 0;
    for await (const batch of batches) rows += batch.numRows;
    const expected = await wanted();
    if (rows !== expected) throw refuse(`it reads back as ${rows} rows, expected ${expected}`);
  };
}

/** Types in order of the cost to read a column. */
const CHEAP: readonly DXTType[] = [
  "bool",
  "int8",
  "uint8",
  "int16",
  "uint16",
  "int32",
  "uint32",
  "float32",
  "date",
  "int64",
  "uint64",
  "float64",
  "time",
  "timestamp",
  "timestamp_tz",
];

function cheapestField(fields: readonly Field[]): Field {
  const cost = ({ dtype }: Field) => CHEAP.includes(dtype) ? CHEAP.indexOf(dtype) : CHEAP.length;
  return fields.reduce((best, field) => cost(field) < cost(best) ? field : best);
}
