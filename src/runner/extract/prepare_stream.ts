/** Asks source and target before a stream moves: for its fields, and for the range that is new. */
import type { WatermarkRange } from "../../core/contracts/connector.ts";
import { SchemaError } from "../../core/errors.ts";
import type { WatermarkQuery } from "../../core/contracts/loader.ts";
import { suggestWord } from "../../core/did_you_mean.ts";
import { compareInOrder } from "../../core/values/value_order.ts";
import { formatValue, isIntegerType, type Value } from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import type { StreamRef } from "../../models/source.ts";
import { backfillRange } from "../plan/backfill.ts";
import type { Progress, RunContext } from "../contract/run_context.ts";
import { asTargetError } from "../contract/target_errors.ts";
import type { ConnectionClient, ConnectorCalls } from "../worker/connection_client.ts";
import { openTarget, plainClass } from "../worker/connection_clients.ts";
import { stagedFields } from "../worker/extract_spec.ts";
import {
  describeUnseenFields,
  projectField,
  type ResolvedFields,
  resolveFields,
  targetName,
  withTargetTypes,
} from "../plan/resolve_fields.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";
import type { Transformer } from "./transform_client.ts";
import { suggestStream } from "../plan/suggest_stream.ts";
import { inSourceType, isFuture, refuseUnordered, watermarkRange } from "../plan/watermark.ts";

/** The context for preparing a stream, to plan it or to run it. */
export type PrepareContext = Pick<RunContext, "source" | "target" | "warn"> & {
  /** Calls `work` with a connection to the target, either an open one or a new one. */
  withTarget<T>(work: (target: ConnectionClient) => Promise<T>): Promise<T>;
  /** Where the stream has transforms. */
  readonly transformer: Transformer | undefined;
};

export function prepareContext(
  plan: StreamPlan,
  context: RunContext,
  transformer: Transformer | undefined,
): PrepareContext & RunContext {
  return {
    ...context,
    transformer,
    async withTarget(work) {
      try {
        await using target = openTarget(plan, context);
        return await work(target);
      } catch (error) {
        throw asTargetError(error);
      }
    },
  };
}

/** The fields that a stream moves, and those that its source has. */
export async function streamFields(
  plan: StreamPlan,
  context: PrepareContext,
  source: Pick<ConnectorCalls, "getStreamFields" | "testConnection" | "discover">,
): Promise<ResolvedFields & { readonly found: readonly Field[] }> {
  const found = await source.getStreamFields(plan.source);
  if (found === undefined) {
    // A system that cannot be reached throws its own error.
    await source.testConnection();
    const hint = await suggestSource(plan, context, source);
    throw new SchemaError(
      `Cannot find ${
        describe(plan.source)
      } in ${context.source.provider.name}: it does not exist, or the login may not see it${hint}`,
    );
  }
  const resolved = resolveFields(plan.stream, found);
  for (const message of describeUnseenFields(plan.stream, found)) context.warn(message);
  if (resolved.projections.length === 0) {
    return { ...await fieldsOfTarget(plan, context, resolved), found };
  }
  if (context.transformer !== undefined) {
    const before = resolved.projections.map(({ field }) => field);
    return { ...resolved, transformed: await context.transformer.fields(before), found };
  }
  if (!resolved.projections.some(({ field }) => field.inferred === true)) {
    return { ...resolved, found };
  }
  const known =
    await context.withTarget(({ connector }) => connector.getStreamFields(plan.target)) ??
      [];
  return { ...withTargetTypes(resolved, known), found };
}

/** Suggests the nearest table; no file, since a worker may read only the files of its streams. */
async function suggestSource(
  { source: { ...wanted } }: StreamPlan,
  { source: { provider } }: PrepareContext,
  source: Pick<ConnectorCalls, "discover">,
): Promise<string> {
  if (provider.category !== "relational" || wanted.type !== "relation") return "";
  // A failed discovery must not hide the error of the missing source.
  const found = await source.discover().catch(() => []);
  return found.length === 0 ? "" : suggestStream(streamName(wanted), found.map(({ name }) => name));
}

