/**
 * The end of an append. A table that the load creates appears with its commit; an append to any other table
 * has a marker (`commit_marker.ts`). Without one its outcome is unknown, since other programs may insert or
 * delete rows, too.
 */
import { z } from "zod";
import type { CommitRecord, LoadOutcome, LoadTask } from "../../../../core/contracts/loader.ts";
import { ConnectionError, UnknownOutcomeError } from "../../../../core/errors.ts";
import type { StreamTarget } from "../../../../models/source.ts";
import { tableName } from "../../names.ts";
import { catalog, type MySQLTable } from "../catalog.ts";
import { findMarked, Marker, writeMarker } from "./commit_marker.ts";
import type { MySQLConnector } from "../connector.ts";
import { textLiteral } from "../dialect.ts";
import { isConnectionEnd } from "../wire/server_error.ts";
import type { Session } from "../wire/session.ts";

const Append = z.strictObject({
  /** Lock of the table, which its load holds until the server has ended it. */
  lock: z.string(),
  connection: z.string(),
  rows: z.number(),
  /** The commit gives a new table its name. */
  creates: z.boolean(),
  marker: Marker.optional(),
});

/** An append whose rows are all written, but not yet committed. */
export type PendingAppend = Omit<z.infer<typeof Append>, "connection">;

/**
 * Commits a load by `statement`. An append is remembered before; to repeat any other load is safe.
 *
 * @throws {UnknownOutcomeError} when the connection ends before the server answers an append
 */
export async function commitLoad(
  session: Session,
  { mode, journal }: LoadTask,
  table: Pick<MySQLTable, "schema" | "table">,
  append: PendingAppend,
  statement: string,
): Promise<void> {
  const isAppend = mode === "append" && append.rows > 0;
  if (isAppend && journal !== undefined) {
    if (append.marker !== undefined) {
      await session.query(writeMarker(table, append.marker.id));
    }
    const { rows: [id] } = await session.query("SELECT CONNECTION_ID()");
    await journal.remember({ ...append, connection: id![0] });
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
  const { lock, connection, rows, creates, marker } = parsed.data;
  return connector.reading(async (session) => {
    const { rows: [holder] } = await session.query(`SELECT IS_USED_LOCK(${textLiteral(lock)})`);
    if (holder![0] === connection) return "running";
    const table = await catalog.find(session, tableName(target));
    if (marker !== undefined && table !== undefined) {
      return await findMarked(session, table, marker);
    }
    if (!creates) return "unknown";
    if (table === undefined) return "aborted";
    const { rows: [count] } = await session.query(`SELECT COUNT(*) FROM ${table.name}`);
    return Number(count![0]) === rows ? "committed" : "unknown";
  });
}
