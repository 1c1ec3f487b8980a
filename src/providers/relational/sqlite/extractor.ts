import type { DatabaseSync } from "node:sqlite";
import {
  arrowSchema,
  buildBatch,
  type Column,
  createColumn,
  type Schema,
} from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import { ExtractorError, ValueError } from "../../../core/errors.ts";
import type {
  ExtractRequest,
  Partition,
  PartitionSettings,
  RecordExtractor,
} from "../../../core/contracts/extractor.ts";
import type { Extraction } from "../../../core/contracts/proof.ts";
import type { SqliteConnector } from "./connector.ts";
import { copyPages } from "./pages/page_copy.ts";
import {
  beginReading,
  type DatabaseFile,
  eventLoopPause,
  openToRead,
  retryWhileBusy,
} from "./sql/database_file.ts";
import { columnFiller } from "./pages/column_fillers.ts";
import { countRows, isWholeTable, rowNumberOf } from "./sql/rowid_ranges.ts";
import { partitionOf } from "./rowid_partition.ts";
import { type Raw, rawPusher } from "./types/read_value.ts";
import { streamRows } from "./sql/row_cursor.ts";
import { TextEncoding } from "./types/text_encoding.ts";

/**
 * Reads tables, views, queries and table-valued functions in one transaction on a connection that
 * cannot write: everything is as it was at one moment.
 */
export class SqliteExtractor implements RecordExtractor {
  constructor(private readonly connector: SqliteConnector) {}

  partition(task: ExtractRequest, settings: PartitionSettings): Promise<Partition> {
    return partitionOf(this.connector.file, task, settings);
  }

  async *extract(task: ExtractRequest): Extraction<Batch> {
    const { file } = this.connector;
    task.signal.throwIfAborted();
    using database = openToRead(file);
    await retryWhileBusy(patient(file, task), task.signal, () => beginReading(database));
    const rowNumber = task.limit === undefined ? rowNumberOf(database, task) : undefined;
    if (rowNumber === undefined) {
      const rows = yield* foundBatches(database, task);
      return { rows, evidence: `SQLITE_DONE after ${rows} rows` };
    }
    const count = isWholeTable(task) ? countRows(database, task, rowNumber) : undefined;
    const rows = yield* copiedBatches(database, task, rowNumber);
    if (count === undefined) return { rows, evidence: `SQLITE_DONE after ${rows} rows` };
    if (rows !== count) {
      throw new ExtractorError(
        `Cannot prove the extraction: ${rows} rows were read, count(*) is ${count}`,
      );
    }
    return { rows, evidence: `SQLITE_DONE after ${rows} rows, count(*) = ${count}` };
  }
}

/**
 * A writer that waits for the readers to end lets no new ones in, and a part would fail before the
 * writer gives up.
 */
function patient(file: DatabaseFile, { part }: ExtractRequest): DatabaseFile {
  return part?.["to"] === undefined ? file : { ...file, busyTimeout: file.busyTimeout * 10 };
}

/** Columns on their way to batches. */
class Columns {
  readonly columns: readonly Column[];
  readonly #schema: Schema;
  /** Rows of the batches that were taken. */
  taken = 0;
  rows = 0;

  constructor({ projections, recycle = false }: ExtractRequest) {
    const fields = projections.map(({ field }) => field);
    this.columns = fields.map(createColumn);
    if (recycle) { for (const column of this.columns) column.recycle(); }
    this.#schema = arrowSchema(fields);
  }

  get byteLength(): number {
    return this.columns.reduce((sum, column) => sum + column.byteLength, 0);
  }

  take(): Batch {
    this.taken += this.rows;
    this.rows = 0;
    return buildBatch(this.#schema, this.columns);
  }
}

async function* copiedBatches(
  database: DatabaseSync,
  task: ExtractRequest,
  rowNumber: string,
): AsyncGenerator<Batch, number, void> {
  const batch = new Columns(task);
  const encoding = new TextEncoding(database);
  const fillers = task.projections.map(({ field }, i) =>
    columnFiller(field, batch.columns[i]!, encoding)
  );
  const breathe = eventLoopPause(task.signal);
  for (const cells of copyPages(database, task, rowNumber, () => task.batchRows - batch.rows)) {
    await breathe();
    // The first cell of a row is its number.
    fillers.forEach((fill, i) => fill(cells, i + 1, batch.taken + batch.rows));
    batch.rows += cells.rows;
    if (batch.rows === task.batchRows || batch.byteLength >= task.batchBytes) yield batch.take();
  }
  task.signal.throwIfAborted();
  if (batch.rows > 0) yield batch.take();
  return batch.taken;
}

/** How often, in rows, the bytes of a batch are summed. */
const WEIGH = 64;

async function* foundBatches(
  database: DatabaseSync,
  task: ExtractRequest,
): AsyncGenerator<Batch, number, void> {
  const batch = new Columns(task);
  const pushers = task.projections.map(({ field }, i) => rawPusher(field, batch.columns[i]!));
  const breathe = eventLoopPause(task.signal);
  try {
    for (const page of streamRows(database, task)) {
      await breathe();
      for (const row of page) {
        push(row, pushers);
        batch.rows++;
        const weighed = batch.rows % WEIGH === 0 && batch.byteLength >= task.batchBytes;
        if (weighed || batch.rows === task.batchRows) yield batch.take();
      }
      if (batch.byteLength >= task.batchBytes) yield batch.take();
    }
    task.signal.throwIfAborted();
    if (batch.rows > 0) yield batch.take();
  } catch (error) {
    throw error instanceof ValueError ? error.atRow(batch.taken + batch.rows + 1) : error;
  }
  return batch.taken;
}

function push(row: readonly Raw[], pushers: readonly ((value: Raw) => void)[]): void {
  for (let i = 0; i < pushers.length; i++) pushers[i]!(row[i]!);
}
