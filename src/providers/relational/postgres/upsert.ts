/** The statements of an upsert, and what a replacement must not do to other tables. */
import { LoaderError } from "../../../core/errors.ts";
import type { LoadTask } from "../../../core/loader.ts";
import type { Field } from "../../../models/field.ts";
import type { Relation } from "./catalogue.ts";
import { quote } from "./dialect.ts";
import type { Session } from "./session.ts";
import { shown, type Target } from "./target.ts";

/** Table of the staged rows, gone with the transaction. */
export const STAGE = "pg_temp.dxt_stage";
/** Number of a staged row; of rows with the same key the highest wins. */
const ORDER = quote("dxt row");

export interface UpsertStatements {
  readonly create: string;
  /** Returns a key that is NULL, and in how many rows. */
  readonly check: string;
  readonly apply: readonly string[];
}

/**
 * With a unique index on the keys: INSERT … ON CONFLICT DO UPDATE. Without one: the table is locked
 * against other writers, rows with a known key are updated (all of them, when a key is there more than
 * once), the others inserted.
 */
export async function upsertStatements(
  session: Session,
  { upsertKeys }: LoadTask,
  { name, relation, columns }: Target,
): Promise<UpsertStatements> {
  const fields = columns.map(({ field }) => field);
  const all = fields.map((field) => quote(field.name));
  const keys = upsertKeys.map(quote);
  const others = all.filter((column) => !keys.includes(column));
  const latest = `SELECT DISTINCT ON (${keys.join(", ")}) * FROM ${STAGE} ORDER BY ${
    keys.join(", ")
  }, ${ORDER} DESC`;
  const list = all.join(", ");
  const insert = `INSERT INTO ${name} AS t (${list}) OVERRIDING SYSTEM VALUE`;
  const same = keys.map((key) => `t.${key} = s.${key}`).join(" AND ");
  const indexed = await hasUniqueIndex(session, relation, upsertKeys);
  const action = others.length === 0
    ? "DO NOTHING"
    : `DO UPDATE SET ${others.map((column) => `${column} = EXCLUDED.${column}`).join(", ")}`;
  const update = `UPDATE ${name} AS t SET ${
    others.map((column) => `${column} = s.${column}`).join(", ")
  } FROM (${latest}) AS s WHERE ${same}`;
  return {
    create: stageTable(name, fields),
    check: nullKeys(upsertKeys),
    apply: indexed
      ? [
        `${insert} SELECT ${list} FROM (${latest}) AS s ON CONFLICT (${keys.join(", ")}) ${action}`,
      ]
      : [
        `LOCK TABLE ${name} IN SHARE ROW EXCLUSIVE MODE`,
        ...(others.length === 0 ? [] : [update]),
        `${insert} SELECT ${list} FROM (${latest}) AS s WHERE NOT EXISTS (SELECT FROM ${name} AS t WHERE ${same})`,
      ],
  };
}

/** Makes the table of the staged rows, gone with the transaction. */
export function stageTable(name: string, fields: readonly Field[]): string {
  const list = fields.map((field) => quote(field.name)).join(", ");
  return `CREATE TEMPORARY TABLE ${
    STAGE.replace("pg_temp.", "")
  } ON COMMIT DROP AS SELECT ${list} FROM ${name} WITH NO DATA; ` +
    `ALTER TABLE ${STAGE} ADD COLUMN ${ORDER} bigint GENERATED ALWAYS AS IDENTITY`;
}

function nullKeys(keys: readonly string[]): string {
  return keys.map((key) =>
    `SELECT ${text(key)} AS key, count(*) FROM ${STAGE} WHERE ${
      quote(key)
    } IS NULL HAVING count(*) > 0`
  ).join(" UNION ALL ");
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'::text`;
}

/** Whether ON CONFLICT finds a unique index for these columns. */
async function hasUniqueIndex(
  session: Session,
  { id }: Relation,
  keys: readonly string[],
): Promise<boolean> {
  const { rows } = await session.query(`
    SELECT (SELECT json_agg(a.attname ORDER BY a.attname) FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]))::text
    FROM pg_catalog.pg_index i WHERE i.indrelid = ${id} AND i.indisunique AND i.indisvalid
      AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL`);
  const wanted = JSON.stringify([...keys].sort());
  return rows.some(([names]) => JSON.stringify((JSON.parse(names!) as string[]).sort()) === wanted);
}

/** Deletes the rows of a table that others may read, and nobody else may write. */
export function emptying({ kind }: Relation, name: string): string[] {
  const lock = `LOCK TABLE ${name} IN SHARE ROW EXCLUSIVE MODE`;
  return [...(kind === "f" ? [] : [lock]), `DELETE FROM ${name}`];
}

const ACTIONS: Readonly<Record<string, string>> = {
  c: "CASCADE",
  n: "SET NULL",
  d: "SET DEFAULT",
};

/** A replacement deletes all rows first: that must not delete or change those of other tables. */
export async function refuseCascades(session: Session, { id, name }: Relation): Promise<void> {
  const { rows: [found] } = await session.query(`
    SELECT c.conname, c.conrelid::regclass::text, c.confdeltype FROM pg_catalog.pg_constraint c
    WHERE c.contype = 'f' AND c.confrelid = ${id} AND c.conrelid <> ${id}
      AND c.confdeltype IN ('c', 'n', 'd') AND EXISTS (SELECT FROM ${name}) LIMIT 1`);
  if (found === undefined) return;
  const [constraint, table, action] = found as [string, string, string];
  throw new LoaderError(
    `Cannot replace ${shown(name)}: its rows are deleted first, which would change ${
      shown(table)
    } by its foreign key "${constraint}" ON DELETE ${
      ACTIONS[action]
    }, expected mode upsert or append`,
  );
}
