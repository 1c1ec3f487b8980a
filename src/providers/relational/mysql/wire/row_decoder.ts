/** Rows of the binary format → batches. */
import { valuePusher } from "../../../../arrow/mod.ts";
import type { Batch } from "../../../../core/contracts/batch.ts";
import type { ExtractRequest } from "../../../../core/contracts/extractor.ts";
import { ExtractorError, ValueError } from "../../../../core/errors.ts";
import { parseText } from "../../../../core/values/values.ts";
import { BatchColumns } from "../../values/batch_columns.ts";
import { directKind } from "./column_types.ts";
import { type ColumnReading, CompiledRowDecoder, type Reach } from "./compiled_row_decoder.ts";
import { decode, type PacketBuffer, type ResultColumn } from "./packets.ts";

/** Fills columns from rows, a batch at a time. */
export class RowDecoder {
  readonly #batch: BatchColumns;
  readonly #decoder: CompiledRowDecoder;
  readonly #reach: Reach;

  /** @param results the columns of the result, in the order of the projections */
  constructor(private readonly task: ExtractRequest, results: readonly ResultColumn[]) {
    const fields = task.projections.map(({ field }) => field);
    this.#batch = new BatchColumns(task);
    const { columns } = this.#batch;
    const readings = fields.map((field, i): ColumnReading => {
      const direct = directKind(results[i]!, field);
      if (direct !== undefined) return direct;
      const push = valuePusher({ ...field, nullable: true }, columns[i]!);
      return (bytes, at, size) => push(parseText(decode(bytes.subarray(at, at + size)), field));
    });
    this.#decoder = new CompiledRowDecoder(fields, readings, columns);
    // The first runs are short: V8 optimises the decoder's loop while it runs, and would fall out of it
    // at each end if it had not seen one before.
    this.#reach = { at: 0, to: 0, sequence: 0, row: 0, capacity: 1, bytes: task.batchBytes };
    this.#decoder.open(1);
  }

  /** Rows since the beginning. */
  get rows(): number {
    return this.#batch.taken + this.#reach.row;
  }

  get isEmpty(): boolean {
    return this.#reach.row === 0;
  }

  /**
   * Takes the row that the input has found, and those of the whole packets behind it, while there is
   * room, and skips them.
   *
   * @returns whether there is room for another one in the batch
   */
  push(input: PacketBuffer): boolean {
    const reach = this.#reach;
    if (reach.row === reach.capacity) {
      reach.capacity = Math.min(reach.capacity * 2, this.task.batchRows);
      this.#decoder.open(reach.capacity);
    }
    reach.at = input.from;
    reach.to = input.to;
    const { isLong } = input;
    // What is behind a packet of several frames lies elsewhere.
    input.skip();
    reach.sequence = input.sequence;
    this.#read(input, isLong ? input.to : input.end);
    if (!isLong) input.skipTo(reach.at, reach.sequence);
    return reach.row < this.task.batchRows && reach.bytes > 0;
  }

  #read(input: PacketBuffer, end: number): void {
    let wrong: number;
    try {
      wrong = this.#decoder.run(this.#reach, input, end);
    } catch (error) {
      if (error instanceof ValueError) throw error.atRow(this.rows + 1);
      if (error instanceof RangeError) throw this.#malformed("its columns are longer than it");
      throw error;
    }
    if (wrong < 0) return;
    const { at, to } = this.#reach;
    throw this.#malformed(
      wrong < this.task.projections.length
        ? `column ${wrong + 1} is longer than the row`
        : `its columns end ${Math.abs(to - at)} bytes ${at < to ? "before" : "behind"} it`,
    );
  }

  #malformed(detail: string): ExtractorError {
    return new ExtractorError(`Cannot decode row ${this.rows + 1}: ${detail}`);
  }

  /** The rows since the last batch. */
  take(): Batch {
    const reach = this.#reach;
    this.#decoder.close(reach.row);
    this.#batch.rows = reach.row;
    const batch = this.#batch.take();
    reach.row = 0;
    reach.bytes = this.task.batchBytes;
    this.#decoder.open(reach.capacity);
    return batch;
  }
}
