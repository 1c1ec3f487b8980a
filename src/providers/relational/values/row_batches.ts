/** Builds batches from the rows of a wire format, in columns that a generated function fills. */
import type { Batch } from "../../../core/contracts/batch.ts";
import type { ReadTask } from "../../../core/contracts/extractor.ts";
import { ExtractorError, ValueError } from "../../../core/errors.ts";
import { BatchColumns } from "./batch_columns.ts";
import { DirectColumns } from "./direct_columns.ts";

/** The bounds and the fields of batches. */
export type BatchTask = Pick<
  ReadTask,
  "projections" | "batchRows" | "batchBytes" | "recycle" | "rejections"
>;

/** The place of the next row in the input, and the room for it in the columns. */
export interface Reach {
  /** Bounds of the row in the input. */
  at: number;
  to: number;
  /** Rows in the columns, and the number for which they have room. */
  row: number;
  capacity: number;
  /** Bytes left until the batch is full. */
  bytes: number;
}

/**
 * A format extends this class: its `push` sets `reach` to a row, calls {@linkcode makeRoom}, and runs its
 * generated function in {@linkcode decode}.
 */
export abstract class RowBatches<R extends Reach> {
  readonly #batch: BatchColumns;
  protected readonly direct: DirectColumns;
  protected readonly reach: R;
  #rejected = 0;

  /**
   * @param isDirect whether the generated function fills a column
   * @param position the format's own fields of {@linkcode Reach}
   */
  constructor(
    private readonly task: BatchTask,
    isDirect: readonly boolean[],
    position: Omit<R, keyof Reach>,
  ) {
    this.#batch = new BatchColumns(task);
    this.direct = new DirectColumns(this.#batch.columns, isDirect);
    // Keep the first runs short: V8 optimises the loop while it runs, and leaves optimised code at the end
    // of each run unless it has seen such an end before.
    this.reach = { at: 0, to: 0, row: 0, capacity: 1, bytes: task.batchBytes, ...position } as R;
    this.direct.open(1);
  }

  /** Rows of all batches so far, and those that were rejected. */
  get rows(): number {
    return this.#batch.taken + this.reach.row + this.#rejected;
  }

  get isEmpty(): boolean {
    return this.reach.row === 0;
  }

  /** Returns the rows since the last batch as a batch. */
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

  /** Whether another row belongs to this batch. */
  protected get hasRoom(): boolean {
    return this.reach.row < this.task.batchRows && this.reach.bytes > 0;
  }

  /** Grows full columns, by at least one row. */
  protected makeRoom(): void {
    const { reach } = this;
    if (reach.row < reach.capacity) return;
    reach.capacity = Math.min(reach.capacity * 2, this.task.batchRows);
    this.direct.open(reach.capacity);
  }

  /**
   * Runs the generated function, and turns its result into an error that names row and column.
   *
   * @param run returns -1, or the column whose value exceeds the row; the number of columns if the row does
   * not end behind the last one
   * @param describe says what is wrong with such a column
   * @param pass moves `reach` behind the row that is so many rows further, and returns its values as text
   */
  protected decode(
    run: () => number,
    describe: () => string,
    pass: (rows: number) => Record<string, string | null>,
  ): void {
    const { reach, task: { rejections } } = this;
    const first = reach.row;
    let wrong: number;
    try {
      wrong = run();
    } catch (error) {
      if (error instanceof ValueError) {
        const row = this.rows + 1;
        if (rejections?.takesValue(error) !== true) throw error.atRow(row);
        rejections.rejectValue(error.atRow(row), { row, record: pass(reach.row - first) });
        this.direct.undo(reach.row);
        this.#rejected++;
        // A batch has at least one row.
        if (reach.row === 0) reach.bytes = this.task.batchBytes;
        return;
      }
      if (error instanceof RangeError) throw this.malformed("its columns are longer than it");
      throw error;
    }
    if (wrong < 0) return;
    const { at, to } = reach;
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
