/** Upserts from a temporary table by ON DUPLICATE KEY. */
import { LoaderError } from "../../../../core/errors.ts";
import type { LoadTask } from "../../../../core/contracts/loader.ts";
import { ensureUniqueKey, sameColumns } from "../../load/unique_key.ts";
import { sameKey, upsertColumns, upsertStatements } from "../../load/upsert.ts";
import { catalog, type MySQLTable } from "../catalog.ts";
import { dialect, quote } from "../dialect.ts";
import { mysql, type Target } from "../system.ts";
import type { Session } from "../wire/session.ts";

/** The steps of an upsert. */
export interface Upsert {
  /** Quoted name of the temporary table, which has the columns of the target. */
  readonly staging: string;
  /** Quoted names of its columns that identify a row. */
  readonly keys: readonly string[];
  readonly statements: readonly string[];
  /** Query for keys that only the collation treats as equal; undefined if no key is text. */
  readonly collision: string | undefined;
}

/** Creates the temporary table and the target's unique index. No transaction may be open. */
export async function prepareUpsert(
  session: Session,
  { table, columns }: Target,
  { upsertKeys, deletes }: LoadTask,
): Promise<Upsert> {
  await refuseOtherKeys(session, table, columns.map(({ column }) => column.name), upsertKeys);
  await ensureUniqueKey(mysql, session, table, upsertKeys);
  const names = upsertColumns({ columns }, upsertKeys, dialect);
  // Each row of the target is looked for among the staged ones.
  const index = deletes === undefined ? [] : names.keys;
  const staging = await createStaging(session, table, names.all, index);
  const texts = columns.filter(({ field }) =>
    field.dtype === "string" && upsertKeys.includes(field.name)
  ).map(({ column }) => quote(column.name));
  const differ = texts.map((name) => `CAST(s.${name} AS BINARY) <> CAST(t.${name} AS BINARY)`);
  return {
    staging,
    keys: names.keys,
    statements: upsertStatements("on duplicate key", {
      table: table.name,
      columns: names,
      // A record without other fields updates its keys.
      changed: names.others.length > 0 ? names.others : names.keys,
      rows: `${staging} AS s ORDER BY ${ORDER}`,
    }),
    collision: texts.length === 0
      ? undefined
      : `SELECT 1 FROM ${staging} s JOIN ${table.name} t ON ${sameKey(names.keys)} WHERE ${
        differ.join(" OR ")
      } LIMIT 1`,
  };
}

/** Column of a staging table with the number of a row. */
export const ORDER = "dxt_row";

/**
 * Creates a temporary table for the staged rows. No transaction may be open.
 *
 * @param names quoted names of its columns, which are those of the target
 * @param index of which it has an index
 * @returns its quoted name
 */
export async function createStaging(
  session: Session,
  { name }: MySQLTable,
  names: readonly string[],
  index: readonly string[],
): Promise<string> {
  const staging = nameTemporary("staging");
  await session.query(
    `CREATE TEMPORARY TABLE ${staging} ENGINE=InnoDB AS SELECT ${
      names.join(", ")
    } FROM ${name} LIMIT 0`,
  );
  const indexed = index.length === 0 ? "" : `, ADD INDEX (${index.join(", ")})`;
  await session.query(
    `ALTER TABLE ${staging} ADD ${ORDER} BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY FIRST${indexed}`,
  );
  return staging;
}

/** A quoted name that no other table has. */
export function nameTemporary(purpose: string): string {
  return quote(`dxt_${purpose}_${crypto.randomUUID().replaceAll("-", "")}`);
}

/**
 * Refuses a table with a unique index other than that of the keys: ON DUPLICATE KEY applies to any unique
 * index, and would update rows of other keys.
 */
export async function refuseOtherKeys(
  session: Session,
  table: MySQLTable,
  loaded: readonly string[],
  keys: readonly string[],
): Promise<void> {
  const numbering = table.columns.find(({ numbersRows }) => numbersRows)?.name;
  const other = (await catalog.uniqueKeys(session, table)).find((names) =>
    !sameColumns(names, keys, dialect) &&
    !(numbering !== undefined && names.includes(numbering) && !loaded.includes(numbering))
  );
  if (other === undefined) return;
  const list = (names: readonly string[]) => names.map((name) => `"${name}"`).join(", ");
  throw new LoaderError(
    `Cannot upsert into ${table.label} by ${list(keys)}: its unique index of ${
      list(other)
    } would make MySQL update rows of other keys`,
  );
}

/** Writes the rows of the staging table into the target, in the open transaction. */
export async function runUpsert(session: Session, target: Target, upsert: Upsert): Promise<void> {
  await refuseCollision(session, target, upsert);
  for (const statement of upsert.statements) {
    const { warnings } = await session.query(statement);
    await refuseWarnings(session, target, warnings);
  }
  await refuseCollision(session, target, upsert);
}

/** Refuses warnings: LOAD DATA LOCAL only warns of invalid values, and of rows that it leaves out. */
export async function refuseWarnings(
  session: Session,
  { table }: Target,
  count: number,
): Promise<void> {
  if (count === 0) return;
  const { rows } = await session.query("SHOW WARNINGS LIMIT 1");
  const first = rows[0] === undefined ? "" : `: ${rows[0][2]} (${rows[0][1]})`;
  throw new LoaderError(
    `Cannot load into ${table.label}: MySQL changed or left out what it was given, ${count} warnings${first}`,
  );
}

/** Refuses a staged row that would replace a row of another key, equal to its own only by collation. */
async function refuseCollision(session: Session, { table }: Target, { collision }: Upsert) {
  if (collision === undefined) return;
  const { rows: [pair] } = await session.query(collision);
  if (pair === undefined) return;
  throw new LoaderError(
    `Cannot upsert into ${table.label}: its collation takes two keys for one that differ in case, accents or closing blanks`,
  );
}
