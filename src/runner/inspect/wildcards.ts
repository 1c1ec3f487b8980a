/** Expands wildcards: replaces each by a stream for each table of the source, or for each staged table. */
import { type LoadedPipeline, LocatedError } from "../../config/mod.ts";
import { joinName, splitName } from "../../core/values/table_name.ts";
import {
  type Category,
  parseTarget,
  type StreamSource,
  type StreamTarget,
} from "../../models/source.ts";
import { isKeyed } from "../../models/rules.ts";
import type { Stream } from "../../models/stream.ts";
import {
  fillPlaceholders,
  isWildcard,
  type TableStream,
  type WildcardTable,
} from "../../models/wildcard.ts";
import { type PipelinePlan, planPipeline, type StreamPlan } from "../plan/pipeline_plan.ts";
import { fieldId } from "../plan/field_declarations.ts";
import {
  describeNoMatch,
  formatKey,
  type ListOptions,
  listStagedTables,
  listTables,
  matchTables,
  type NamedTable,
  type Report,
} from "./source_tables.ts";

/** A stream, and the index of the one in the file that it comes from. */
interface Expanded {
  readonly stream: Stream;
  readonly index: number;
  /** The table, if a wildcard made the stream. */
  readonly table?: NamedTable;
}

/**
 * Returns the pipeline with a stream for each table that its wildcards match; the same pipeline when it
 * has none. Its errors still name places in the file. A table that another stream reads by its name is
 * left to that stream.
 *
 * @throws {LocatedError} that lists every wildcard without a table, every table that lacks a key or the
 * watermark field, and ids and targets that occur twice
 */
export async function expandWildcards(
  loaded: LoadedPipeline,
  options: ListOptions,
): Promise<LoadedPipeline> {
  if (!loaded.pipeline.streams.some(isWildcard)) return loaded;
  const plan = await planPipeline(loaded);
  const tables = await listTables(loaded, plan, options);
  return await expand(loaded, plan, tables, ({ stream, source }, report) => {
    report("source", describeNoMatch(stream, source, tables));
    return [];
  });
}

/**
 * As {@linkcode expandWildcards}, with a stream for each staged table: a load does not ask the source. A
 * wildcard without a stage remains, so that its load fails.
 */
export async function expandStagedWildcards(loaded: LoadedPipeline): Promise<LoadedPipeline> {
  if (!loaded.pipeline.streams.some(isWildcard)) return loaded;
  const plan = await planPipeline(loaded);
  return await expand(loaded, plan, await listStagedTables(loaded, plan), ({ stream }) => [stream]);
}

/** @param replaceEmpty returns what takes the place of a wildcard without a table */
async function expand(
  loaded: LoadedPipeline,
  plan: PipelinePlan,
  tables: readonly NamedTable[],
  replaceEmpty: (wildcard: StreamPlan, report: Report) => Stream[],
): Promise<LoadedPipeline> {
  const named = plan.streams.filter(({ stream, source }) =>
    !isWildcard(stream) && source.type === "relation"
  );
  const own = new Set(await Promise.all(named.map(({ source }) => formatKey(plan.source, source))));
  const problems = new Problems(loaded);
  const expanded = plan.streams.flatMap((wildcard, index): Expanded[] => {
    const { stream, source } = wildcard;
    if (!isWildcard(stream)) return [{ stream, index }];
    const made = matchTables(stream, source, tables, own)
      .map((table) => ({
        stream: makeTableStream(stream, source, table, plan.target.provider),
        index,
        table,
      }))
      .filter(({ stream: { id }, table: { stagedAs = id } }) => stagedAs === id);
    checkFields(stream, made.map(({ table }) => table), problems.at(index));
    return made.length > 0
      ? made
      : replaceEmpty(wildcard, problems.at(index)).map((stream) => ({ stream, index }));
  });
  checkIds(expanded, problems);
  await checkTargets(plan, expanded, problems);
  problems.throwIfAny();
  return {
    ...loaded,
    pipeline: { ...loaded.pipeline, streams: expanded.map(({ stream }) => stream) },
    errorAt: ([first, index, ...rest], message) =>
      first === "streams" && typeof index === "number"
        ? loaded.errorAt([first, expanded[index]!.index, ...rest], message)
        : loaded.errorAt([first, index, ...rest].filter((part) => part !== undefined), message),
  };
}

/** The errors of all wildcards. */
class Problems {
  readonly #errors: Error[] = [];

  constructor(private readonly loaded: LoadedPipeline) {}

  /** Adds errors at keys of the stream with this index. */
  at(index: number): Report {
    return (key, message) => {
      this.#errors.push(this.loaded.errorAt(["streams", index, key], message));
    };
  }

