/** What a load would do, by the statements that it would run, on a connection that only reads. */
import { DatabaseSync } from "node:sqlite";
import { convert } from "../../../../core/values/conversion.ts";
import { DXTError } from "../../../../core/errors.ts";
import type { LoadPlan, PlannedLoad } from "../../../../core/contracts/loader.ts";
import { checkLoadTask } from "../../target.ts";
import { quoteTable } from "../../names.ts";
import { findTable, type Table } from "../sql/catalog.ts";
import type { SqliteConnector } from "../connector.ts";
import { conversionInNew } from "../types/conversion.ts";
import { exists } from "../sql/database_file.ts";
import { dialect, mainTable, quote } from "../sql/dialect.ts";
import {
  checkedTarget,
  conversionsOf,
  createStatements,
  emptyStatement,
  hasUnique,
  refuseCascade,
  uniqueIndexStatement,
  warnOfUnfilled,
} from "./target.ts";
import { typeMapper } from "../types/type_mapper.ts";

/** A file that is not there yet has no tables. */
export async function planLoad(connector: SqliteConnector, load: PlannedLoad): Promise<LoadPlan> {
  checkLoadTask(load, dialect);
  const plan = (database: DatabaseSync) => planIn(connector, database, load);
  if (exists(connector.file)) return await connector.read(plan);
  using none = new DatabaseSync(":memory:");
  return plan(none);
}

function planIn(connector: SqliteConnector, database: DatabaseSync, load: PlannedLoad): LoadPlan {
  const table = mainTable(load.target);
  const found = findTable(database, table);
  if (found !== undefined) return planExisting(connector, database, load, found);
  const columns = load.staged.fields.map((field) => {
    const type = typeMapper.toTarget(field);
    return { field, type, conversion: conversionInNew(field, type) };
  });
  const statements = [createStatements(table, load)];
  return { exists: false, columns, statements, destructive: [], problems: [] };
}

function planExisting(
  connector: SqliteConnector,
  database: DatabaseSync,
  load: PlannedLoad,
  found: Table,
): LoadPlan {
  const table = mainTable(load.target);
  const sql = quoteTable(table, { quote });
  const problems: string[] = [];
  const tried = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof DXTError)) throw error;
      problems.push(error.message);
    }
  };
  // What is lossy and not accepted is told with its column.
  tried(() => warnOfUnfilled(connector, checkedTarget(found, table, { ...load, lossy: "accept" })));
  const rows = Number(database.prepare(`SELECT count(*) AS n FROM ${sql}`).get()!["n"]);
  const statements: string[] = [];
  const destructive: string[] = [];
  if (load.mode === "replace") {
    tried(() => refuseCascade(database, found));
    statements.push(emptyStatement(sql));
    const shown = rows === 1 ? "1 row" : `${rows} rows`;
    if (rows > 0) destructive.push(`${shown} of "${found.name}" are deleted`);
  }
  if (load.mode === "upsert" && !hasUnique(database, found, load.upsertKeys)) {
    statements.push(uniqueIndexStatement(found.name, load.upsertKeys));
  }
  const known = new Map(conversionsOf(found, load.staged.fields).map((one) => [one.field, one]));
  const columns = load.staged.fields.map((field) =>
    known.get(field) ??
      { field, type: typeMapper.toTarget(field), conversion: convert(field, field) }
  );
  return { exists: true, rows, columns, statements, destructive, problems };
}
