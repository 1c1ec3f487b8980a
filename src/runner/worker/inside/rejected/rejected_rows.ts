/** Rows that a target refuses: counted against the pipeline's limit, and sent to the host as dead letters. */
import type { Batch } from "../../../../core/contracts/batch.ts";
import {
  countUnstaged,
  type StagedData,
  type StagedFile,
} from "../../../../core/contracts/buffer.ts";
import type { Rejections, RowFault } from "../../../../core/contracts/loader.ts";
import type { DeadLetter } from "../../../../models/stored.ts";
import type { MaxErrors } from "../../../../models/stream.ts";
import { refuseExcess } from "../../max_errors.ts";
import { formatRow } from "./rejected_records.ts";

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
    refuseExcess(this.rows.size, this.limit, undefined);
    this.#unsent.push({
      step: "load",
      ...this.#locate(row),
      kind,
      ...(field === undefined ? {} : { field }),
      message,
      record: formatRow(batch, this.staged.fields)(at),
    });
    if (this.#unsent.length >= CHUNK) this.#send();
  }

  async seal(): Promise<void> {
    if (this.rows.size === 0) return;
    const staged = await this.staged.committed();
    const unstaged = countUnstaged(staged);
    refuseExcess(this.rows.size + unstaged, this.limit, staged.count + unstaged);
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
}
