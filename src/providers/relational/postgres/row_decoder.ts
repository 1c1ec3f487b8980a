/**
 * Rows of COPY's binary format → batches.
 * https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4 (Binary Format)
 */
import { arrowSchema, batchOf, type Column, columnFor } from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/batch.ts";
import { ExtractorError, ValueError } from "../../../core/errors.ts";
import type { Field } from "../../../models/field.ts";
import type { Decode, Reading } from "./decoder.ts";
import type { Input } from "./input.ts";

/** Signature, flags, length of the header's extension. */
export const COPY_HEADER = Uint8Array.of(
  ...[0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00],
  ...[0, 0, 0, 0, 0, 0, 0, 0],
);

/** Fills columns from rows, a batch at a time. */
export class RowDecoder {
  /** Rows since the beginning. */
  rows = 0;
  readonly #columns: Column[];
  readonly #decoders: Decode[];
  readonly #schema;
  #started = false;
  #batchRows = 0;
  #batchBytes = 0;

  constructor(
    fields: readonly Field[],
    readings: readonly Reading[],
    private readonly bounds: { readonly rows: number; readonly bytes: number },
  ) {
    this.#schema = arrowSchema(fields);
    this.#columns = fields.map(columnFor);
    this.#decoders = readings.map((reading, i) => reading.decoder(fields[i]!, this.#columns[i]!));
  }

  get empty(): boolean {
    return this.#batchRows === 0;
  }

  /**
   * Takes the row from `from` to `to`; the first also has the header, the last is a trailer.
   *
   * @returns whether there is room for another one in the batch
   */
  push(input: Input, from: number, to: number): boolean {
    const at = this.#started ? from : this.#afterHeader(input, from);
    const { view } = input;
    const count = view.getInt16(at);
    if (count === -1) return true;
    if (count !== this.#decoders.length) {
      throw new ExtractorError(
        `Cannot decode row ${
          this.rows + 1
        }: it has ${count} columns, expected ${this.#decoders.length}`,
      );
    }
    this.#decode(input, at + 2, to);
    this.rows++;
    this.#batchRows++;
    this.#batchBytes += to - from;
    return this.#batchRows < this.bounds.rows && this.#batchBytes < this.bounds.bytes;
  }

  #decode(input: Input, from: number, to: number): void {
    const { view } = input;
    let at = from;
    try {
      for (let i = 0; i < this.#decoders.length; i++) {
        const size = view.getInt32(at);
        at += 4;
        if (size < 0) {
          this.#columns[i]!.pushNull();
        } else {
          this.#decoders[i]!(input, at, size);
          at += size;
        }
      }
    } catch (error) {
      throw error instanceof ValueError ? error.atRow(this.rows + 1) : error;
    }
    if (at !== to) {
      throw new ExtractorError(
        `Cannot decode row ${this.rows + 1}: it is ${to - from} bytes long, its columns ${
          at - from
        }`,
      );
    }
  }

  #afterHeader({ bytes, view }: Input, from: number): number {
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
    this.#batchRows = 0;
    this.#batchBytes = 0;
    return batchOf(this.#schema, this.#columns);
  }
}
