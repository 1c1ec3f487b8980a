/** Staged batches → the messages of a COPY FROM STDIN. */
import type { Batch } from "../../../core/batch.ts";
import { ValueError } from "../../../core/errors.ts";
import { type Data, isNull } from "../../../arrow/mod.ts";
import { binaryColumn, hasBinary } from "./binary_encoder.ts";
import { checkOf } from "./checks.ts";
import { CopyWriter } from "./copy_writer.ts";
import { COPY_HEADER } from "./row_decoder.ts";
import type { LoadColumn } from "./target.ts";
import { textColumn } from "./text_encoder.ts";

export type CopyFormat = "binary" | "text";

/** One format serves all columns of a COPY: binary when all of them can. */
export function formatOf(columns: readonly LoadColumn[]): CopyFormat {
  const all = columns.every(({ fit }) => fit.how === "binary" && hasBinary(fit.as));
  return all ? "binary" : "text";
}

/** @throws {ValueError} with the number of the staged record, when a column cannot take a value */
export async function* framesOf(
  batches: AsyncIterable<Batch>,
  columns: readonly LoadColumn[],
  format: CopyFormat,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const out = new CopyWriter();
  if (format === "binary") out.slice(COPY_HEADER, 0, COPY_HEADER.length);
  let rows = 0;
  for await (const batch of batches) {
    signal.throwIfAborted();
    const writers = columns.map((column, i) =>
      columnWriter(column, batch.data.children[i]!, format)
    );
    const writeRow = format === "binary" ? binaryRow : textRow;
    for (let row = 0; row < batch.numRows; row++) {
      try {
        writeRow(writers, row, out);
      } catch (error) {
        throw error instanceof ValueError ? error.atRow(rows + row + 1) : error;
      }
      if (out.full) yield out.take();
    }
    rows += batch.numRows;
  }
  if (format === "binary") out.int16(-1);
  yield out.take();
}

type Write = (row: number, out: CopyWriter) => void;

function columnWriter({ field, column, fit }: LoadColumn, data: Data, format: CopyFormat): Write {
  const write = format === "binary" && fit.how === "binary"
    ? binaryColumn(fit.as, field, data)
    : textColumn(fit, field, column, data);
  const check = checkOf(field, column, data);
  if (check === undefined) return write;
  return (row, out) => {
    if (!isNull(data, row)) check(row);
    write(row, out);
  };
}

function binaryRow(writers: readonly Write[], row: number, out: CopyWriter): void {
  out.int16(writers.length);
  for (let i = 0; i < writers.length; i++) writers[i]!(row, out);
}

const TAB = 0x09;
const LINE_END = 0x0a;

function textRow(writers: readonly Write[], row: number, out: CopyWriter): void {
  for (let i = 0; i < writers.length; i++) {
    if (i > 0) out.byte(TAB);
    writers[i]!(row, out);
  }
  out.byte(LINE_END);
}
