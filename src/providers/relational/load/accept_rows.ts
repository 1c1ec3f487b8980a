/**
 * Loads the rows that a target takes, and rejects the others. Rows are written batch by batch, each in a step
 * that can be undone. A batch that the target refuses is divided until the refused rows are alone.
 */
import { filterBatch, valueReaders } from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import type { StagedData } from "../../../core/contracts/buffer.ts";
import type { LoadTask, Rejections, RowFault } from "../../../core/contracts/loader.ts";
import { ValueError } from "../../../core/errors.ts";
import { formatValue } from "../../../core/values/values.ts";

/** How a system writes some rows of a load. */
export interface RowWriter {
  /**
   * Writes all rows of a part of the load, or none of them.
   *
   * @param part the load's task, with these rows as its stage
   */
  write(part: LoadTask): Promise<void>;
  /** Explains an error that is about a row; undefined for any other, which ends the load. */
  explain(error: unknown): LocatedFault | undefined;
}

/** The fault of a row. */
export interface LocatedFault extends RowFault {
  /** Index of the row among those of the write, where it is known. */
  readonly at?: number | undefined;
}

/** Rows of a batch, with their numbers in the stage. */
interface Rows {
  readonly batch: Batch;
  numberOf(at: number): number;
}

/**
 * Writes the rows of a load that the target takes, as if each were written alone in the order of the stage. A
 * row whose foreign key refers to a later row is tried again after the others.
 */
export async function acceptRows(
  task: LoadTask & { readonly rejections: Rejections },
  writer: RowWriter,
): Promise<void> {
  const sieve = new Sieve(task, writer);
  let before = 0;
  for await (const batch of task.staged.readBatches()) {
    task.signal.throwIfAborted();
    const first = before + 1;
    await sieve.accept({ batch, numberOf: (at) => first + at });
    before += batch.numRows;
  }
  await sieve.finish();
}

/** Fewest rows that a write is reduced to: below, the statements around it cost more than its rows. */
const FEWEST = 64;
/** A refused row makes the next write that many times smaller; each write that is taken doubles it. */
const SHRINK = 8;

class Sieve {
  /** Most rows of the next write. Where bad rows are many, each costs few good ones that are written again. */
  #most = Infinity;
  /** Rows whose foreign keys refer to no row so far. */
  #waiting: { readonly rows: Rows; readonly fault: RowFault }[] = [];

  constructor(
    private readonly task: LoadTask & { readonly rejections: Rejections },
    private readonly writer: RowWriter,
  ) {}

  /** Writes the rows from one index up to another, without those that the target refuses. */
  async accept(rows: Rows, from = 0, to = rows.batch.numRows): Promise<void> {
    for (let at = from; at < to;) {
      const until = Math.min(to, at + this.#most);
      const fault = await this.#try(rows, at, until);
      if (fault === undefined) {
        at = until;
        this.#most *= 2;
        continue;
      }
      this.#most = Math.max(FEWEST, Math.ceil((until - at) / SHRINK));
      if (until - at === 1 || fault.at === 0) this.#refuse(rows, at++, fault);
      else {
        // A fault may be due to an earlier row, which is refused itself: both are tried again.
        const end = fault.at === undefined ? at + ((until - at) >> 1) : at + fault.at;
        await this.accept(rows, at, end);
        at = end;
      }
    }
  }

  /** Tries the rows that wait, as long as one of them is taken. Rejects the rest. */
  async finish(): Promise<void> {
    if (this.task.mode === "upsert") await this.#rejectReplaced();
    for (let left = Infinity; this.#waiting.length > 0 && this.#waiting.length < left;) {
      // Where each row refers to the next one, the last one comes first.
      const waiting = this.#waiting.reverse();
      left = waiting.length;
      this.#waiting = [];
      for (const { rows } of waiting) await this.accept(rows);
    }
    for (const { rows, fault } of this.#waiting) {
      this.task.rejections.reject(rows.numberOf(0), rows.batch, 0, fault);
    }
  }

  /** Rejects the rows that wait and whose key a later row has: written last, the older row would remain. */
  async #rejectReplaced(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const { staged, upsertKeys, rejections } = this.task;
    const last = new Map<string, number>();
    for (const { rows } of this.#waiting) {
      last.set(describeKeys(rows.batch, staged, upsertKeys)(0), 0);
    }
    let number = 0;
    for await (const batch of staged.scanBatches()) {
      const keyOf = describeKeys(batch, staged, upsertKeys);
      for (let row = 0; row < batch.numRows; row++) {
        const key = keyOf(row);
        number++;
        if (last.has(key)) last.set(key, number);
      }
    }
    this.#waiting = this.#waiting.filter(({ rows, fault }) => {
      const own = rows.numberOf(0);
      if (last.get(describeKeys(rows.batch, staged, upsertKeys)(0)) === own) return true;
      rejections.reject(own, rows.batch, 0, fault);
      return false;
    });
  }

  /** Returns why the target refuses one of the rows; undefined if it took all of them. */
  async #try(rows: Rows, from: number, to: number): Promise<LocatedFault | undefined> {
    const part = filterBatch(rows.batch, (row) => row >= from && row < to);
    try {
      await this.writer.write({ ...this.task, staged: stageOf(this.task.staged, part) });
      return undefined;
    } catch (error) {
      const fault = error instanceof ValueError
        ? explainValue(error, (at) => rows.numberOf(from + at))
        : this.writer.explain(error);
      if (fault === undefined) throw error;
      return fault;
    }
  }

  #refuse({ batch, numberOf }: Rows, at: number, { kind, field, message }: LocatedFault): void {
    const fault = { kind, field, message };
    if (kind !== "foreign key") return this.task.rejections.reject(numberOf(at), batch, at, fault);
    const row = numberOf(at);
    const alone = filterBatch(batch, (other) => other === at);
    this.#waiting.push({ rows: { batch: alone, numberOf: () => row }, fault });
  }
}

function explainValue(error: ValueError, numberOf: (at: number) => number): LocatedFault {
  const { field, row, value } = error;
  const kind = value === null ? "null" : "value";
  if (row === undefined) return { kind, field, message: error.message };
  const at = row - 1;
  return { kind, field, message: error.atRow(numberOf(at)).message, at };
}

/** Returns a function that describes the key of a row. Keys that a collation may take for equal are one. */
function describeKeys(
  batch: Batch,
  { fields }: Pick<StagedData, "fields">,
  keys: readonly string[],
): (row: number) => string {
  const readers = valueReaders(batch, fields)
    .filter((_, i) => keys.includes(fields[i]!.name));
  return (row) =>
    JSON.stringify(readers.map((read) => {
      const value = read(row);
      return value === null ? null : formatValue(value).trim().normalize("NFKD").toLowerCase();
    }));
}

/** A stage of one batch. */
function stageOf(staged: StagedData, batch: Batch): StagedData {
  const readBatches = async function* () {
    yield await Promise.resolve(batch);
  };
  return {
    ...staged,
    readBatches,
    scanBatches: readBatches,
    committed: () => Promise.resolve({ count: batch.numRows, files: [], evidence: "" }),
  };
}
