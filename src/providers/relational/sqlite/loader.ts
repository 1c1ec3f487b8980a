import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Batch } from "../../../core/contracts/batch.ts";
import { ValueError } from "../../../core/errors.ts";
import type { LoadReceipt, LoadTask, PlannedLoad } from "../../../core/contracts/loader.ts";
import { declareHint, measureNumbers } from "../../../formats/inference/number_columns.ts";
import { warnOfOmissions } from "../column_match.ts";
import { type LoadSteps, refuseCascades } from "../load_plan.ts";
import { proveLoad, refuseStale, RelationalLoader } from "../loader.ts";
import { refuseNulls } from "../null_checks.ts";
import { deleteAll, upsertClause } from "../statements.ts";
import { describeNewTable, type NewTable, prepareTarget } from "../target.ts";
import { inTransaction, type SqliteConnector } from "./connector.ts";
import { type DatabaseFile, eventLoopPause, openToWrite } from "./sql/database_file.ts";
import { catalog, findTable, type SqliteTable } from "./sql/catalog.ts";
import { lockLoads } from "./load/load_lock.ts";
import { lastRowNumber, rememberLoad } from "./load/load_commit.ts";
import { dialect, quote } from "./sql/dialect.ts";
import { describeTextOrder } from "./types/conversion.ts";
import { watermarks } from "./sql/max_watermark.ts";
import { loadSteps } from "./load/load_plan.ts";
import { ensureUniqueKey } from "./load/unique_key.ts";
import { columnsAfter, writtenColumns } from "./load/written_columns.ts";
import { type ColumnFit, type LoadColumn, sqlite, type Target } from "./system.ts";
import { SqliteSession } from "./sql/session.ts";
import { databaseEncoding } from "./types/text_encoding.ts";
import { loadNewDatabase } from "./pages/new_database.ts";
import { ANY_NUMBER, NUMBER_TEXT } from "./types/type_mapper.ts";
import { DOUBLE_DIGITS } from "../type_name.ts";
import { type Bound, boundReader, exactNumber } from "./types/bind_value.ts";

/** Values bound with one statement: fewer statements are faster, up to about here. */
const VALUES = 100;
/** Rows between two looks at the clock and the signal. */
const BREATHE = 4096;

/**
 * Writes in one transaction. Replace empties the table and fills it again: its declared types,
 * indexes and triggers stay. Upsert is INSERT … ON CONFLICT DO UPDATE.
 */
export class SqliteLoader extends RelationalLoader<SqliteSession, SqliteTable, ColumnFit> {
  protected override readonly watermarks = watermarks;

  constructor(protected override readonly connector: SqliteConnector) {
    super();
  }

  protected override steps(load: PlannedLoad): LoadSteps<SqliteSession, SqliteTable> {
    return loadSteps(load);
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
      // Rows that a replace deletes may come again before the end.
      database.exec("PRAGMA defer_foreign_keys = ON");
      const target = await prepareTarget(sqlite, session, task, made);
      const { table } = target;
      if (mode === "upsert") await ensureUniqueKey(session, table, task.upsertKeys);
      const before = lastRowNumber(database, task.target);
      warnOfOmissions(this.connector.warn, target);
      if (mode === "replace") {
        await refuseCascades(sqlite, session, table);
        await session.query(deleteAll(table.name));
      }
      const rows = await insertAll(database, target, task);
      const total = mode === "replace" ? await countRows(session, table) : undefined;
      const evidence = `${mode} changed ${rows} rows`;
      const receipt = proveLoad(dialect, table, task, { rows, total }, evidence);
      await rememberLoad(database, task, before, rows);
      return receipt;
    });
  }

  /**
   * The table of a load where there is none: a number without bounds is text where one of its values
   * is neither an integer nor a double. Numbers that are text are warned of.
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
    for (const [i, note] of notes.entries()) {
      if (note === undefined) continue;
      this.connector.warn(`Column "${fields[i]!.name}" of "${table.name}" is ${note}`);
    }
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

async function countRows(session: SqliteSession, table: SqliteTable): Promise<number> {
  return (await catalog.countRows(session, table))!.rows;
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
  for await (const batch of task.staged.readBatches(true)) {
    await breathe();
    refuseNulls(batch, target, task, before);
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

function insertSQL(
  { table, columns }: Target,
  { mode, upsertKeys }: LoadTask,
  rows: number,
): string {
  const names = columns.map(({ column }) => quote(column.name));
  const row = `(${names.map(() => "?").join(", ")})`;
  const values = Array(rows).fill(row).join(", ");
  const insert = `INSERT INTO ${table.name} (${names.join(", ")}) VALUES ${values}`;
  if (mode !== "upsert") return insert;
  const isKey = ({ field }: LoadColumn) => upsertKeys.includes(field.name);
  const others = columns.filter((column) => !isKey(column)).map(({ column }) => quote(column.name));
  // A record that is nothing but key is updated too, so that it is counted.
  const changed = others.length > 0 ? others : names;
  return `${insert} ${upsertClause("on conflict", upsertKeys.map(quote), changed)}`;
}
