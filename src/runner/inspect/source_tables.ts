/** The tables of a source, and those that a wildcard matches. */
import { listCommitted } from "../../buffers/found_stages.ts";
import type { LoadedPipeline } from "../../config/mod.ts";
import type { DiscoveredStream } from "../../core/contracts/connector.ts";
import { joinName, splitName } from "../../core/values/table_name.ts";
import type { StreamSource, StreamTarget } from "../../models/source.ts";
import type { Stream } from "../../models/stream.ts";
import { isWildcard, type WildcardTable } from "../../models/wildcard.ts";
import { matchesPattern } from "../../selector/mod.ts";
import type { Endpoint } from "../plan/endpoint.ts";
import { type PipelinePlan, stageFolders } from "../plan/pipeline_plan.ts";
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

/** A table that wildcards may match. */
export interface NamedTable extends WildcardTable {
  /** Schema and name in messages. */
  readonly label: string;
  /** Equal for two names of the same table. */
  readonly key: string;
  /** Id of the stream that staged it; unset for a table of the source. */
  readonly stagedAs?: string;
}

/** Adds an error at a key of the wildcard. */
export type Report = (key: string, message: string) => void;

/** Lists all tables and views that the login may read, with the retries of the first wildcard. */
export async function listTables(
  loaded: LoadedPipeline,
  { source, streams }: PipelinePlan,
  { signal, retries, onWarning = () => {} }: ListOptions,
): Promise<NamedTable[]> {
  const { id, retry } = streams.map(({ stream }) => stream).find(isWildcard)!;
  const warn = (message: string) => onWarning(id, message);
  const retrying = { policy: createRetryPolicy(retry, retries), signal, warn, prepare: () => true };
  using threads = openThreads(loaded);
  let found: readonly DiscoveredStream[] = [];
  await withRetries(retrying, async () => {
    await using client = openClient(source, { explores: true }, { threads, signal, warn });
    found = await client.connector.discover();
  });
  return await Promise.all(found.map(async ({ name, source: ref, isView, fields }) => {
    const path = await source.targetPath(ref as StreamTarget);
    const parts = splitName(name);
    const [schema, table] = parts.length === 2
      ? parts
      : [path.length === 2 ? path[0]! : "", parts.join(".")];
    return {
      ...{ source: ref, schema: schema!, table: table!, isView },
      fields: fields.map(({ name, key }) => ({ name, ...(key === true ? { key } : {}) })),
      label: parts.join("."),
      key: JSON.stringify(path),
    };
  }));
}

/**
 * Lists the tables whose streams are staged, as they were when they were extracted. Does not ask the source:
 * it may be gone.
 */
export async function listStagedTables(
  loaded: LoadedPipeline,
  { source, streams }: PipelinePlan,
): Promise<NamedTable[]> {
  const committed = await listCommitted(streams[0]!.stageParents[0]!);
  const tables = committed.flatMap(({ directory, details: { pipeline, stream, table } }) => {
    const isOwn = pipeline === loaded.pipeline.name &&
      stageFolders(loaded, { id: stream }).stageDirectory === directory;
    return isOwn && table !== undefined ? [{ ...table, stagedAs: stream }] : [];
  });
  return await Promise.all(tables.map(async (table) => ({
    ...table,
    label: [table.schema, table.table].filter((part) => part !== "").join("."),
    key: await formatKey(source, table.source),
  })));
}

/** Returns a text that is equal for two names of the same table. */
export async function formatKey(
  endpoint: Endpoint,
  ref: StreamSource | StreamTarget,
): Promise<string> {
  return JSON.stringify(await endpoint.targetPath(ref as StreamTarget));
}

/** The tables of a wildcard. */
export function matchTables(
  stream: Stream,
  source: StreamSource,
  tables: readonly NamedTable[],
  own: ReadonlySet<string>,
): NamedTable[] {
  const excluded = (stream.exclude ?? []).map(splitName);
  return matchPattern(stream, source, tables).filter((table) =>
    !own.has(table.key) && !excluded.some((one) => isMatch(one, table))
  );
}

function matchPattern(
  stream: Stream,
  source: StreamSource,
  tables: readonly NamedTable[],
): NamedTable[] {
  const pattern = readPattern(source);
  return listOffered(stream, tables).filter((table) => isMatch(pattern, table));
}

/** The tables that a wildcard without an exclusion could match. */
function listOffered({ include_views = false }: Stream, tables: readonly NamedTable[]) {
  return tables.filter(({ isView = false }) => include_views || !isView);
}

/** Why no table of the source is left for a wildcard. */
export function describeNoMatch(
  stream: Stream,
  source: StreamSource,
  tables: readonly NamedTable[],
): string {
  const written = joinName(readPattern(source));
  const matched = matchPattern(stream, source, tables).map(({ label }) => label);
  if (matched.length > 0) {
    return `Cannot expand stream "${stream.id}": each table that matches "${written}" is excluded or has its own stream: ${
      listNames(matched)
    }`;
  }
  const offered = listOffered(stream, tables).map(({ label }) => label);
  const hint = offered.length === 0 ? "; there are no tables" : suggestStream(written, offered);
  return `Cannot expand stream "${stream.id}": no table matches "${written}", or the login may not read it${hint}`;
}

/** Patterns of schema and table, or of the table alone, which then matches in every schema. */
function readPattern(source: StreamSource): readonly string[] {
  if (source.type !== "relation") return [];
  return source.schema === undefined ? splitName(source.name) : [source.schema, source.name];
}

function isMatch(pattern: readonly string[], { schema, table }: NamedTable): boolean {
  const names = pattern.length === 1 ? [table] : [schema, table];
  return pattern.length === names.length &&
    names.every((name, i) => matchesPattern(pattern[i]!, name));
}
