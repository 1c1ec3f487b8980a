/**
 * Rows of COPY's binary format → batches.
 * https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4 (Binary Format)
 */
import { arrowSchema, buildBatch, type Column, createColumn } from "../../../../arrow/mod.ts";
import type { Batch } from "../../../../core/contracts/batch.ts";
import { ExtractorError, ValueError } from "../../../../core/errors.ts";
import type { Field } from "../../../../models/field.ts";
import type { ColumnDecoder } from "./column_decoders.ts";
import type { MessageBuffer } from "../wire/message_buffer.ts";
import { CompiledRowDecoder, type Reach } from "./compiled_row_decoder.ts";

/** Signature, flags, length of the header's extension. */
export const COPY_HEADER = Uint8Array.of(
  ...[0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00],
  ...[0, 0, 0, 0, 0, 0, 0, 0],
);

/** Fills columns from rows, a batch at a time. */
export class RowDecoder {
  readonly #columns: Column[];
  readonly #reader: CompiledRowDecoder;
  readonly #reach: Reach;
  readonly #schema;
  #started = false;
  /** Rows of the batches that were taken. */
  #taken = 0;

  constructor(
    fields: readonly Field[],
    readings: readonly ColumnDecoder[],
    private readonly bounds: { readonly rows: number; readonly bytes: number },
    recycle = false,
  ) {
    this.#schema = arrowSchema(fields);
    this.#columns = fields.map(createColumn);
    if (recycle) { for (const column of this.#columns) column.recycle(); }
    this.#reader = new CompiledRowDecoder(fields, readings, this.#columns);
    // The first runs are short: V8 optimises the reader's loop while it runs, and would fall out of it
    // at each end if it had not seen one before.
    this.#reach = { at: 0, to: 0, row: 0, capacity: 1, bytes: bounds.bytes };
    this.#reader.open(1);
  }

  /** Rows since the beginning. */
  get rows(): number {
    return this.#taken + this.#reach.row;
  }

  get empty(): boolean {
    return this.#reach.row === 0;
  }

  /**
   * Takes the row from `from` to `to`, and those of the whole messages that the input has behind it,
   * which it skips, while there is room. The first row also has the header, the last is a trailer.
   *
   * @returns whether there is room for another one in the batch
   */
  push(input: MessageBuffer, from: number, to: number): boolean {
    const reach = this.#reach;
    const at = this.#started ? from : this.#afterHeader(input, from);
    const count = input.view.getInt16(at);
    if (count === -1) return true;
    if (count !== this.#columns.length) {
      throw this.#malformed(`it has ${count} columns, expected ${this.#columns.length}`);
    }
    if (reach.row === reach.capacity) {
      reach.capacity = Math.min(reach.capacity * 2, this.bounds.rows);
      this.#reader.open(reach.capacity);
    }
    reach.at = at;
    reach.to = to;
    this.#read(input);
    input.skip(reach.at);
    return reach.row < this.bounds.rows && reach.bytes > 0;
  }

  #read(input: MessageBuffer): void {
    let wrong: number;
    try {
      wrong = this.#reader.run(this.#reach, input);
    } catch (error) {
      throw error instanceof ValueError ? error.atRow(this.rows + 1) : error;
    }
    if (wrong < 0) return;
    const { at, to } = this.#reach;
    throw this.#malformed(
      wrong < this.#columns.length
        ? `column ${wrong + 1} has a value of ${input.view.getInt32(at - 4)} bytes`
        : `its columns end ${Math.abs(to - at)} bytes ${at < to ? "before" : "behind"} it`,
    );
  }

  #malformed(detail: string): ExtractorError {
    return new ExtractorError(`Cannot decode row ${this.rows + 1}: ${detail}`);
  }

  #afterHeader({ bytes, view }: MessageBuffer, from: number): number {
    for (let i = 0; i < 11; i++) {
      if (bytes[from + i] !== COPY_HEADER[i]) {
        throw new ExtractorError("Cannot decode the rows: they are not in COPY's binary format");
      }
    }
    this.#started = true;
    return from + COPY_HEADER.length + view.getInt32(from + 15);
  }

  /** The rows since the last batch. */
  take(): Batch {
    const reach = this.#reach;
    this.#reader.close(reach.row);
    this.#taken += reach.row;
    reach.row = 0;
    reach.bytes = this.bounds.bytes;
    const batch = buildBatch(this.#schema, this.#columns);
    this.#reader.open(reach.capacity);
    return batch;
  }
}
