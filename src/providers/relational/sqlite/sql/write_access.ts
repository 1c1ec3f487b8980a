/** What can be done with a database file, as the file system and SQLite say it. */
import type { Access } from "../../../../core/contracts/connector.ts";
import { DXTError, messageOf } from "../../../../core/errors.ts";
import type { StreamSource, StreamTarget } from "../../../../models/source.ts";
import type { LoadMode } from "../../../../models/stream.ts";
import { tableName } from "../../names.ts";
import { selectAll } from "../../select.ts";
import { findTable } from "./catalog.ts";
import type { SqliteConnector } from "../connector.ts";
import { type DatabaseFile, exists, isBusy, tryWriting } from "./database_file.ts";
import { dialect, mainTable } from "./dialect.ts";
import { writeProblem } from "../../../../core/files/write_access.ts";

/** SQLite compiles the query, and reads no row. */
export async function checkRead(connector: SqliteConnector, source: StreamSource): Promise<Access> {
  const action = source.type === "relation" ? `read "${source.name}"` : `read the ${source.type}`;
  try {
    await connector.reading(({ database }) => database.prepare(selectAll(source, dialect)));
    return { action, problems: [] };
  } catch (error) {
    return { action, problems: [messageOf(error)] };
  }
}

/** Beside the file SQLite keeps a journal: the folder must take files too. */
export async function checkWrite(
  connector: SqliteConnector,
  target: StreamTarget,
  mode: LoadMode,
): Promise<Access> {
  try {
    const table = mainTable(tableName(target));
    const { file } = connector;
    const found = await connector.readingTables(({ database }) => findTable(database, table));
    const action = found === undefined
      ? `create and write "${table.name}"`
      : `${mode} ${found.label}`;
    const problems = [
      ...await fileProblems(file),
      ...(found?.view === true ? [`${found.label} is a view, expected a table`] : []),
    ];
    return { action, problems };
  } catch (error) {
    if (!(error instanceof DXTError)) throw error;
    return { action: "write", problems: [error.message] };
  }
}

async function fileProblems(file: DatabaseFile): Promise<string[]> {
  const { path, readonly } = file;
  if (readonly) return [`the connection to "${path}" is readonly`];
  if (!exists(file)) {
    // An empty journal means nothing to SQLite, where an empty database might be taken for its own.
    const problem = await writeProblem(`${path}-journal`);
    return problem === undefined ? [] : [problem];
  }
  try {
    tryWriting(file);
    return [];
  } catch (error) {
    // Somebody else is writing it, so it can be written.
    return isBusy(error) ? [] : [`file "${path}" cannot be written: ${messageOf(error)}`];
  }
}
