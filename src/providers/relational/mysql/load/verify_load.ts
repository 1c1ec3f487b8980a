/** Reads the rows of a load back in its transaction, so that they can be compared with the stage. */
import type { LoadTask, VerifiedLoad } from "../../../../core/contracts/loader.ts";
import { describeLoaded } from "../../load/loaded_rows.ts";
import { countRows } from "../../load/statements.ts";
import { sameKey, upsertColumns } from "../../load/upsert.ts";
import { formatReference } from "../../names.ts";
import { dialect } from "../dialect.ts";
import { streamRows } from "../extractor.ts";
import { isDenied } from "../privileges.ts";
import { mysql, type Target } from "../system.ts";
import type { Session } from "../wire/session.ts";

/** What a load knows of its rows. */
export interface LoadedTable {
  /** The load creates the table. */
  readonly creates: boolean;
  /** Table of the staged rows of an upsert. */
  readonly staging: string | undefined;
  /** Query of the versions that the load wrote or found; unset where it keeps none. */
  readonly versions?: string | undefined;
  /** The table had no rows before. */
  readonly wasEmpty: boolean;
}

/** Verifies a load in its open transaction. */
export async function verifyLoaded(
  session: Session,
  task: LoadTask,
  target: Target,
  { creates, staging, versions, wasEmpty }: LoadedTable,
): Promise<VerifiedLoad | undefined> {
  const { verify, mode, where } = task;
  if (verify === undefined) return undefined;
  const isWhole = creates || wasEmpty || mode === "replace";
  if (staging === undefined && versions === undefined && !isWhole) {
    return await verify({ unreadable: "MySQL cannot tell the rows of an append from others" });
  }
  const { schema, table } = target.table;
  try {
    if (staging !== undefined && await hasSameKeys(session, task, target, staging)) {
      return await verify({ unreadable: "several rows of the upsert have the same key" });
    }
    const relation = { type: "relation", name: formatReference({ schema, name: table }) } as const;
    return await verify(describeLoaded(mysql, session, task, target, {
      source: versions !== undefined
        ? { type: "sql", sql: versions }
        : staging !== undefined
        ? { type: "sql", sql: selectUpserted(task, target, staging) }
        : { ...relation, ...where === undefined ? {} : { where } },
      read: (request) => streamRows(session, request),
    }));
  } catch (error) {
    if (!isDenied(error)) throw error;
    return await verify({ unreadable: "the login may not read the table" });
  }
}

/** Whether a table has no rows; false also for a login that may not look. */
export async function isEmpty(session: Session, { name }: Target["table"]): Promise<boolean> {
  try {
    return (await session.query(`SELECT 1 FROM ${name} LIMIT 1`)).rows.length === 0;
  } catch (error) {
    if (isDenied(error)) return false;
    throw error;
  }
}

async function hasSameKeys(
  session: Session,
  { staged, upsertKeys }: LoadTask,
  { columns }: Target,
  staging: string,
): Promise<boolean> {
  const { keys } = upsertColumns({ columns }, upsertKeys, dialect);
  const distinct = await countRows(
    session,
    `(SELECT DISTINCT ${keys.join(", ")} FROM ${staging}) AS dxt_keys`,
  );
  return distinct !== (await staged.committed()).count;
}

/** The rows of the table that have the key of a staged row. */
function selectUpserted(
  { upsertKeys }: LoadTask,
  { table, columns }: Target,
  staging: string,
): string {
  const { all, keys } = upsertColumns({ columns }, upsertKeys, dialect);
  return `SELECT ${all.map((column) => `t.${column}`).join(", ")} FROM ${staging} AS s
    JOIN ${table.name} AS t ON ${sameKey(keys)}`;
}
