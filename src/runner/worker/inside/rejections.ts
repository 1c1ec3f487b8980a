/** Rows that a target refuses: counted against the pipeline's limit, and sent to the host as dead letters. */
import { valueReaders } from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import type { StagedData, StagedFile } from "../../../core/contracts/buffer.ts";
import type { Rejections, RowFault } from "../../../core/contracts/loader.ts";
import { RejectedRowsError } from "../../../core/errors.ts";
import { formatValue } from "../../../core/values/values.ts";
import type { DeadLetter } from "../../../models/stored.ts";
import type { MaxErrors } from "../../../models/stream.ts";

/** Letters that are sent in one message. */
const CHUNK = 100;

/** How rejected rows reach the host. */
export interface LetterPost {
  /** Sends letters, in the order of its calls. */
  send(letters: readonly DeadLetter[]): void;
  /** Resolves when the host has all letters on disk. */
  seal(): Promise<void>;
}

export class RejectedRows implements Rejections {
  /** Numbers of the rejected rows, from 1. */
  readonly rows = new Set<number>();
  #unsent: DeadLetter[] = [];

  /** @param listRead the files that were opened so far, in the order of the stage */
  constructor(
    private readonly staged: StagedData,
    private readonly listRead: () => readonly StagedFile[],
    private readonly limit: MaxErrors,
    private readonly post: LetterPost,
  ) {}

  reject(row: number, batch: Batch, at: number, { kind, field, message }: RowFault): void {
    this.rows.add(row);
    const { limit } = this;
    if (typeof limit === "number" && this.rows.size > limit) throw this.#refuse(`${limit}`);
    const readers = valueReaders(batch, this.staged.fields);
    const record = this.staged.fields.map(({ name, dtype }, i) => {
      const value = readers[i]!(at);
      return [name, value === null ? null : formatValue(value, dtype)] as const;
    });
    this.#unsent.push({
      ...this.#locate(row),
      kind,
      ...(field === undefined ? {} : { field }),
      message,
      record: Object.fromEntries(record),
    });
    if (this.#unsent.length >= CHUNK) this.#send();
  }

  async seal(): Promise<void> {
    const { limit, rows } = this;
    // The rows of a stage without those that were rejected.
    const { count } = await this.staged.committed();
    if (typeof limit === "string" && rows.size * 100 > parseFloat(limit) * count) {
      throw this.#refuse(`${limit} of ${count}`);
    }
    if (rows.size === 0) return;
    this.#send();
    await this.post.seal();
  }

  #send(): void {
    this.post.send(this.#unsent);
    this.#unsent = [];
  }

  /** The file of the stage that holds a row, and the number of the row in it. */
  #locate(row: number): Pick<DeadLetter, "file" | "row"> {
    let before = 0;
    for (const { name, rows } of this.listRead()) {
      if (row <= before + rows) return { file: name, row: row - before };
      before += rows;
    }
    return { file: "", row };
  }

  #refuse(allowed: string): RejectedRowsError {
    return new RejectedRowsError(
      `more rows were rejected than the pipeline allows: ${this.rows.size}, expected at most ${allowed} (max_errors); nothing was loaded`,
    );
  }
}
