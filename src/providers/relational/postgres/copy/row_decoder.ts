/**
 * Rows of COPY's binary format → batches.
 * https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4 (Binary Format)
 */
import { ExtractorError } from "../../../../core/errors.ts";
import { MAX_GENERATED } from "../../values/direct_columns.ts";
import { type BatchTask, type Reach, RowBatches } from "../../values/row_batches.ts";
import type { MessageBuffer } from "../wire/message_buffer.ts";
import type { ColumnDecoder } from "./column_decoders.ts";
import { RowText } from "./row_text.ts";
import { CompiledRowDecoder } from "./compiled_row_decoder.ts";

/** Type and length of a message. */
const MESSAGE_HEADER = 5;

/** Signature, flags, length of the header's extension. */
export const COPY_HEADER = Uint8Array.of(
  ...[0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00],
  ...[0, 0, 0, 0, 0, 0, 0, 0],
);

/** Fills columns from rows, a batch at a time. */
export class RowDecoder extends RowBatches<Reach> {
  readonly #decoder: CompiledRowDecoder;
  readonly #columns: number;
  readonly #text: RowText;
  #started = false;

  /** @param readings of the columns, in the order of the projections */
  constructor(task: BatchTask, readings: readonly ColumnDecoder[]) {
    const fields = task.projections.map(({ field }) => field);
    const directs = readings.map((reading, i) =>
      i < MAX_GENERATED ? reading.direct?.(fields[i]!) : undefined
    );
    super(task, directs.map((direct) => direct !== undefined), {});
    this.#text = new RowText(fields, readings);
    const decoders = readings.map(({ decoder }, i) => decoder(fields[i]!, this.direct.columns[i]!));
    this.#decoder = new CompiledRowDecoder(fields, directs, decoders, this.direct);
    this.#columns = fields.length;
  }

  /**
   * Takes the row from `from` to `to`, and those of the whole messages that the input has behind it,
   * which it skips, while there is room. The first row also has the header, the last is a trailer.
   *
   * @returns whether there is room for another one in the batch
   */
  push(input: MessageBuffer, from: number, to: number): boolean {
    const { reach } = this;
    const at = this.#started ? from : this.#afterHeader(input, from);
    const count = input.view.getInt16(at);
    if (count === -1) return true;
    if (count !== this.#columns) {
      throw this.malformed(`it has ${count} columns, expected ${this.#columns}`);
    }
    this.makeRoom();
    reach.at = at;
    reach.to = to;
    this.decode(
      () => this.#decoder.run(reach, input),
      () => `has a value of ${input.view.getInt32(reach.at - 4)} bytes`,
      (rows) => this.#pass(input, { from: at, to }, rows),
    );
    input.skip(reach.at);
    return this.hasRoom;
  }

  /** The generated function does not say in which message it has failed. */
  #pass(
    input: MessageBuffer,
    first: { readonly from: number; readonly to: number },
    rows: number,
  ): Record<string, string | null> {
    const { reach } = this;
    let { from, to } = first;
    reach.bytes -= to - from;
    for (let row = 0; row < rows; row++) {
      from = to + MESSAGE_HEADER;
      to += 1 + input.view.getInt32(to + 1);
      reach.bytes -= to - from;
    }
    reach.at = to;
    return this.#text.read(input, from);
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
}
