/** Rows of the binary format → batches. */
import { valuePusher } from "../../../../arrow/mod.ts";
import type { ExtractRequest } from "../../../../core/contracts/extractor.ts";
import { parseText } from "../../../../core/values/values.ts";
import { RowBatches } from "../../values/row_batches.ts";
import { directKind } from "./column_types.ts";
import {
  type ColumnReading,
  CompiledRowDecoder,
  type PacketReach,
} from "./compiled_row_decoder.ts";
import { decode, type PacketBuffer, type ResultColumn } from "./packets.ts";

/** Fills columns from rows, a batch at a time. */
export class RowDecoder extends RowBatches<PacketReach> {
  readonly #decoder: CompiledRowDecoder;

  /** @param results the columns of the result, in the order of the projections */
  constructor(task: ExtractRequest, results: readonly ResultColumn[]) {
    const fields = task.projections.map(({ field }) => field);
    const kinds = fields.map((field, i) => directKind(results[i]!, field));
    super(task, kinds.map((kind) => kind !== undefined), { sequence: 0 });
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
    this.decode(() => this.#decoder.run(reach, input, end), () => "is longer than the row");
    if (!isLong) input.skipTo(reach.at, reach.sequence);
    return this.hasRoom;
  }
}
