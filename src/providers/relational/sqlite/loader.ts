import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Batch } from "../../../core/contracts/batch.ts";
import { ValueError } from "../../../core/errors.ts";
import type { LoadReceipt, LoadTask } from "../../../core/contracts/loader.ts";
import { declareHint, measureNumbers } from "../../../formats/inference/number_columns.ts";
import { warnOfOmissions } from "../column_match.ts";
import { fillTable, refuseStale, RelationalLoader } from "../load/loader.ts";
import { readChecked } from "../load/null_checks.ts";
import { describeNewTable, type NewTable, prepareTarget } from "../load/target.ts";
import { ensureUniqueKey } from "../load/unique_key.ts";
import { upsertClause, upsertColumns } from "../load/upsert.ts";
import { inTransaction, type SqliteConnector } from "./connector.ts";
import { type DatabaseFile, eventLoopPause, openToWrite } from "./sql/database_file.ts";
import { findTable, type SqliteTable } from "./sql/catalog.ts";
import { lockLoads } from "./load/load_lock.ts";
import { lastRowNumber, rememberLoad } from "./load/load_commit.ts";
import { hasRows, verifyLoaded } from "./load/verify_load.ts";
import { dialect } from "./sql/dialect.ts";
import { describeTextOrder } from "./types/conversion.ts";
import { watermarks } from "./sql/max_watermark.ts";
import { columnsAfter, writtenColumns } from "./load/written_columns.ts";
import { type ColumnFit, sqlite, type Target } from "./system.ts";
import { SqliteSession } from "./sql/session.ts";
import { databaseEncoding } from "./types/text_encoding.ts";
import { loadNewDatabase } from "./pages/new_database.ts";
import { ANY_NUMBER, NUMBER_TEXT } from "./types/type_mapper.ts";
import { DOUBLE_DIGITS } from "../type_name.ts";
import { type Bound, boundReader, exactNumber } from "./types/bind_value.ts";

/** Values bound to one statement: more are no faster. */
const VALUES = 100;
/** Rows between two checks of the clock and the signal. */
const BREATHE = 4096;

/**
 * Writes in one transaction. A replacement empties the table and fills it again, so that its declared
 * types, indexes and triggers stay. An upsert is INSERT … ON CONFLICT DO UPDATE.
 */
export class SqliteLoader extends RelationalLoader<SqliteSession, SqliteTable, ColumnFit> {
  protected override readonly watermarks = watermarks;

  constructor(protected override readonly connector: SqliteConnector) {
    super();
  }

  protected override async write(task: LoadTask): Promise<LoadReceipt> {
    const { signal, mode } = task;
    const { file } = this.connector;
    using database = openToWrite(file);
    const session = new SqliteSession(database);
    const made = await this.#newTable(file, database, task);
    const receipt = await loadNewDatabase(file, database, task, made);
    if (receipt !== undefined) return receipt;
    const begin = () => lockLoads(file, task, () => database.exec("BEGIN IMMEDIATE"));
    return await inTransaction(file, database, signal, begin, async () => {
      await refuseStale(watermarks, session, task);
      // A replacement may insert rows again that it deleted, before the transaction ends.
      database.exec("PRAGMA defer_foreign_keys = ON");
      const target = await prepareTarget(sqlite, session, task, made);
      const { table } = target;
      if (mode === "upsert") await ensureUniqueKey(sqlite, session, table, task.upsertKeys);
      const last = lastRowNumber(database, task.target);
      const before = { last, hasRows: hasRows(database, target) };
      warnOfOmissions(this.connector.warn, target);
      const receipt = await fillTable(sqlite, session, task, table, async () => {
        const rows = await insertAll(database, target, task);
        return { rows, evidence: `${mode} changed ${rows} rows` };
      });
      const verified = await verifyLoaded(database, task, target, before, receipt.rows);
      await rememberLoad(database, task, last, receipt.rows);
      return { ...receipt, verified };
    });
  }

