/** Rows of the binary format → batches. */
import { valuePusher } from "../../../../arrow/mod.ts";
import { parseText } from "../../../../core/values/values.ts";
import type { Field } from "../../../../models/field.ts";
import { type BatchTask, RowBatches } from "../../values/row_batches.ts";
import { type DirectKind, directKind } from "./column_types.ts";
import {
  type ColumnReading,
  CompiledRowDecoder,
  type PacketReach,
} from "./compiled_row_decoder.ts";
import { decode, HEADER, type PacketBuffer, type ResultColumn } from "./packets.ts";
import { readRowText } from "./row_text.ts";

/** Fills columns from rows, a batch at a time. */
export class RowDecoder extends RowBatches<PacketReach> {
  readonly #decoder: CompiledRowDecoder;
  readonly #fields: readonly Field[];
  readonly #kinds: readonly (DirectKind | undefined)[];

  /** @param results the columns of the result, in the order of the projections */
  constructor(task: BatchTask, results: readonly ResultColumn[]) {
    const fields = task.projections.map(({ field }) => field);
    const kinds = fields.map((field, i) => directKind(results[i]!, field));
    super(task, kinds.map((kind) => kind !== undefined), { sequence: 0 });
    this.#fields = fields;
    this.#kinds = kinds;
    const readings = fields.map((field, i): ColumnReading => {
      const push = valuePusher({ ...field, nullable: true }, this.direct.columns[i]!);
      return kinds[i] ??
        ((bytes, at, size) => push(parseText(decode(bytes.subarray(at, at + size)), field)));
    });
    this.#decoder = new CompiledRowDecoder(fields, readings, this.direct);
  }

  /**
   * Takes the row that the input has found, and those of the whole packets behind it, while there is
   * room, and skips them.
   *
   * @returns whether there is room for another one in the batch
   */
  push(input: PacketBuffer): boolean {
    const { reach } = this;
    this.makeRoom();
    reach.at = input.from;
    reach.to = input.to;
    const { isLong } = input;
    // The packets that follow one of several frames are elsewhere in the buffer.
    input.skip();
    reach.sequence = input.sequence;
    const end = isLong ? input.to : input.end;
    const first = { from: reach.at, to: reach.to };
    this.decode(
      () => this.#decoder.run(reach, input, end),
      () => "is longer than the row",
      (rows) => this.#pass(input, first, rows),
    );
    if (!isLong) input.skipTo(reach.at, reach.sequence);
    return this.hasRoom;
  }

  /** The generated function does not say in which packet it has failed. */
  #pass(
    input: PacketBuffer,
    first: { readonly from: number; readonly to: number },
    rows: number,
  ): Record<string, string | null> {
    const { reach } = this;
    const { bytes } = input;
    let { from, to } = first;
    reach.bytes -= to - from;
    for (let row = 0; row < rows; row++) {
      from = to + HEADER;
      to = from + (bytes[to]! | bytes[to + 1]! << 8 | bytes[to + 2]! << 16);
      reach.sequence = (reach.sequence + 1) & 255;
      reach.bytes -= to - from;
    }
    reach.at = to;
    return readRowText(this.#fields, this.#kinds, input, from);
  }
}
