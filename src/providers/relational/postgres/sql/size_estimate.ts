/** How much a dataset holds, as catalogue and planner know it. */
import type { Estimate } from "../../../../core/contracts/connector.ts";
import type { StreamSource } from "../../../../models/source.ts";
import { fromClause } from "../../select.ts";
import { quoteTable, tableName } from "../../names.ts";
import { findRelation } from "./catalog.ts";
import { dialect } from "./dialect.ts";
import type { Session } from "../wire/session.ts";

const KINDS: Readonly<Record<string, string>> = {
  r: "table",
  p: "partitioned table",
  v: "view",
  m: "materialised view",
  f: "foreign table",
};

const SIZE = (id: string) => `
  SELECT sum(c.reltuples)::bigint::text, bool_and(c.reltuples >= 0),
    sum(pg_catalog.pg_table_size(c.oid))::bigint::text
  FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'm') AND c.oid IN (
    SELECT ${id}::oid UNION SELECT relid FROM pg_catalog.pg_partition_tree(${id}))`;

/** Rows of tables as the last ANALYZE counted them; of all else what the planner expects. */
export async function estimate(session: Session, source: StreamSource): Promise<Estimate> {
  const from = fromClause(source, dialect);
  const where = source.type === "relation" ? source.where : undefined;
  if (source.type !== "relation") {
    const kind = source.type === "sql" ? "query" : "function";
    return { kind, ...await planned(session, `SELECT * FROM ${from}`) };
  }
  const relation = await findRelation(session, quoteTable(tableName(source), dialect));
  const kind = KINDS[relation?.kind ?? ""] ?? "relation";
  if (where !== undefined) {
    const rows = await planned(session, `SELECT * FROM ${from} WHERE (${where}\n)`);
    return { kind: `${kind} with a condition`, ...rows };
  }
  if (relation === undefined || ["v", "f"].includes(relation.kind)) {
    return { kind, ...await planned(session, `SELECT * FROM ${from}`) };
  }
  const { rows: [found] } = await session.query(SIZE(relation.id));
  const [rows, analyzed, bytes] = found!;
  return {
    kind,
    ...(analyzed === "t" ? { rows: Number(rows) } : {}),
    ...(bytes === null ? {} : { bytes: Number(bytes) }),
  };
}

async function planned(session: Session, sql: string): Promise<{ rows: number; bytes: number }> {
  const { rows: [found] } = await session.query(`EXPLAIN (FORMAT JSON) ${sql}`);
  const [{ Plan: plan }] = JSON.parse(found![0]!) as [{ Plan: Record<string, number> }];
  const rows = plan!["Plan Rows"]!;
  return { rows, bytes: rows * plan!["Plan Width"]! };
}
