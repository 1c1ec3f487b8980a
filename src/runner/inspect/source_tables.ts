/** The tables of a source, and those that a wildcard matches. */
import type { LoadedPipeline } from "../../config/mod.ts";
import type { DiscoveredStream } from "../../core/contracts/connector.ts";
import { joinName, splitName } from "../../core/values/table_name.ts";
import type { StreamSource, StreamTarget } from "../../models/source.ts";
import type { Stream } from "../../models/stream.ts";
import { isWildcard } from "../../models/wildcard.ts";
import { matchesPattern } from "../../selector/mod.ts";
import type { Endpoint } from "../plan/endpoint.ts";
import type { PipelinePlan } from "../plan/pipeline_plan.ts";
import { listNames, suggestStream } from "../../core/suggest_stream.ts";
import { createRetryPolicy, withRetries } from "../retry.ts";
import { openClient } from "../worker/connection_clients.ts";
import { openThreads } from "../worker/pool.ts";

export interface ListOptions {
  readonly signal: AbortSignal;
  /** Attempts to list the tables after the first; those of the first wildcard when absent. */
  readonly retries?: number | undefined;
  /** Receives a warning, and the id of the wildcard that it concerns. */
  onWarning?(stream: string, message: string): void;
}

/** A table of the source. */
export interface SourceTable extends DiscoveredStream {
  readonly schema: string;
  /** The name without its schema. */
  readonly table: string;
  /** Schema and name in messages. */
  readonly label: string;
  /** Equal for two names of the same table. */
  readonly key: string;
}

/** Adds an error at a key of the wildcard. */
export type Report = (key: string, message: string) => void;

/** Lists all tables and views that the login may read, with the retries of the first wildcard. */
export async function listTables(
  loaded: LoadedPipeline,
  { source, streams }: PipelinePlan,
  { signal, retries, onWarning = () => {} }: ListOptions,
): Promise<SourceTable[]> {
  const { id, retry } = streams.map(({ stream }) => stream).find(isWildcard)!;
  const warn = (message: string) => onWarning(id, message);
  const retrying = { policy: createRetryPolicy(retry, retries), signal, warn, prepare: () => true };
  using threads = openThreads(loaded);
  let found: readonly DiscoveredStream[] = [];
  await withRetries(retrying, async () => {
    await using client = openClient(source, { explores: true }, { threads, signal, warn });
    found = await client.connector.discover();
  });
  return await Promise.all(found.map(async (one) => {
    const path = await source.targetPath(one.source as StreamTarget);
    const parts = splitName(one.name);
    const [schema, table] = parts.length === 2
      ? parts
      : [path.length === 2 ? path[0]! : "", parts.join(".")];
    const label = parts.join(".");
    return { ...one, schema: schema!, table: table!, label, key: JSON.stringify(path) };
  }));
}

/** Returns a text that is equal for two names of the same table. */
export async function formatKey(
  endpoint: Endpoint,
  ref: StreamSource | StreamTarget,
): Promise<string> {
  return JSON.stringify(await endpoint.targetPath(ref as StreamTarget));
}

/** The tables of a wildcard; reports when none is left. */
export function matchTables(
  { id, exclude = [], include_views = false }: Stream,
  source: StreamSource,
  tables: readonly SourceTable[],
  own: ReadonlySet<string>,
  report: Report,
): SourceTable[] {
  const pattern = readPattern(source);
  const excluded = exclude.map(splitName);
  const offered = tables.filter(({ isView = false }) => include_views || !isView);
  const matched = offered.filter((table) => isMatch(pattern, table));
  const left = matched.filter((table) =>
    !own.has(table.key) && !excluded.some((one) => isMatch(one, table))
  );
  if (left.length > 0) return left;
  const written = joinName(pattern);
  report(
    "source",
    matched.length > 0
      ? `Cannot expand stream "${id}": each table that matches "${written}" is excluded or has its own stream: ${
        listNames(matched.map(({ label }) => label))
      }`
      : `Cannot expand stream "${id}": no table matches "${written}", or the login may not read it${
        offered.length === 0
          ? "; there are no tables"
          : suggestStream(written, offered.map(({ label }) => label))
      }`,
  );
  return [];
}

/** Patterns of schema and table, or of the table alone, which then matches in every schema. */
function readPattern(source: StreamSource): readonly string[] {
  if (source.type !== "relation") return [];
  return source.schema === undefined ? splitName(source.name) : [source.schema, source.name];
}

function isMatch(pattern: readonly string[], { schema, table }: SourceTable): boolean {
  const names = pattern.length === 1 ? [table] : [schema, table];
  return pattern.length === names.length &&
    names.every((name, i) => matchesPattern(pattern[i]!, name));
}