  throwIfAny(): void {
    if (this.#errors.length === 0) return;
    throw new LocatedError(
      this.#errors.flatMap((error) => error instanceof LocatedError ? error.issues : []),
    );
  }
}

/** Reports all tables that lack a primary key, or a field that the wildcard names. */
function checkFields(stream: Stream, tables: readonly NamedTable[], report: Report): void {
  const { id, extract, load, fields = [] } = stream;
  const declared = new Set(fields.map((field) => field.id));
  const lacking = (name: string) =>
    tables.filter((table) =>
      !declared.has(name) && !table.fields.some((field) => fieldId(stream, field.name) === name)
    );
  const refuse = (key: string, action: string, without: readonly NamedTable[], lack: string) => {
    if (without.length === 0) return;
    const names = without.map(({ label }) => `"${label}"`).join(", ");
    report(
      key,
      `Cannot ${action} stream "${id}": no ${lack} in ${names}; exclude these tables, or give them their own streams`,
    );
  };
  if (load?.mode !== undefined && isKeyed(load.mode)) {
    const { upsert_keys: keys } = load;
    if (keys === undefined) {
      const keyless = tables.filter((table) => primaryKey(stream, table).length === 0);
      refuse("load", "upsert", keyless, "primary key");
    }
    for (const key of keys ?? []) refuse("load", "upsert", lacking(key), `key field "${key}"`);
  }
  const watermark = extract?.watermark_field;
  if (extract?.mode !== "incremental" || watermark === undefined) return;
  refuse("extract", "read new rows of", lacking(watermark), `watermark field "${watermark}"`);
}

function primaryKey(stream: Stream, { fields }: WildcardTable): string[] {
  return fields.filter(({ key }) => key === true).map(({ name }) => fieldId(stream, name));
}

/** The id of the stream that a wildcard makes for a table. */
export function nameTableStream(
  { id }: Pick<Stream, "id">,
  table: { readonly schema: string; readonly table: string },
): string {
  return fillPlaceholders(id, table).replace(/[\s,:*?]+/g, "_");
}

/**
 * The stream of one table; all keys but id, source, target and upsert_keys are the wildcard's.
 *
 * @param target the system that it is loaded into
 */
export function makeTableStream(
  wildcard: Stream,
  source: StreamSource,
  table: WildcardTable,
  target: { readonly category: Category },
): TableStream {
  const { exclude: _exclude, include_views: _views, ...stream } = wildcard;
  const { load } = stream;
  const keyed = load?.mode !== undefined && isKeyed(load.mode) && load.upsert_keys === undefined;
  const where = source.type === "relation" && source.where !== undefined
    ? { where: source.where }
    : {};
  const written = stream.target ?? stream.id;
  return {
    ...stream,
    id: nameTableStream(stream, table),
    source: { ...table.source, ...where } as StreamSource,
    target: fillTarget(
      typeof written === "string" ? parseTarget(target.category, written) : written,
      table,
    ),
    ...(keyed ? { load: { ...load, upsert_keys: primaryKey(wildcard, table) } } : {}),
    table: {
      source: table.source,
      schema: table.schema,
      table: table.table,
      isView: table.isView,
      fields: table.fields,
    },
  };
}

/** Names of tables may contain dots, which separate schema and table in a target, and slashes. */
function fillTarget(target: StreamTarget, table: WildcardTable): StreamTarget {
  if (target.type === "relation") {
    const fill = (part: string) => fillPlaceholders(part, table);
    return target.schema === undefined
      ? { ...target, name: joinName(splitName(target.name).map(fill)) }
      : { ...target, schema: fill(target.schema), name: fill(target.name) };
  }
  const safe = {
    schema: table.schema.replace(/[/\\]/g, "_"),
    table: table.table.replace(/[/\\]/g, "_"),
  };
  const filled = Object.entries(target).map(([key, value]) => [
    key,
    typeof value === "string" && key !== "type" ? fillPlaceholders(value, safe) : value,
  ]);
  return Object.fromEntries(filled) as StreamTarget;
}

function checkIds(expanded: readonly Expanded[], problems: Problems): void {
  for (const same of Map.groupBy(expanded, ({ stream }) => stream.id).values()) {
    const made = same.find(({ table }) => table !== undefined);
    if (same.length === 1 || made === undefined) continue;
    problems.at(made.index)(
      "id",
      `Cannot name several streams "${made.stream.id}": ${
        describeOrigins(same)
      }; expected an id such as {schema}.{table}`,
    );
  }
}

/** Reports tables that a wildcard would load into one target, also if only their case differs. */
async function checkTargets(
  { target, streams }: PipelinePlan,
  expanded: readonly Expanded[],
  problems: Problems,
): Promise<void> {
  for (const [index, { stream }] of streams.entries()) {
    const written = JSON.stringify(stream.target ?? stream.id);
    if (!isWildcard(stream) || !isWildcard({ id: written })) continue;
    const made = expanded.filter((one) => one.index === index && one.table !== undefined);
    const keys = await Promise.all(
      made.map((one) => formatKey(target, one.stream.target as StreamTarget)),
    );
    const byTarget = Map.groupBy(made, (one) => keys[made.indexOf(one)]!);
    for (const same of byTarget.values()) {
      if (same.length === 1) continue;
      problems.at(index)(
        "target",
        `Cannot load several tables into one target: ${
          describeOrigins(same)
        }; expected a target such as {schema}_{table}`,
      );
    }
  }
}

function describeOrigins(streams: readonly Expanded[]): string {
  return streams.map(({ stream, table }) =>
    table === undefined ? `stream "${stream.id}"` : `table "${table.label}"`
  ).join(", ");
}
