/** What source and target are asked before a stream is moved: its fields, and what is new. */
import type { WatermarkRange } from "../core/connector.ts";
import { SchemaError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import { textOf } from "../core/values.ts";
import type { Field } from "../models/field.ts";
import { backfillRange } from "./backfill.ts";
import type { Progress, RunContext } from "./context.ts";
import type { End } from "./end.ts";
import { plainClass, targetEnd } from "./ends.ts";
import { stagedFields } from "./extraction.ts";
import {
  describeUnseenFields,
  projectionOf,
  type ResolvedFields,
  resolveFields,
  targetName,
  withTargetTypes,
} from "./fields.ts";
import type { StreamPlan } from "./plan.ts";
import type { Transformer } from "./transformer.ts";
import { watermarkRange } from "./watermark.ts";

/** What is asked while a stream is planned or begun. */
export type Asked = Pick<RunContext, "source" | "target" | "warn"> & {
  /** Asks the target something, over a connection that is open or is opened for it. */
  atTarget<T>(ask: (target: End) => Promise<T>): Promise<T>;
  /** Where the stream has transforms. */
  readonly transformer: Transformer | undefined;
};

export function askedBy(
  plan: StreamPlan,
  context: RunContext,
  transformer: Transformer | undefined,
): Asked & RunContext {
  return {
    ...context,
    transformer,
    async atTarget(ask) {
      await using target = targetEnd(plan, context);
      return await ask(target);
    },
  };
}

/** The fields that a stream moves, and those that its source has. */
export async function streamFields(
  plan: StreamPlan,
  context: Asked,
  source: Pick<End, "getStreamFields" | "testConnection">,
): Promise<ResolvedFields & { readonly found: readonly Field[] }> {
  const found = await source.getStreamFields(plan.source);
  if (found === undefined) {
    // A system that is not there at all says so in its own words.
    await source.testConnection();
    throw new SchemaError(
      `Cannot find ${
        describe(plan.source)
      } in ${context.source.provider.name}: it does not exist, or the login may not see it`,
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
  const known = await context.atTarget((target) => target.getStreamFields(plan.target)) ?? [];
  return { ...withTargetTypes(resolved, known), found };
}

/**
 * Fields for a source that has none, as a file without records: those of the target, of which nothing
 * will be read.
 *
 * @throws {SchemaError} when there is no target that has fields
 */
async function fieldsOfTarget(
  plan: StreamPlan,
  context: Asked,
  { generated }: ResolvedFields,
): Promise<ResolvedFields> {
  // What a transform would make of nothing is not known either.
  const known = context.transformer === undefined
    ? await context.atTarget((target) => target.getStreamFields(plan.target)) ?? []
    : [];
  const made = new Set(generated.map(({ name }) => name));
  const projections = known.filter(({ name }) => !made.has(name)).map((field) => {
    const { name, dtype, precision, scale, nullable } = projectionOf(field).field;
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
 * A key that is no field would only be found out when everything is staged.
 *
 * @throws {SchemaError} that names it
 */
export function checkUpsertKeys(
  { stream }: StreamPlan,
  resolved: ResolvedFields,
): void {
  const names = stagedFields(resolved).map(({ name }) => name);
  for (const id of stream.load?.upsert_keys ?? []) {
    if (names.includes(targetName(stream, id))) continue;
    throw new SchemaError(
      `Cannot upsert by "${id}": the stream has no such field${nearest(id, names)}; it has ${
        names.map((name) => `"${name}"`).join(", ")
      }`,
    );
  }
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

/** The range to read, from the watermark that the target has. */
export async function findRange(
  plan: StreamPlan,
  context: Asked & Pick<RunContext, "fullRefresh" | "backfill">,
  { projections }: ResolvedFields,
  progress: Pick<Progress, "watermarkBefore" | "expected">,
): Promise<WatermarkRange | undefined> {
  const settings = plan.stream.extract;
  if (settings?.mode !== "incremental" || context.fullRefresh) return undefined;
  const name = targetName(plan.stream, settings.watermark_field!);
  const field = projections.find((projection) => projection.field.name === name)?.field;
  if (field === undefined) {
    throw new SchemaError(
      `Cannot use watermark field "${settings.watermark_field}": the stream has no such field, it has ${
        projections.map((projection) => `"${projection.field.name}"`).join(", ")
      }`,
    );
  }
  if (context.backfill !== undefined) return backfillRange(context.backfill, field);
  const loader = plainClass(plan.loader);
  const asked = { loader, target: plan.target, field: name, as: field };
  const max = await context.atTarget((target) => target.getMaxWatermark(asked));
  const text = max === undefined ? {} : { max: textOf(max) };
  if (text.max !== undefined) progress.watermarkBefore = text.max;
  progress.expected = { field: name, as: field, ...text };
  return watermarkRange(settings, field, max);
}