  /**
   * Describes the table that a load creates if there is none. A column of numbers without bounds is text if
   * one value is neither an integer nor a double. Warns of numbers that are stored as text.
   */
  async #newTable(
    file: DatabaseFile,
    database: DatabaseSync,
    task: LoadTask,
  ): Promise<NewTable> {
    const made = await describeNewTable(sqlite, new SqliteSession(database), task);
    const { name: table, types } = made;
    const { fields } = task.staged;
    const free = types.some((type, i) => type === ANY_NUMBER && fields[i]!.number);
    const notes = types.map((type, i) => describeTextOrder(fields[i]!, type));
    if (!free && notes.every((note) => note === undefined)) return made;
    const found = await lockLoads(file, task, () => findTable(database, table));
    if (found !== undefined) return made;
    const noted = notes.flatMap((note, i) => note === undefined ? [] : [{ note, ...fields[i]! }]);
    if (noted.length > 0) this.connector.warn(describeTextColumns(table.name, noted));
    if (!free) return made;
    const measured = await measureNumbers(
      task.staged,
      (bytes, start, end) => exactNumber(bytes, start, end) !== undefined,
    );
    const measuredTypes = types.map((type, i) => {
      const field = fields[i]!;
      const digits = measured.get(field.name);
      const value = digits?.other ?? digits?.unkept;
      if (type !== ANY_NUMBER || value === undefined) return type;
      this.connector.warn(
        `Column "${field.name}" of "${table.name}" is text, which sorts as text: "${value}" is no int64 and no number of ${DOUBLE_DIGITS} digits; ${
          declareHint(field)
        }, or round it in the source's query`,
      );
      return NUMBER_TEXT;
    });
    return { ...made, types: measuredTypes };
  }
}

/** One warning for all numbers that are stored as text; the way out is that of the first column. */
function describeTextColumns(
  table: string,
  columns: readonly { readonly name: string; readonly note: string }[],
): string {
  const [first, ...more] = columns;
  const others = more.map(({ name }) => `"${name}"`).join(", ");
  const also = others === "" ? "" : `; also text: ${others}`;
  return `Column "${first!.name}" of "${table}" is ${first!.note}${also}`;
}

/** Writes all batches; returns how many rows SQLite says it changed. */
async function insertAll(database: DatabaseSync, target: Target, task: LoadTask): Promise<number> {
  const width = target.columns.length;
  const group = Math.max(1, Math.floor(VALUES / width));
  const many = database.prepare(insertSQL(target, task, group));
  const one = database.prepare(insertSQL(target, task, 1));
  const breathe = eventLoopPause(task.signal);
  const wide = databaseEncoding(database) !== "utf-8";
  let changed = 0;
  let before = 0;
  for await (const batch of readChecked(task, target)) {
    await breathe();
    const write = writer(batch, target, wide, before);
    for (let row = 0; row < batch.numRows;) {
      const size = row + group <= batch.numRows ? group : 1;
      changed += write(size === 1 ? one : many, row, size);
      row += size;
      if (row % BREATHE < size) await breathe();
    }
    before += batch.numRows;
  }
  task.signal.throwIfAborted();
  return changed;
}

/** A function that binds `size` rows from `row` and runs a statement. */
function writer(
  batch: Batch,
  target: Target,
  wide: boolean,
  before: number,
): (statement: StatementSync, row: number, size: number) => number {
  const columns = columnsAfter(before, () => writtenColumns(batch, target));
  const readers = columns.map(({ field, data }, i) =>
    boundReader(field, data, { declared: target.columns[i]!.column.type, wide })
  );
  return (statement, from, size) => {
    const values: Bound[] = [];
    try {
      for (let row = from; row < from + size; row++) {
        for (let i = 0; i < readers.length; i++) values.push(readers[i]!(row));
      }
    } catch (error) {
      throw error instanceof ValueError ? error.atRow(before + error.row!) : error;
    }
    return Number(statement.run(...values).changes);
  };
}

function insertSQL(target: Target, { mode, upsertKeys }: LoadTask, rows: number): string {
  const { all, keys, others } = upsertColumns(target, upsertKeys, dialect);
  const row = `(${all.map(() => "?").join(", ")})`;
  const values = Array(rows).fill(row).join(", ");
  const insert = `INSERT INTO ${target.table.name} (${all.join(", ")}) VALUES ${values}`;
  if (mode !== "upsert") return insert;
  // A record without other fields updates its keys, so that it is counted.
  return `${insert} ${upsertClause("on conflict", keys, others.length > 0 ? others : all)}`;
}
