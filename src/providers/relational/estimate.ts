/** How much a source holds, as the catalogue and the planner know it. */
import type { Estimate } from "../../core/contracts/connector.ts";
import type { StreamSource } from "../../models/source.ts";
import type { RelationalSystem, SqlSession, Table } from "./contract.ts";
import { tableName } from "./names.ts";
import { selectAll } from "./select.ts";

type Size = Pick<Estimate, "rows" | "bytes">;

/** What a provider knows of sizes; nothing of it reads a table's rows. */
export interface SizeReader<S extends SqlSession, T extends Table> {
  /** For example `table` or `foreign table`. */
  getKind(table: T): string;
  /** Size of a table as the catalogue has it; undefined of other relations. */
  findSize(session: S, table: T): Promise<Size | undefined>;
  /** What the planner expects of a SELECT; unset where the system has no such estimate. */
  plannedSize?(session: S, sql: string): Promise<Size>;
}

export async function estimateSource<S extends SqlSession, T extends Table, E>(
  { dialect, catalog }: RelationalSystem<S, T, E>,
  session: S,
  source: StreamSource,
  sizes: SizeReader<S, T>,
): Promise<Estimate> {
  const planned = async () => await sizes.plannedSize?.(session, selectAll(source, dialect)) ?? {};
  if (source.type !== "relation") {
    return { kind: source.type === "sql" ? "query" : source.type, ...await planned() };
  }
  const table = await catalog.find(session, tableName(source));
  const kind = table === undefined ? "relation" : sizes.getKind(table);
  if (source.where !== undefined) return { kind: `${kind} with a condition`, ...await planned() };
  const size = table === undefined ? undefined : await sizes.findSize(session, table);
  return { kind, ...size ?? await planned() };
}
