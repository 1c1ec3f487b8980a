/** Reads the rows of a load back in its transaction, so that they can be compared with the stage. */
import type { LoadTask, VerifiedLoad } from "../../../../core/contracts/loader.ts";
import { describeLoaded } from "../../load/loaded_rows.ts";
import { matchingRows } from "../../load/statements.ts";
import { extractOver } from "../copy_extractor.ts";
import type { Relation } from "../sql/catalog.ts";
import { findHooks } from "../sql/triggers.ts";
import type { PostgresSystem, Target } from "../system.ts";
import type { Session } from "../wire/session.ts";
import { WRITTEN_IN_STEPS } from "./accept_rows.ts";

/**
 * A row has the number of the transaction that wrote it. That number has 32 bits, those of transactions 64:
 * https://www.postgresql.org/docs/current/ddl-system-columns.html
 */
const WRITTEN_HERE = "xmin = (SELECT (txid_current() % 4294967296)::text::xid)";

/** A table that has so many times the bytes of a load takes long to search for its rows. */
const LARGE = 8;
/** Bytes that are searched in any case. */
const SMALL = 1024 * 1024;

/** A table right before its rows are written. */
export interface TableBefore {
  /** Its size. */
  readonly bytes: number;
  /** Why the rows that the load will write cannot be told from others. */
  readonly unreadable?: string | undefined;
}

/** The rows of a table that match a condition, or all. */
export function selectAll({ name }: Relation, where?: string): string {
  return `SELECT * FROM ${matchingRows(name, where)}`;
}

/** The rows of a table that the open transaction has written, itself or in its steps. */
export function selectWritten({ name }: Relation, how: "whole" | "in steps"): string {
  return `SELECT * FROM ${name} WHERE ${how === "whole" ? WRITTEN_HERE : WRITTEN_IN_STEPS}`;
}

/** Examines a table in the transaction that appends to it. */
export async function examineTable(session: Session, table: Relation): Promise<TableBefore> {
  const { bytes, isNumbered } = await measureTable(session, table);
  if (!isNumbered) {
    return { bytes, unreadable: "a partition or its storage does not tell who wrote its rows" };
  }
  if (bytes === 0 || !await mayRead(session, table)) return { bytes };
  // All rows of a table that the transaction has written again are new: any of them will do.
  const { rows } = await session.query(
    `SELECT FROM (SELECT xmin FROM ${table.name} LIMIT 1) AS one WHERE ${WRITTEN_HERE}`,
  );
  return rows.length === 0
    ? { bytes }
    : { bytes, unreadable: "the load changed a column, which wrote all rows again" };
}

/** Bytes of a table with its partitions, and whether each row has the number of its transaction. */
async function measureTable(
  session: Session,
  { id }: Relation,
): Promise<{ bytes: number; isNumbered: boolean }> {
  // Foreign tables do not number their rows, nor need storage other than PostgreSQL's own.
  const { rows: [row] } = await session.query(
    `SELECT sum(pg_catalog.pg_relation_size(c.oid)),
      bool_and(c.relkind <> 'f' AND coalesce(a.amname = 'heap', true))
    FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
    WHERE c.oid = ${id} OR c.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(${id}))`,
  );
  return { bytes: Number(row![0]), isNumbered: row![1] === "t" };
}

async function mayRead(session: Session, { id }: Relation): Promise<boolean> {
  const { rows: [row] } = await session.query(
    `SELECT pg_catalog.has_table_privilege(${id}, 'SELECT')`,
  );
  return row![0] === "t";
}

/**
 * Verifies a load in its open transaction.
 *
 * @param sql the query that finds its rows
 * @param before an append
 * @param doubt further reasons why it need not hold what was sent
 */
export async function verifyLoaded(
  system: PostgresSystem,
  session: Session,
  task: LoadTask,
  target: Target,
  { sql, before, doubt }: {
    sql: string;
    before?: TableBefore | undefined;
    doubt?: string | undefined;
  },
): Promise<VerifiedLoad | undefined> {
  const { verify } = task;
  if (verify === undefined) return undefined;
  if (target.table.kind === "f") {
    return await verify({ unreadable: "a foreign table does not tell who wrote its rows" });
  }
  if (before?.unreadable !== undefined) return await verify({ unreadable: before.unreadable });
  const rows = describeLoaded(system, session, task, target, {
    source: { type: "sql", sql },
    doubt: doubt ?? await findDoubt(session, target.table, before?.bytes),
    read: (request) => extractOver(session, request),
  });
  return await verify(rows);
}

async function findDoubt(
  session: Session,
  table: Relation,
  before: number | undefined,
): Promise<string | undefined> {
  const { triggered, filtered } = await findHooks(session, table);
  if (triggered) return "triggers of the table may change rows";
  if (filtered) return "row security may hide rows from the login";
  if (!await mayRead(session, table)) return "the login may not read the table";
  if (before === undefined) return undefined;
  const { bytes } = await measureTable(session, table);
  const added = Math.max(bytes - before, SMALL);
  return before > LARGE * added ? "the table has many times as many rows as the load" : undefined;
}
