/** What connectors of relational systems answer in the same way, over a session of theirs. */
import type { DiscoveredStream } from "../../core/contracts/connector.ts";
import type { Field } from "../../models/field.ts";
import type { StreamRef } from "../../models/source.ts";
import type { RelationalSystem, SqlSession, Table } from "./contract.ts";
import { formatReference, tableName } from "./names.ts";

/** Fields of a dataset in its own order; undefined when there is no such table or view. */
export async function streamFields<S extends SqlSession, T extends Table, E>(
  { catalog }: RelationalSystem<S, T, E>,
  session: S,
  ref: StreamRef,
): Promise<Field[] | undefined> {
  if (ref.type !== "relation") return await catalog.describe(session, ref);
  const table = await catalog.find(session, tableName(ref));
  return table === undefined ? undefined : await catalog.fieldsOf(session, table);
}

/** All datasets that the login can see, sorted by the names that work as a stream's `source`. */
export async function discoverStreams<S extends SqlSession, T extends Table, E>(
  { catalog }: RelationalSystem<S, T, E>,
  session: S,
): Promise<DiscoveredStream[]> {
  const tables = await catalog.list(session);
  return tables.map(({ reference, fields, estimatedRows }) => {
    const name = formatReference(reference);
    const known = estimatedRows === undefined ? {} : { estimatedRows };
    return { name, source: { type: "relation" as const, name }, fields, ...known };
  }).sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}
