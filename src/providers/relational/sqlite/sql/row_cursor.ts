/** The rows of an extraction one by one, their values in the order of its projections. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ExtractRequest, ReadTask } from "../../../../core/contracts/extractor.ts";
import { selectStatement } from "../../select.ts";
import { comparingDialect } from "./watermark_order.ts";
import type { Batch } from "../../../../core/contracts/batch.ts";
import { BatchColumns } from "../../values/batch_columns.ts";
import { ValueError } from "../../../../core/errors.ts";
import { RowPusher } from "../types/row_pusher.ts";
import { eventLoopPause } from "./database_file.ts";
import type { Raw } from "../types/raw_values.ts";
import { mayBeText, TextEncoding } from "../types/text_encoding.ts";

type Row = Raw[];

/** Rows between two looks at the clock. */
const PAGE = 256;

function arrays(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  return statement;
}

/**
 * Rows of any source as SQLite finds them, in pages, read in the transaction that is open on the
 * connection.
 */
export function* streamRows(
  database: DatabaseSync,
  task: ExtractRequest,
): Generator<Iterable<readonly Raw[]>> {
  const encoding = new TextEncoding(database);
  const statement = arrays(database, selectStatement(task, comparingDialect(database)));
  const rows = statement.iterate() as unknown as Iterator<Row>;
  const texts = task.projections.map(({ field }, i) => [i, field] as const)
    .filter(([, field]) => mayBeText(field));
  let done = false;
  function* some(): Generator<Row> {
    for (let i = 0; i < PAGE; i++) {
      const row = rows.next();
      done = row.done === true;
      if (row.done === true) return;
      for (const [place, field] of texts) {
        row.value[place] = encoding.decode(row.value[place]!, field);
      }
      yield row.value;
    }
  }
  while (!done) yield some();
}

/** How often, in rows, the bytes of a batch are summed. */
const WEIGH = 64;

/** As {@linkcode streamRows}, in batches; returns how many rows there are. */
export async function* streamBatches(
  database: DatabaseSync,
  task: ReadTask,
): AsyncGenerator<Batch, number, void> {
  const batch = new BatchColumns(task);
  const rows = new RowPusher(task, batch);
  const breathe = eventLoopPause(task.signal);
  try {
    for (const page of streamRows(database, task)) {
      await breathe();
      for (const row of page) {
        if (!rows.push(row)) continue;
        const weighed = batch.rows % WEIGH === 0 && batch.byteLength >= task.batchBytes;
        if (weighed || batch.rows === task.batchRows) yield batch.take();
      }
      if (batch.rows > 0 && batch.byteLength >= task.batchBytes) yield batch.take();
    }
  } catch (error) {
    // Text that is none is found before its row is pushed.
    throw error instanceof ValueError ? error.atRow(rows.count + 1) : error;
  }
  task.signal.throwIfAborted();
  const { count } = rows;
  if (batch.rows > 0) yield batch.take();
  return count;
}
