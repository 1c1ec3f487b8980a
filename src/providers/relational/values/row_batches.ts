/** Rows of a wire format on their way to batches, in columns that a generated function fills. */
import type { Batch } from "../../../core/contracts/batch.ts";
import type { ExtractRequest } from "../../../core/contracts/extractor.ts";
import { ExtractorError, ValueError } from "../../../core/errors.ts";
import { BatchColumns } from "./batch_columns.ts";
import { DirectColumns } from "./direct_columns.ts";

/** The bounds of batches, and the fields in them. */
export type BatchTask = Pick<
  ExtractRequest,
  "projections" | "batchRows" | "batchBytes" | "recycle"
>;

/** Where the next row is, and how much room there is. */
export interface Reach {
  /** The row in the input. */
  at: number;
  to: number;
  /** Rows in the columns, and the most that there is room for. */
  row: number;
  capacity: number;
  /** Bytes of rows that the batch still takes. */
  bytes: number;
}

/**
 * A format extends it: its `push` sets `reach` to a row, calls {@linkcode makeRoom}, and runs its
 * generated function by {@linkcode decode}.
 */
export abstract class RowBatches<R extends Reach> {
  readonly #batch: BatchColumns;
  protected readonly direct: DirectColumns;
  protected readonly reach: R;

  /**
   * @param isDirect whether the generated function fills a column
   * @param position the place in the input, of the format's own
   */
  constructor(
    private readonly task: BatchTask,
    isDirect: readonly boolean[],
    position: Omit<R, keyof Reach>,
  ) {
    this.#batch = new BatchColumns(task);
    this.direct = new DirectColumns(this.#batch.columns, isDirect);
    // The first runs are short: V8 optimises the function's loop while it runs, and would fall out of it
    // at each end if it had not seen one before.
    this.reach = { at: 0, to: 0, row: 0, capacity: 1, bytes: task.batchBytes, ...position } as R;
    this.direct.open(1);
  }

  /** Rows since the beginning. */
  get rows(): number {
    return this.#batch.taken + this.reach.row;
  }

  get isEmpty(): boolean {
    return this.reach.row === 0;
  }

  /** The rows since the last batch. */
  take(): Batch {
    const { reach } = this;
    this.direct.close(reach.row);
    this.#batch.rows = reach.row;
    const batch = this.#batch.take();
    reach.row = 0;
    reach.bytes = this.task.batchBytes;
    this.direct.open(reach.capacity);
    return batch;
  }

  /** Whether the batch takes another row. */
  protected get hasRoom(): boolean {
    return this.reach.row < this.task.batchRows && this.reach.bytes > 0;
  }

  /** Makes room for a row at least, in columns that are full. */
  protected makeRoom(): void {
    const { reach } = this;
    if (reach.row < reach.capacity) return;
    reach.capacity = Math.min(reach.capacity * 2, this.task.batchRows);
    this.direct.open(reach.capacity);
  }

  /**
   * @param run returns -1, or the column whose value does not fit its row, the number of columns where
   * the row ends elsewhere
   * @param describe says what is wrong with such a column
   */
  protected decode(run: () => number, describe: () => string): void {
    let wrong: number;
    try {
      wrong = run();
    } catch (error) {
      if (error instanceof ValueError) throw error.atRow(this.rows + 1);
      if (error instanceof RangeError) throw this.malformed("its columns are longer than it");
      throw error;
    }
    if (wrong < 0) return;
    const { at, to } = this.reach;
    throw this.malformed(
      wrong < this.task.projections.length
        ? `column ${wrong + 1} ${describe()}`
        : `its columns end ${Math.abs(to - at)} bytes ${at < to ? "before" : "behind"} it`,
    );
  }

  protected malformed(detail: string): ExtractorError {
    return new ExtractorError(`Cannot decode row ${this.rows + 1}: ${detail}`);
  }
}
