/** Finds or creates the unique index that an upsert needs. */
import { LoaderError, messageOf } from "../../../core/errors.ts";
import type { Dialect, RelationalSystem, SqlSession, Table } from "../contract.ts";

/** Whether two lists name the same columns, in any order. */
export function sameColumns(
  one: readonly string[],
  other: readonly string[],
  { foldName }: Pick<Dialect, "foldName">,
): boolean {
  const sorted = (names: readonly string[]) => JSON.stringify(names.map(foldName).sort());
  return sorted(one) === sorted(other);
}

/** Whether a table has a unique index of exactly these columns. */
export async function hasUniqueKey<S extends SqlSession, T extends Table, E>(
  { catalog, dialect }: RelationalSystem<S, T, E>,
  session: S,
  table: T,
  keys: readonly string[],
): Promise<boolean> {
  const found = await catalog.uniqueKeys(session, table);
  return found.some((columns) => sameColumns(columns, keys, dialect));
}

/** The statement that creates a unique index of the keys where a table has none. The index remains. */
export async function uniqueKeyStatements<S extends SqlSession, T extends Table, E>(
  system: RelationalSystem<S, T, E>,
  session: S,
  table: T,
  keys: readonly string[],
): Promise<string[]> {
  const { createUniqueIndex } = system;
  if (createUniqueIndex === undefined) return [];
  return await hasUniqueKey(system, session, table, keys) ? [] : [createUniqueIndex(table, keys)];
}

/** @throws {LoaderError} when rows of the table share a key */
export async function ensureUniqueKey<S extends SqlSession, T extends Table, E>(
  system: RelationalSystem<S, T, E>,
  session: S,
  table: T,
  keys: readonly string[],
): Promise<void> {
  for (const statement of await uniqueKeyStatements(system, session, table, keys)) {
    try {
      await session.query(statement);
    } catch (error) {
      const names = keys.map((key) => `"${key}"`).join(", ");
      throw new LoaderError(
        `Cannot upsert into ${table.label} by ${names}: no unique index of these columns can be made, ${
          messageOf(error)
        }`,
        { cause: error },
      );
    }
  }
}
