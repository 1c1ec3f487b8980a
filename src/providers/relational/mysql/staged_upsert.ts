/** Upserts from a table of the session's own, by ON DUPLICATE KEY. */
import { LoaderError } from "../../../core/errors.ts";
import type { LoadTask } from "../../../core/contracts/loader.ts";
import { ensureUniqueKey, sameColumns } from "../load/unique_key.ts";
import { sameKey, upsertColumns, upsertStatements } from "../load/upsert.ts";
import { catalog, type MySQLTable } from "./catalog.ts";
import { dialect, quote } from "./dialect.ts";
import { mysql, type Target } from "./system.ts";
import type { Session } from "./wire/session.ts";

/** How rows are upserted from a table of the session's own. */
export interface Upsert {
  /** Quoted name of that table, whose columns are those of the target. */
  readonly staging: string;
  readonly statements: readonly string[];
  /** Finds a key that only the collation takes for another one; undefined where keys have none. */
  readonly confusion: string | undefined;
}

/** Makes the table that an upsert takes its rows from; no transaction may be open. */
export async function prepareUpsert(
  session: Session,
  { table, columns }: Target,
  { upsertKeys }: LoadTask,
): Promise<Upsert> {
  await refuseOtherKeys(session, table, columns.map(({ column }) => column.name), upsertKeys);
  await ensureUniqueKey(mysql, session, table, upsertKeys);
  const staging = quote(`dxt_staging_${crypto.randomUUID().replaceAll("-", "")}`);
  const names = upsertColumns({ columns }, upsertKeys, dialect);
  await session.query(
    `CREATE TEMPORARY TABLE ${staging} ENGINE=InnoDB AS SELECT ${
      names.all.join(", ")
    } FROM ${table.name} LIMIT 0`,
  );
  await session.query(
    `ALTER TABLE ${staging} ADD dxt_row BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY FIRST`,
  );
  const texts = columns.filter(({ field }) =>
    field.dtype === "string" && upsertKeys.includes(field.name)
  ).map(({ column }) => quote(column.name));
  const differ = texts.map((name) => `CAST(s.${name} AS BINARY) <> CAST(t.${name} AS BINARY)`);
  return {
    staging,
    statements: upsertStatements("on duplicate key", {
      table: table.name,
      columns: names,
      // A record that is nothing but key is updated too.
      changed: names.others.length > 0 ? names.others : names.keys,
      rows: `${staging} AS s ORDER BY dxt_row`,
    }),
    confusion: texts.length === 0
      ? undefined
      : `SELECT 1 FROM ${staging} s JOIN ${table.name} t ON ${sameKey(names.keys)} WHERE ${
        differ.join(" OR ")
      } LIMIT 1`,
  };
}

/**
 * ON DUPLICATE KEY means any unique index: another one than that of the keys would make the server update
 * rows of other keys.
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
  await refuseConfusion(session, target, upsert);
  for (const statement of upsert.statements) {
    const { warnings } = await session.query(statement);
    await refuseWarnings(session, target, warnings);
  }
  await refuseConfusion(session, target, upsert);
}

/** LOAD DATA LOCAL makes warnings of what a strict mode refuses, and leaves out rows of a known key. */
export async function refuseWarnings(
  session: Session,
  { table }: Target,
  count: number,
): Promise<void> {
  if (count === 0) return;
  const { rows } = await session.query("SHOW WARNINGS LIMIT 1");
  const said = rows[0] === undefined ? "" : `: ${rows[0][2]} (${rows[0][1]})`;
  throw new LoaderError(
    `Cannot load into ${table.label}: MySQL changed or left out what it was given, ${count} warnings${said}`,
  );
}

/** A row whose key equals that of another only by collation would have taken its place. */
async function refuseConfusion(session: Session, { table }: Target, { confusion }: Upsert) {
  if (confusion === undefined) return;
  const { rows: [pair] } = await session.query(confusion);
  if (pair === undefined) return;
  throw new LoaderError(
    `Cannot upsert into ${table.label}: its collation takes two keys for one that differ in case, accents or closing blanks`,
  );
}
