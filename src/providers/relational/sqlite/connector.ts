import { basename } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type {
  ControlRow,
  RelationalConnector,
  ServerInfo,
} from "../../../core/contracts/connector.ts";
import { DXTError } from "../../../core/errors.ts";
import type { ConnectContext } from "../../../core/contracts/provider.ts";
import type { LoadMode } from "../../../models/stream.ts";
import { SqlConnector } from "../connector.ts";
import type { TableName } from "../contract.ts";
import { fileProblems } from "./sql/write_access.ts";
import { type ColumnFit, sqlite } from "./system.ts";
import type { SqliteTable } from "./sql/catalog.ts";
import { SqliteSession } from "./sql/session.ts";
import { databasePath, type SqliteConfig } from "./config.ts";
import {
  type DatabaseFile,
  exists,
  explainFullDisk,
  isBusy,
  openToRead,
  retryWhileBusy,
} from "./sql/database_file.ts";
import { sizes } from "./sql/size_estimate.ts";
import { hasHotJournal } from "./pages/rollback_journal.ts";

type Bound = null | number | bigint | string | Uint8Array;

const BUSY_TIMEOUT = 10_000;

/**
 * A database file. Every question, extraction and load opens the file for itself, with no more rights
 * than it needs, and closes it.
 */
export class SqliteConnector extends SqlConnector<SqliteSession, SqliteTable, ColumnFit>
  implements RelationalConnector {
  override readonly system = sqlite;
  protected override readonly sizes = sizes;
  readonly file: DatabaseFile;
  readonly #signal: AbortSignal;

  constructor(config: SqliteConfig, context: ConnectContext) {
    super(context);
    this.file = {
      path: databasePath(config, context.baseDirectory),
      readonly: config.readonly ?? false,
      busyTimeout: config.busy_timeout_ms ?? BUSY_TIMEOUT,
      onWait: (message) => context.warn(message, true),
      trace: context.trace,
    };
    this.#signal = context.signal;
  }

  testConnection(): Promise<ServerInfo> {
    return this.reading(async (session) => {
      const { rows: [row] } = await session.query("SELECT sqlite_version()");
      return { product: "SQLite", version: String(row![0]) };
    });
  }

  /** Whoever opens the file sees all of its tables. */
  protected override async describeAbsence(): Promise<string> {
    await this.testConnection();
    return `in database "${basename(this.file.path)}": it does not exist`;
  }

  protected override compile({ database }: SqliteSession, sql: string): unknown {
    return database.prepare(sql);
  }

  /** Also checks the folder, in which SQLite writes a journal next to the file. */
  override async findWriteRights(session: SqliteSession, name: TableName, mode: LoadMode) {
    const { exists, problems } = await super.findWriteRights(session, name, mode);
    return { exists, problems: [...await fileProblems(this.file), ...problems] };
  }

  /** Also an error of a file that is missing or no database. */
  protected override isRefusal(error: unknown): boolean {
    return error instanceof DXTError || this.isSystemError(error);
  }

  query(sql: string, params: readonly unknown[] = []): Promise<ControlRow[]> {
    return this.reading(({ database }) => queryControlRows(database, sql, params));
  }

  /** Runs `work` on a connection of its own that cannot write. */
  override async reading<T>(work: (session: SqliteSession) => T | Promise<T>): Promise<T> {
    return await retryWhileBusy(this.file, this.#signal, async () => {
      try {
        using database = openToRead(this.file);
        return await work(new SqliteSession(database));
      } catch (error) {
        if (!isBusy(error) || !hasHotJournal(this.file)) throw error;
        return await inEmptyDatabase(work);
      }
    });
  }

  /** As {@linkcode reading}; a file that does not exist yet is read as an empty database. */
  override async readingTables<T>(work: (session: SqliteSession) => T | Promise<T>): Promise<T> {
    return exists(this.file) ? await this.reading(work) : await inEmptyDatabase(work);
  }

  isSystemError(error: unknown): boolean {
    return error instanceof Error && (error as { code?: string }).code === "ERR_SQLITE_ERROR";
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function queryControlRows(
  database: DatabaseSync,
  sql: string,
  params: readonly unknown[],
): ControlRow[] {
  const statement = database.prepare(sql);
  return statement.all(...params as Bound[]).map((row) => ({ ...row }));
}

async function inEmptyDatabase<T>(work: (session: SqliteSession) => T | Promise<T>): Promise<T> {
  using empty = new DatabaseSync(":memory:");
  return await work(new SqliteSession(empty));
}

/**
 * Runs `work` in a transaction that may write, which `begin` begins: committed when it resolves, else
 * rolled back.
 */
export async function inTransaction<T>(
  file: DatabaseFile,
  database: DatabaseSync,
  signal: AbortSignal,
  begin: () => Promise<void>,
  work: () => Promise<T>,
): Promise<T> {
  await begin();
  try {
    const result = await work();
    // Readers keep the lock busy until they are done; the transaction waits as it is.
    await retryWhileBusy(file, signal, () => database.exec("COMMIT"));
    return result;
  } catch (error) {
    // SQLite itself rolls back after some errors, such as a full disk.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw explainFullDisk(file, error);
  }
}
