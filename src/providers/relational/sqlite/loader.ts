import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Batch } from "../../../core/contracts/batch.ts";
import { ValueError } from "../../../core/errors.ts";
import type { LoadReceipt, LoadTask, PlannedLoad } from "../../../core/contracts/loader.ts";
import { warnOfOmissions } from "../column_match.ts";
import type { LoadSteps } from "../load/load_plan.ts";
import { fillTable, refuseStale, RelationalLoader } from "../load/loader.ts";
import { readChecked } from "../load/null_checks.ts";
import { describeNewTable, type NewTable, prepareTarget } from "../load/target.ts";
import { ensureUniqueKey } from "../load/unique_key.ts";
import { describeKeyLoad, type StagedKeys } from "../load/deletes.ts";
import { keepsHistory, type VersionedLoad } from "../load/history.ts";
import { upsertClause, upsertColumns } from "../load/upsert.ts";
import { inTransaction, type SqliteConnector } from "./connector.ts";
import { eventLoopPause, openToWrite } from "./sql/database_file.ts";
import { findTable, type SqliteTable } from "./sql/catalog.ts";
import { acceptInSteps, RefusedRow, refuseReferences } from "./load/accept_rows.ts";
import { lockLoads } from "./load/load_lock.ts";
import { lastRowNumber, rememberLoad } from "./load/load_commit.ts";
import { describeTextColumns, findTextColumns } from "./load/text_columns.ts";
import { hasRows, verifyLoaded, verifyVersions } from "./load/verify_load.ts";
import { prepareVersions, versionSyntax } from "./load/versions.ts";
import { dialect } from "./sql/dialect.ts";
import { watermarks } from "./sql/max_watermark.ts";
import { UpsertedRows } from "./load/upserted_rows.ts";
import { columnsAfter, writtenColumns } from "./load/written_columns.ts";
import { type ColumnFit, sqlite, type Target } from "./system.ts";
import { SqliteSession } from "./sql/session.ts";
import { databaseEncoding } from "./types/text_encoding.ts";
import { loadNewDatabase } from "./pages/new_database.ts";
import { type Bound, boundReader } from "./types/bind_value.ts";

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
  protected override readonly versionSyntax = versionSyntax;

  constructor(protected override readonly connector: SqliteConnector) {
    super();
  }

  protected override steps(load: PlannedLoad): LoadSteps<SqliteSession, SqliteTable> {
    const steps = super.steps(load);
    if (load.rejects !== true || load.mode !== "replace") return steps;
    return {
      ...steps,
      refuseTable: ({ database }, table) => Promise.try(() => refuseReferences(database, table)),
    };
  }

  /**
   * A column of a new table that should hold numbers becomes text where a value is none of SQLite's numbers. Such
   * values are rare, so that the load does not look for them before it meets one; then it starts again.
   */
  protected override async write(task: LoadTask): Promise<LoadReceipt> {
    const { file, warn } = this.connector;
    using database = openToWrite(file);
    const session = new SqliteSession(database);
    const made = await describeNewTable(sqlite, session, task);
    const find = () => lockLoads(file, task, () => findTable(database, made.name));
    const warning = describeTextColumns(task, made);
    if (warning !== undefined && await find() === undefined) warn(warning);
    // Where rows may be rejected, such a value would reject its row.
    const early = task.rejections === undefined
      ? undefined
      : await findTextColumns(task, made, undefined, session, await find());
    if (early !== undefined) warn(early.warning);
    try {
      return await this.#writeOnce(database, task, early?.made ?? made);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      const texts = await findTextColumns(task, made, error, session, await find());
      if (texts === undefined) throw error;
      warn(texts.warning);
      const { staged } = task;
      const again = { ...task, staged: { ...staged, readBatches: () => staged.scanBatches() } };
      return await this.#writeOnce(database, again, texts.made);
    }
  }

  async #writeOnce(
    database: DatabaseSync,
    task: LoadTask,
    made: NewTable,
  ): Promise<LoadReceipt> {
    const { signal, mode } = task;
    const { file } = this.connector;
    const session = new SqliteSession(database);
    if (task.rejections === undefined) {
      const receipt = await loadNewDatabase(file, database, task, made);
      if (receipt !== undefined) return receipt;
    }
    const begin = () => lockLoads(file, task, () => database.exec("BEGIN IMMEDIATE"));
    return await inTransaction(file, database, signal, begin, async () => {
      await refuseStale(watermarks, session, task);
      // A replacement may insert rows again that it deleted, before the transaction ends.
      if (task.rejections === undefined) database.exec("PRAGMA defer_foreign_keys = ON");
      const target = await prepareTarget(sqlite, session, task, made);
      const { table } = target;
      if (mode === "upsert") await ensureUniqueKey(sqlite, session, table, task.upsertKeys);
      const versions = keepsHistory(task)
        ? await prepareVersions(database, target, task)
        : undefined;
      const last = lastRowNumber(database, task.target);
      const before = { last, hasRows: hasRows(database, target) };
      warnOfOmissions(this.connector.warn, target);
      const write = async () => {
        const rows = await insertRows(database, versions?.stage ?? target, task);
        if (versions !== undefined) return { rows, evidence: await versions.write() };
        return { rows, evidence: `${mode} changed ${rows} rows` };
      };
      const findStaged = () => findKeys(database, target, task, versions?.load);
      const receipt = await fillTable(sqlite, session, task, table, write, { findStaged });
      const verified = versions === undefined
        ? await verifyLoaded(database, task, target, before, receipt.rows)
        : await verifyVersions(database, task, target, versions.load.selectLoaded());
      await task.rejections?.seal();
      await rememberLoad(database, task, last, receipt.rows);
      return { ...receipt, verified };
    });
  }
}

/** Returns the keys of the staged rows, and all keys of the source if the stage has only some. */
async function findKeys(
  database: DatabaseSync,
  target: Target,
  task: LoadTask,
  versions: VersionedLoad | undefined,
): Promise<StagedKeys & Partial<Disposable>> {
  const load = describeKeyLoad(task, target);
  if (load === undefined && versions !== undefined) return versions;
  const found = await UpsertedRows.find(database, target, task, load);
  const { table, keys } = found;
  return { table, keys, now: versions?.now, [Symbol.dispose]: () => found[Symbol.dispose]() };
}

/** Writes all rows, or those that SQLite takes, where rows may be rejected. */
async function insertRows(database: DatabaseSync, target: Target, task: LoadTask): Promise<number> {
  const { rejections } = task;
  if (rejections === undefined) return await insertAll(database, target, task);
  return await acceptInSteps(
    database,
    { ...task, rejections },
    (part) => insertAll(database, target, part),
  );
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
    const writeAlone = (row: number) => {
      try {
        return write(one, row, 1);
      } catch (error) {
        throw task.rejections === undefined || error instanceof ValueError
          ? error
          : new RefusedRow(row, error);
      }
    };
    const writeGroup = (from: number) => {
      try {
        return write(many, from, group);
      } catch (error) {
        if (task.rejections === undefined || error instanceof ValueError) throw error;
        // The statement has undone itself.
        return sumOf(group, (i) => writeAlone(from + i));
      }
    };
    for (let row = 0; row < batch.numRows;) {
      const size = row + group <= batch.numRows ? group : 1;
      changed += size === 1 ? writeAlone(row) : writeGroup(row);
      row += size;
      if (row % BREATHE < size) await breathe();
    }
    before += batch.numRows;
  }
  task.signal.throwIfAborted();
  return changed;
}

function sumOf(count: number, numberAt: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += numberAt(i);
  return sum;
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
