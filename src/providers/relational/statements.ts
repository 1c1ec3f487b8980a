/** The statements that a load runs: each is written once, in the words that all dialects share. */
import type { PlannedLoad } from "../../core/contracts/loader.ts";
import type { Dialect, Quoting } from "./contract.ts";

/**
 * Makes a table. Keys of an upsert refuse NULL also where the system's primary keys take it.
 *
 * @param name quoted
 * @param types of the columns, one for each staged field
 */
export function createTable(
  name: string,
  { staged: { fields }, upsertKeys }: PlannedLoad,
  types: readonly string[],
  keys: readonly string[],
  { quote }: Quoting,
): string {
  const lines = fields.map((field, i) => {
    const required = !field.nullable || upsertKeys.includes(field.name);
    return `${quote(field.name)} ${types[i]}${required ? " NOT NULL" : ""}`;
  });
  if (keys.length > 0) lines.push(`PRIMARY KEY (${keys.map(quote).join(", ")})`);
  return `CREATE TABLE ${name} (${lines.join(", ")})`;
}

/** Deletes all rows of a (quoted) table. */
export function deleteAll(name: string): string {
  return `DELETE FROM ${name}`;
}

/** What an INSERT does with a row whose key the table has, written behind its rows. */
export type UpsertStrategy = "on conflict" | "on duplicate key";

/**
 * The clause that makes an INSERT an upsert.
 *
 * @param keys quoted names of the columns of a unique index
 * @param changed quoted names of the columns that a known row gets; without any it stays
 */
export function upsertClause(
  strategy: UpsertStrategy,
  keys: readonly string[],
  changed: readonly string[],
): string {
  if (strategy === "on duplicate key") {
    // To set a key to itself changes nothing, where IGNORE would also hide errors.
    const sets = changed.length === 0
      ? [`${keys[0]} = ${keys[0]}`]
      : changed.map((name) => `${name} = VALUES(${name})`);
    return `ON DUPLICATE KEY UPDATE ${sets.join(", ")}`;
  }
  const sets = changed.map((name) => `${name} = excluded.${name}`);
  const action = sets.length === 0 ? "DO NOTHING" : `DO UPDATE SET ${sets.join(", ")}`;
  return `ON CONFLICT (${keys.join(", ")}) ${action}`;
}

/** Whether a table's unique indexes have one of exactly these columns. */
export function hasUniqueKey(
  uniqueKeys: readonly (readonly string[])[],
  keys: readonly string[],
  { foldName }: Pick<Dialect, "foldName">,
): boolean {
  const sorted = (names: readonly string[]) => JSON.stringify(names.map(foldName).sort());
  return uniqueKeys.some((names) => sorted(names) === sorted(keys));
}