/**
 * Returns the target's fields, for a source without fields of its own, such as a file without records.
 *
 * @throws {SchemaError} when there is no target that has fields
 */
async function fieldsOfTarget(
  plan: StreamPlan,
  context: PrepareContext,
  { generated }: ResolvedFields,
): Promise<ResolvedFields> {
  // The fields that a transform would produce are unknown, too.
  const known = context.transformer === undefined
    ? await context.withTarget(({ connector }) => connector.getStreamFields(plan.target)) ?? []
    : [];
  const made = new Set(generated.map(({ name }) => name));
  const projections = known.filter(({ name }) => !made.has(name)).map((field) => {
    const { name, dtype, precision, scale, nullable } = projectField(field).field;
    const digits = dtype === "decimal" ? { precision, scale } : {};
    return { field: { name, dtype, ...digits, nullable }, column: name };
  });
  if (projections.length > 0) return { projections, generated };
  throw new SchemaError(
    `Cannot tell the fields of stream "${plan.stream.id}": ${
      describe(plan.source)
    } has none, as it has no records, and no target tells them; declare them in fields`,
  );
}

/**
 * Checks that the keys are fields, which a loader would notice only after everything was staged.
 *
 * @throws {SchemaError} that names a key that is no field
 */
export function checkUpsertKeys(
  { stream }: StreamPlan,
  resolved: ResolvedFields,
): void {
  const names = stagedFields(resolved).map(({ name }) => name);
  for (const id of stream.load?.upsert_keys ?? []) {
    if (names.includes(targetName(stream, id))) continue;
    throw new SchemaError(
      `Cannot upsert by "${id}": the stream has no such field${suggestWord(id, names)}; it has ${
        names.map((name) => `"${name}"`).join(", ")
      }`,
    );
  }
}

/**
 * Checks that the field whose ranges are the parts of a source has whole numbers.
 *
 * @throws {SchemaError} that names the field
 */
export function checkPartitionField(
  { stream }: StreamPlan,
  { projections }: Pick<ResolvedFields, "projections">,
): void {
  const partition = stream.extract?.partition;
  if (typeof partition !== "object") return;
  const found = projections.find(({ field }) => field.name === targetName(stream, partition.field));
  if (found !== undefined && isIntegerType(found.field.dtype)) return;
  const is = found === undefined ? "the stream has no such field" : `it is ${found.field.dtype}`;
  throw new SchemaError(
    `Cannot read in parts by "${partition.field}": ${is}, expected a field of whole numbers`,
  );
}

/** The source for a message: its type and the text that names it. */
function describe(source: StreamPlan["source"]): string {
  const name = "name" in source
    ? source.name
    : "path" in source
    ? source.path
    : "pattern" in source
    ? source.pattern
    : undefined;
  return name === undefined ? `the ${source.type}` : `${source.type} "${name}"`;
}

/** The query for the highest watermark that the stream continues from. */
export function watermarkQuery(plan: StreamPlan, field: Field): WatermarkQuery {
  const { target, ownRows } = plan;
  return {
    target,
    field: field.name,
    as: field,
    ...(ownRows === undefined ? {} : { own: ownRows }),
  };
}

