/** How much a relation holds, as catalogue and planner know it. */
import type { SizeReader } from "../../estimate.ts";
import type { Session } from "../wire/session.ts";
import type { Relation } from "./catalog.ts";

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
export const sizes: SizeReader<Session, Relation> = {
  getKind: ({ kind }) => KINDS[kind] ?? "relation",
  async findSize(session, { id, kind }) {
    if (kind === "v" || kind === "f") return undefined;
    const { rows: [found] } = await session.query(SIZE(id));
    const [rows, analyzed, bytes] = found!;
    return {
      ...(analyzed === "t" ? { rows: Number(rows) } : {}),
      ...(bytes === null ? {} : { bytes: Number(bytes) }),
    };
  },
  async plannedSize(session, sql) {
    const { rows: [found] } = await session.query(`EXPLAIN (FORMAT JSON) ${sql}`);
    const [{ Plan: plan }] = JSON.parse(found![0]!) as [{ Plan: Record<string, number> }];
    const rows = plan!["Plan Rows"]!;
    return { rows, bytes: rows * plan!["Plan Width"]! };
  },
};
