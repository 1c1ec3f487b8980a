/** The statements of an upsert, by the syntax that the system has for it. */
import type { Field } from "../../../models/field.ts";
import type { Quoting, TableColumn } from "../contract.ts";

/**
 * `on conflict` needs a unique index of the keys, `on duplicate key` takes any unique index, and
 * `update insert` none; for that, the table is locked against other writers.
 */
export type UpsertStrategy = "on conflict" | "on duplicate key" | "update insert";

/** Quoted names of the columns of a load. */
export interface UpsertColumns {
  readonly all: readonly string[];
  readonly keys: readonly string[];
  readonly others: readonly string[];
}

/** A field, and the column that takes it. */
interface NamedColumn {
  readonly field: Pick<Field, "name">;
  readonly column: Pick<TableColumn, "name">;
}

export function upsertColumns(
  { columns }: { readonly columns: readonly NamedColumn[] },
  upsertKeys: readonly string[],
  { quote }: Quoting,
): UpsertColumns {
  const names = (wanted: (isKey: boolean) => boolean) =>
    columns.filter(({ field }) => wanted(upsertKeys.includes(field.name)))
      .map(({ column }) => quote(column.name));
  return {
    all: names(() => true),
    keys: names((isKey) => isKey),
    others: names((isKey) => !isKey),
  };
}

/** The condition that a row of table `t` has the key of the staged row `s`. */
export function sameKey(keys: readonly string[]): string {
  return keys.map((key) => `t.${key} = s.${key}`).join(" AND ");
}

/** An upsert from a table of staged rows, which has the columns of the target. */
export interface StagedUpsert {
  /** Quoted name of the target. */
  readonly table: string;
  readonly columns: Pick<UpsertColumns, "all" | "keys">;
  /** Columns that are updated in a row whose key exists; if empty, the row stays as it is. */
  readonly changed: readonly string[];
  /** The FROM item of the staged rows `s`: one row per key, or in an order in which the last one wins. */
  readonly rows: string;
  /** Clause between the columns and the rows of an INSERT, with a leading blank. */
  readonly option?: string;
}

export function upsertStatements(
  strategy: UpsertStrategy,
  { table, columns: { all, keys }, changed, rows, option = "" }: StagedUpsert,
): string[] {
  const list = all.join(", ");
  const insert = `INSERT INTO ${table} (${list})${option} SELECT ${list} FROM ${rows}`;
  if (strategy !== "update insert") return [`${insert} ${upsertClause(strategy, keys, changed)}`];
  const same = sameKey(keys);
  const sets = changed.map((column) => `${column} = s.${column}`).join(", ");
  const update = `UPDATE ${table} AS t SET ${sets} FROM ${rows} WHERE ${same}`;
  return [
    ...(changed.length === 0 ? [] : [update]),
    `${insert} WHERE NOT EXISTS (SELECT 1 FROM ${table} AS t WHERE ${same})`,
  ];
}

/**
 * The clause that makes an INSERT an upsert.
 *
 * @param keys quoted names of the columns of a unique index
 * @param changed quoted names of the columns that are updated in a row whose key exists
 */
export function upsertClause(
  strategy: Exclude<UpsertStrategy, "update insert">,
  keys: readonly string[],
  changed: readonly string[],
): string {
  if (strategy === "on duplicate key") {
    // Setting a key to itself changes nothing; IGNORE would also hide errors.
    const sets = changed.length === 0
      ? [`${keys[0]} = ${keys[0]}`]
      : changed.map((name) => `${name} = VALUES(${name})`);
    return `ON DUPLICATE KEY UPDATE ${sets.join(", ")}`;
  }
  const sets = changed.map((name) => `${name} = excluded.${name}`);
  const action = sets.length === 0 ? "DO NOTHING" : `DO UPDATE SET ${sets.join(", ")}`;
  return `ON CONFLICT (${keys.join(", ")}) ${action}`;
}
