import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Batch } from "../../../core/contracts/batch.ts";
import { LoaderError, ValueError, VerificationError } from "../../../core/errors.ts";
import {
  type AskedWatermark,
  type Loader,
  type LoadPlan,
  type LoadReceipt,
  type LoadTask,
  type PlannedLoad,
  refuseStaleRange,
} from "../../../core/contracts/loader.ts";
import { orderKind, refuseOrder } from "../../../core/values/value_order.ts";
import type { Value } from "../../../core/values/values.ts";
import { declareHint, measureNumbers } from "../../../formats/inference/number_columns.ts";
import type { StreamTarget } from "../../../models/source.ts";
import { checkLoadTask } from "../target.ts";
import { inTransaction, type SqliteConnector } from "./connector.ts";
import { type DatabaseFile, eventLoopPause, exists, openToWrite } from "./sql/database_file.ts";
import { findTable } from "./sql/catalog.ts";
import { lockLoads } from "./load/load_lock.ts";
import { lastRowNumber, rememberLoad } from "./load/load_commit.ts";
import { dialect, mainTable, quote } from "./sql/dialect.ts";
import { describeTextOrder } from "./types/conversion.ts";
import { selectMaxWatermark } from "./sql/max_watermark.ts";
import { planLoad } from "./load/load_plan.ts";
import { loadNewDatabase } from "./pages/new_database.ts";
import { refuseNulls } from "./load/null_checks.ts";
import {
  columnsAfter,
  emptyStatement,
  newTypes,
  prepareTarget,
  refuseCascade,
  type Target,
  warnOfUnfilled,
  writtenColumns,
} from "./load/target.ts";
import { ANY_NUMBER, EXACT_DIGITS, NUMBER_TEXT } from "./types/type_mapper.ts";
import { type Bound, boundReader, exactNumber } from "./types/bind_value.ts";

/** Values bound with one statement: fewer statements are faster, up to about here. */
const VALUES = 100;
/** Rows between two looks at the clock and the signal. */
const BREATHE = 4096;

/**
 * Writes in one transaction. Replace empties the table and fills it again: its declared types,
 * indexes and triggers stay. Upsert is INSERT … ON CONFLICT DO UPDATE.
 */
export class SqliteLoader implements Loader {
  constructor(private readonly connector: SqliteConnector) {}

  async load(task: LoadTask): Promise<LoadReceipt> {
    const { signal, staged, mode } = task;
    signal.throwIfAborted();
    if (staged.kind !== "records") {
      throw new LoaderError(`Cannot load files into SQLite: expected records`);
    }
    checkLoadTask(task, dialect);
    const { file } = this.connector;
    using database = openToWrite(file);
    const types = await this.#typesOfNew(file, database, task);
    const receipt = await loadNewDatabase(file, database, task, types);
    if (receipt !== undefined) return receipt;
    const begin = () => lockLoads(file, task, () => database.exec("BEGIN IMMEDIATE"));
    return await inTransaction(file, database, signal, begin, async () => {
      const { target: ref, expected } = task;
      if (expected !== undefined) {
        refuseStaleRange(task, selectMaxWatermark(database, { target: ref, ...expected }));
      }
      // Rows that a replace deletes may come again before the end.
      database.exec("PRAGMA defer_foreign_keys = ON");
      const target = prepareTarget(database, task, types);
      const before = lastRowNumber(database, ref);
      warnOfUnfilled(this.connector, target);
      if (mode === "replace") {
        refuseCascade(database, target);
        database.exec(emptyStatement(target.sql));
      }
      const rows = await insertAll(database, target, task);
      const taken = receiptOf(database, target, task, rows);
      await rememberLoad(database, task, before, rows);
      return taken;
    });
  }