/** The range to read, from the watermark that the target has. */
export async function findRange(
  plan: StreamPlan,
  context: PrepareContext & Pick<RunContext, "fullRefresh" | "backfill">,
  resolved: ResolvedFields,
  progress: Pick<Progress, "watermarkBefore" | "expected">,
): Promise<WatermarkRange | undefined> {
  const settings = plan.stream.extract;
  if (settings?.mode !== "incremental" || context.fullRefresh) return undefined;
  const { projections } = resolved;
  const name = targetName(plan.stream, settings.watermark_field!);
  const field = projections.find((projection) => projection.field.name === name)?.field;
  if (field === undefined) {
    throw new SchemaError(
      `Cannot use watermark field "${settings.watermark_field}": the stream has no such field, it has ${
        projections.map((projection) => `"${projection.field.name}"`).join(", ")
      }`,
    );
  }
  refuseUnordered(field);
  checkOwnRows(plan, resolved);
  if (context.backfill !== undefined) return backfillRange(context.backfill, field);
  const loader = plainClass(plan.loader);
  const query = watermarkQuery(plan, field);
  const max = await context.withTarget((target) =>
    target.call("getMaxWatermark", { loader, ...query })
  );
  const text = max === undefined ? {} : { max: formatValue(max) };
  if (text.max !== undefined) progress.watermarkBefore = text.max;
  const { target: _target, ...scope } = query;
  progress.expected = { ...scope, ...text };
  const range = watermarkRange(settings, field, max);
  const { after } = range;
  if (max !== undefined && isFuture(after!.value, field, Temporal.Now.instant())) {
    context.warn(
      `the highest "${field.name}" of ${maxOwner(plan)} is "${
        formatValue(max)
      }", later than now: no row is read until the source has greater ones; correct the row in source and target`,
    );
  }
  return range;
}

/**
 * Warns where the target's highest watermark is above the source's: then it is another's, such as a
 * trigger's or another writer's, or its row is gone, and new rows below it are not read. Where the
 * the source cannot be asked cheaply, it does not warn.
 */
export async function compareMaxima(
  plan: StreamPlan,
  { warn }: Pick<RunContext, "warn">,
  source: Pick<ConnectionClient, "call">,
  { projections }: ResolvedFields,
  { range: { after, field: name }, watermarkBefore, seen }: {
    readonly range: WatermarkRange;
    readonly watermarkBefore?: string;
    /** Highest watermark that was read; null when nothing was. */
    readonly seen: Value;
  },
): Promise<void> {
  if (after === undefined || watermarkBefore === undefined) return;
  const projection = projections.find(({ field }) => field.name === name)!;
  const { field } = projection;
  // Only the source's system knows the order of these values.
  if (field.order === "native") return;
  const extractor = plainClass(plan.extractor);
  const query = { extractor, source: plan.source, projection };
  const max = seen ?? await source.call("getSourceWatermark", query);
  if (max === undefined) return;
  const theirs = inSourceType(watermarkBefore, field);
  if (compareInOrder(theirs, max, field) <= 0) return;
  warn(
    `the highest "${name}" of ${maxOwner(plan)} is "${watermarkBefore}", above the source's own "${
      formatValue(max)
    }": rows of the source below it are not read; a trigger, another writer or a deleted row may be the cause`,
  );
}

/** Describes in a message which rows of which target have a highest watermark. */
export function maxOwner({ target, ownRows }: Pick<StreamPlan, "target" | "ownRows">): string {
  const name = streamName(target);
  if (ownRows === undefined) return name;
  if ("condition" in ownRows) return `${name} where ${ownRows.condition}`;
  const marks = Object.entries(ownRows.values).map(([mark, value]) => `${mark} = ${value}`);
  return `${name} where ${marks.join(" and ")}`;
}

/** Checks that the fields of a mark exist, which is otherwise noticed only when the target exists. */
function checkOwnRows({ stream, ownRows }: StreamPlan, resolved: ResolvedFields): void {
  if (ownRows === undefined || "condition" in ownRows) return;
  const names = stagedFields(resolved).map(({ name }) => name);
  for (const name of Object.keys(ownRows.values)) {
    if (names.includes(name)) continue;
    throw new SchemaError(
      `Cannot tell the rows of stream "${stream.id}" by "${name}": the stream has no such field${
        suggestWord(name, names)
      }; it has ${names.map((field) => `"${field}"`).join(", ")}`,
    );
  }
}

/** Name, path or text of a dataset. */
export function streamName(ref: StreamRef): string {
  if ("name" in ref) {
    return "schema" in ref && ref.schema !== undefined ? `${ref.schema}.${ref.name}` : ref.name;
  }
  if ("path" in ref) return ref.path;
  if ("pattern" in ref) return ref.pattern;
  return "sql" in ref ? ref.sql.replace(/\s+/g, " ").trim() : ref.type;
}
