import type { DatabaseSync } from "node:sqlite";
import type { Batch } from "../../../core/contracts/batch.ts";
import { ExtractorError, ValueError } from "../../../core/errors.ts";
import type {
  ExtractRequest,
  Partition,
  PartitionSettings,
  ReadTask,
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
import { countRows, findRowNumber, isWholeTable } from "./sql/rowid_ranges.ts";
import { makePartition } from "./rowid_partition.ts";
import { streamBatches } from "./sql/row_cursor.ts";
import { BatchColumns } from "../values/batch_columns.ts";
import type { CellReader } from "./pages/page_reader.ts";
import type { Raw } from "./types/raw_values.ts";
import { RowPusher } from "./types/row_pusher.ts";
import { TextEncoding } from "./types/text_encoding.ts";

/**
 * Reads tables, views, queries and table-valued functions in one transaction on a connection that
 * cannot write: everything is as it was at one moment.
 */
export class SqliteExtractor implements RecordExtractor {
  constructor(private readonly connector: SqliteConnector) {}

  partition(task: ExtractRequest, settings: PartitionSettings): Promise<Partition> {
    return makePartition(this.connector, task, settings);
  }

  async *extract(task: ReadTask): Extraction<Batch> {
    const { file } = this.connector;
    task.signal.throwIfAborted();
    using database = openToRead(file);
    await retryWhileBusy(patient(file, task), task.signal, () => beginReading(database));
    const rowNumber = task.limit === undefined ? findRowNumber(database, task) : undefined;
    if (rowNumber === undefined) {
      const rows = yield* streamBatches(database, task);
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

/** Reads over a connection, in the transaction that it is in; returns how many rows there are. */
export async function* extractOver(
  database: DatabaseSync,
  task: ExtractRequest,
): AsyncGenerator<Batch, number, void> {
  const rowNumber = findRowNumber(database, task);
  return rowNumber === undefined
    ? yield* streamBatches(database, task)
    : yield* copiedBatches(database, task, rowNumber);
}

/**
 * A writer that waits for the readers to end lets no new ones in, and a part would fail before the
 * writer gives up.
 */
function patient(file: DatabaseFile, { part }: ExtractRequest): DatabaseFile {
  return part?.["to"] === undefined ? file : { ...file, busyTimeout: file.busyTimeout * 10 };
}

async function* copiedBatches(
  database: DatabaseSync,
  task: ReadTask,
  rowNumber: string,
): AsyncGenerator<Batch, number, void> {
  const batch = new BatchColumns(task);
  const encoding = new TextEncoding(database);
  const fillers = task.projections.map(({ field }, i) =>
    columnFiller(field, batch.columns[i]!, encoding)
  );
  const rows = new RowPusher(task, batch);
  const breathe = eventLoopPause(task.signal);
  for (const cells of copyPages(database, task, rowNumber, () => task.batchRows - batch.rows)) {
    await breathe();
    try {
      // The first cell of a row is its number.
      fillers.forEach((fill, i) => fill(cells, i + 1, rows.count));
      batch.rows += cells.rows;
    } catch (error) {
      if (!(error instanceof ValueError) || task.rejections?.takesValue(error) !== true) {
        throw error;
      }
      for (const column of batch.columns) column.discard(batch.rows);
      for (let row = 0; row < cells.rows; row++) rows.push(readRow(cells, row, task, encoding));
      // The fillers count on columns that they have filled themselves.
      if (batch.rows > 0) yield batch.take();
      continue;
    }
    if (batch.rows === task.batchRows || batch.byteLength >= task.batchBytes) yield batch.take();
  }
  task.signal.throwIfAborted();
  const { count } = rows;
  if (batch.rows > 0) yield batch.take();
  return count;
}

/** The values of a copied row. */
function readRow(
  cells: CellReader,
  row: number,
  { projections }: ReadTask,
  encoding: TextEncoding,
): Raw[] {
  return projections.map(({ field }, i) => {
    const { raw, text } = cells.value((i + 1) * cells.room + row);
    if (!text) return raw;
    try {
      return encoding.text(raw as Uint8Array, field);
    } catch {
      // Bytes that are no text are refused with their row.
      return raw;
    }
  });
}