  /**
   * Types of the columns, for a table that is not there: a number without bounds is text where one
   * of its values is neither an integer nor a double. Numbers that are text are warned of.
   */
  async #typesOfNew(
    file: DatabaseFile,
    database: DatabaseSync,
    task: LoadTask,
  ): Promise<string[]> {
    const types = newTypes(task);
    const { fields } = task.staged;
    const free = types.some((type, i) => type === ANY_NUMBER && fields[i]!.number);
    const notes = types.map((type, i) => describeTextOrder(fields[i]!, type));
    if (!free && notes.every((note) => note === undefined)) return types;
    const table = mainTable(task.target);
    const found = await lockLoads(file, task, () => findTable(database, table));
    if (found !== undefined) return types;
    for (const [i, note] of notes.entries()) {
      if (note === undefined) continue;
      this.connector.warn(`Column "${fields[i]!.name}" of "${table.name}" is ${note}`);
    }
    if (!free) return types;
    const measured = await measureNumbers(
      task.staged,
      (bytes, start, end) => exactNumber(bytes, start, end) !== undefined,
    );
    return types.map((type, i) => {
      const field = fields[i]!;
      const digits = measured.get(field.name);
      const value = digits?.other ?? digits?.unkept;
      if (type !== ANY_NUMBER || value === undefined) return type;
      this.connector.warn(
        `Column "${field.name}" of "${table.name}" is text, which sorts as text: "${value}" is no int64 and no number of ${EXACT_DIGITS} digits; ${
          declareHint(field)
        }, or round it in the source's query`,
      );
      return NUMBER_TEXT;
    });
  }

  plan(load: PlannedLoad): Promise<LoadPlan> {
    return planLoad(this.connector, load);
  }

  async getMaxWatermark(
    target: StreamTarget,
    field: string,
    asked: AskedWatermark = {},
  ): Promise<Exclude<Value, null> | undefined> {
    const { as } = asked;
    if (as !== undefined && orderKind(as) === undefined) refuseOrder(as, "SQLite");
    if (!exists(this.connector.file)) return undefined;
    return await this.connector.read((database) =>
      selectMaxWatermark(database, { target, field, ...asked })
    );
  }
}

function receiptOf(
  database: DatabaseSync,
  target: Target,
  { mode, staged }: LoadTask,
  rows: number,
): LoadReceipt {
  if (rows !== staged.count) {
    throw new VerificationError(
      `Cannot load into "${target.name}": SQLite took ${rows} rows, staged are ${staged.count}`,
    );
  }
  const evidence = `${mode} changed ${rows} rows`;
  if (mode !== "replace") return { rows, evidence };
  const count = database.prepare(`SELECT count(*) AS n FROM ${target.sql}`).get()!;
  const total = Number(count["n"]);
  if (total !== rows) {
    throw new VerificationError(
      `Cannot replace "${target.name}": it holds ${total} rows, staged are ${staged.count}`,
    );
  }
  return { rows, evidence: `${evidence}, count(*) = ${total}` };
}

/** Writes all batches; returns how many rows SQLite says it changed. */
async function insertAll(database: DatabaseSync, target: Target, task: LoadTask): Promise<number> {
  const width = target.columns.length;
  const group = Math.max(1, Math.floor(VALUES / width));
  const many = database.prepare(insertSQL(target, task, group));
  const one = database.prepare(insertSQL(target, task, 1));
  const breathe = eventLoopPause(task.signal);
  let changed = 0;
  let before = 0;
  for await (const batch of task.staged.readBatches(true)) {
    await breathe();
    refuseNulls(batch, target, task, before);
    const write = writer(batch, target, task, before);
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
  task: LoadTask,
  before: number,
): (statement: StatementSync, row: number, size: number) => number {
  const columns = columnsAfter(before, () => writtenColumns(batch, target, task));
  const readers = columns.map(({ field, data }, i) =>
    boundReader(field, data, { declared: target.columns[i]!.declared, wide: target.wide })
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
  const names = target.columns.map(({ name }) => quote(name));
  const row = `(${names.map(() => "?").join(", ")})`;
  const values = Array(rows).fill(row).join(", ");
  const insert = `INSERT INTO ${target.sql} (${names.join(", ")}) VALUES ${values}`;
  if (mode !== "upsert") return insert;
  const keys = new Set(upsertKeys.map((key) => quote(key).toLowerCase()));
  const others = names.filter((name) => !keys.has(name.toLowerCase()));
  // A record that is nothing but key is updated too, so that it is counted.
  const changes = (others.length > 0 ? others : names).map((name) => `${name} = excluded.${name}`);
  return `${insert} ON CONFLICT (${upsertKeys.map(quote).join(", ")}) DO UPDATE SET ${
    changes.join(", ")
  }`;
}
