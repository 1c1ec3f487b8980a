/** Encodes staged batches as the messages of a COPY FROM STDIN. */
import type { Batch } from "../../../../core/contracts/batch.ts";
import { ValueError } from "../../../../core/errors.ts";
import { type Data, isNull } from "../../../../arrow/mod.ts";
import { binaryColumn, hasBinary } from "./column_encoders.ts";
import { type Check, limitCheck } from "../types/column_limits.ts";
import { CopyBuffer } from "./copy_buffer.ts";
import type { ColumnEncoding } from "../types/column_encoding.ts";
import { COPY_HEADER } from "./row_decoder.ts";
import { CompiledRowEncoder, type Source, type Write } from "./compiled_row_encoder.ts";
import type { LoadColumn } from "../types/column_encoding.ts";
import { textColumn } from "./text_encoder.ts";
import { parseTypeName } from "../types/type_name.ts";

export type CopyFormat = "binary" | "text";

/** Chooses the format of a COPY: binary if every column has a binary encoding. */
export function chooseFormat(columns: readonly LoadColumn[]): CopyFormat {
  const all = columns.every(({ fit }) => fit.how === "binary" && hasBinary(fit.as));
  return all ? "binary" : "text";
}

/**
 * Yields the messages of a whole COPY. The caller sends each before it asks for the next.
 *
 * @throws {ValueError} with the number of the staged record, when a column cannot take a value
 */
export async function* encodeFrames(
  batches: AsyncIterable<Batch>,
  columns: readonly LoadColumn[],
  format: CopyFormat,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const encoder = new BatchEncoder(columns, format);
  encoder.begin();
  for await (const batch of batches) {
    signal.throwIfAborted();
    yield* encoder.encode(batch);
  }
  encoder.end();
  yield encoder.rest();
}

/**
 * Encodes batches as CopyData messages. The caller sends or copies each before it asks for the next.
 * A COPY needs one `begin` and one `end`, however many encoders write the rows between them.
 */
export class BatchEncoder {
  readonly #out = new CopyBuffer();
  readonly #write: WriteRows;
  #rows = 0;

  constructor(
    private readonly columns: readonly LoadColumn[],
    private readonly format: CopyFormat,
  ) {
    this.#write = format === "binary" ? binaryRows(columns) : textRows(columns);
  }

  begin(): void {
    if (this.format === "binary") this.#out.slice(COPY_HEADER, 0, COPY_HEADER.length);
  }

  end(): void {
    if (this.format === "binary") this.#out.int16(-1);
  }

  /**
   * Yields full messages. The rest of the batch waits for the next batch, or for `rest`.
   *
   * @throws {ValueError} with the number of the record, counted over all batches
   */
  *encode(batch: Batch): Generator<Uint8Array, void, void> {
    const write = this.#write(batch);
    for (let row = 0; row < batch.numRows;) {
      row = write(row, this.#out, this.#rows);
      if (this.#out.full) yield this.#out.take();
    }
    this.#rows += batch.numRows;
  }

  /** Returns the message that was not yet yielded; it may be empty. */
  rest(): Uint8Array {
    return this.#out.take();
  }
}

/** Begins a batch. */
type WriteRows = (batch: Batch) => WriteFrom;

/**
 * Writes rows from `row` on until the message is full; returns the first row that is left. `before` is
 * the number of rows in earlier batches.
 */
type WriteFrom = (row: number, out: CopyBuffer, before: number) => number;

function binaryRows(columns: readonly LoadColumn[]): WriteRows {
  const writer = new CompiledRowEncoder(columns.map(({ field, column, fit }) => ({
    field,
    as: (fit as ColumnEncoding & { how: "binary" }).as,
    checked: (parseTypeName(column.type).args[0] ?? MICROS_DIGITS) < MICROS_DIGITS,
  })));
  return (batch) => {
    writer.open(columns.map((column) => openSource(column, batch.data.children[column.at]!)));
    return (row, out, before) => {
      try {
        return writer.write(row, batch.numRows, out);
      } catch (error) {
        throw error instanceof ValueError ? error.atRow(before + writer.row + 1) : error;
      }
    };
  };
}

/** Digits of the second of a time or timestamp without a precision. */
const MICROS_DIGITS = 6;

function openSource({ field, column, fit }: LoadColumn, data: Data): Source {
  const check = limitCheck(field, column, data);
  const write = binaryColumn((fit as ColumnEncoding & { how: "binary" }).as, field, data);
  return { data, check, write: checked(write, check, data) };
}

function checked(write: Write, check: Check | undefined, data: Data): Write {
  if (check === undefined) return write;
  return (row, out) => {
    if (!isNull(data, row)) check(row);
    write(row, out);
  };
}

function textRows(columns: readonly LoadColumn[]): WriteRows {
  return (batch) => {
    const writers = columns.map(({ field, column, fit, at }) => {
      const data = batch.data.children[at]!;
      return checked(textColumn(fit, field, column, data), limitCheck(field, column, data), data);
    });
    return (start, out, before) => {
      let row = start;
      try {
        while (row < batch.numRows && !out.full) textRow(writers, row++, out);
      } catch (error) {
        throw error instanceof ValueError ? error.atRow(before + row) : error;
      }
      return row;
    };
  };
}

const TAB = 0x09;
const LINE_END = 0x0a;

function textRow(writers: readonly Write[], row: number, out: CopyBuffer): void {
  for (let i = 0; i < writers.length; i++) {
    if (i > 0) out.byte(TAB);
    writers[i]!(row, out);
  }
  out.byte(LINE_END);
}
