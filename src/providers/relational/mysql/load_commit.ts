/**
 * The end of an append. MySQL keeps no record of a transaction that a later session could ask for, so
 * the number of rows in the table tells; another writer makes the outcome unknown.
 */
import { z } from "zod";
import type { CommitRecord, LoadOutcome, LoadTask } from "../../../core/contracts/loader.ts";
import { ConnectionError, UnknownOutcomeError } from "../../../core/errors.ts";
import type { StreamTarget } from "../../../models/source.ts";
import { tableName } from "../names.ts";
import { catalog, type MySQLTable } from "./catalog.ts";
import type { MySQLConnector } from "./connector.ts";
import { textLiteral } from "./dialect.ts";
import { isConnectionEnd } from "./wire/server_error.ts";
import type { Session } from "./wire/session.ts";

const Append = z.strictObject({
  /** Lock of the table, which its load holds until the server has ended it. */
  lock: z.string(),
  connection: z.string(),
  rows: z.number(),
  /** Rows of the table before the load; unset where a count takes long. */
  before: z.number().optional(),
});

/** Rows up to which a table is counted: InnoDB reads an index whole for it. */
const COUNTED_ROWS = 2_000_000;

/** An append whose rows are all written into `table`, but not yet committed or renamed. */
export interface PendingAppend {
  readonly lock: string;
  /** Holds the new rows and, unless it is to be renamed, those from before. */
  readonly table: Pick<MySQLTable, "name" | "estimatedRows">;
  readonly rows: number;
}

/**
 * Commits a load by `statement`. An append is remembered before; to repeat any other load is safe.
 *
 * @throws {UnknownOutcomeError} when the connection ends before the server answers an append
 */
export async function commitLoad(
  session: Session,
  { mode, journal }: LoadTask,
  { lock, table, rows }: PendingAppend,
  statement: string,
): Promise<void> {
  const isAppend = mode === "append" && rows > 0;
  if (isAppend && journal !== undefined) {
    const before = (table.estimatedRows ?? 0) > COUNTED_ROWS
      ? undefined
      : await countRows(session, table.name) - rows;
    const { rows: [id] } = await session.query("SELECT CONNECTION_ID()");
    const record: z.infer<typeof Append> = { lock, connection: id![0]!, rows, before };
    await journal.remember(record);
  }
  try {
    await session.query(statement);
  } catch (error) {
    if (!isAppend || !(error instanceof ConnectionError || isConnectionEnd(error))) throw error;
    throw new UnknownOutcomeError(
      `Cannot tell whether the load was committed: ${
        (error as Error).message
      }; dxt load asks the target`,
      { cause: error },
    );
  }
}

/** What became of a load, from what {@linkcode commitLoad} remembered. */
export function findOutcome(
  connector: MySQLConnector,
  target: StreamTarget,
  record: CommitRecord,
): Promise<LoadOutcome> {
  const parsed = Append.safeParse(record);
  if (!parsed.success) return Promise.resolve("unknown");
  const { lock, connection, rows, before } = parsed.data;
  return connector.reading(async (session) => {
    const { rows: [holder] } = await session.query(`SELECT IS_USED_LOCK(${textLiteral(lock)})`);
    if (holder![0] === connection) return "running";
    if (before === undefined) return "unknown";
    const table = await catalog.find(session, tableName(target));
    const count = table === undefined ? 0 : await countRows(session, table.name);
    return count === before + rows ? "committed" : count === before ? "aborted" : "unknown";
  });
}

async function countRows(session: Session, table: string): Promise<number> {
  const { rows: [row] } = await session.query(`SELECT COUNT(*) FROM ${table}`);
  return Number(row![0]);
}
