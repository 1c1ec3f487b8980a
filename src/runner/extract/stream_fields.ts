/** Finds the fields that a stream moves: asks its source, and its target where the source has none. */
import { SchemaError } from "../../core/errors.ts";
import type { Field } from "../../models/field.ts";
import { describeDataset } from "../plan/dataset_name.ts";
import { listOwnColumns, type TypeChange } from "../plan/load_settings.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";
import {
  describeUnseenFields,
  projectField,
  type ResolvedFields,
  resolveFields,
  withTargetTypes,
} from "../plan/resolve_fields.ts";
import type { ConnectorCalls } from "../worker/connection_client.ts";
import { missingSource } from "./missing_source.ts";
import type { PrepareContext } from "./prepare_context.ts";

/**
 * The fields that a stream moves, and those that its source has.
 *
 * @param change how the load may change the types of its target
 */
export async function resolveStreamFields(
  plan: StreamPlan,
  context: PrepareContext,
  source: Pick<ConnectorCalls, "getStreamFields" | "describeMissing">,
  change: TypeChange,
): Promise<ResolvedFields & { readonly found: readonly Field[] }> {
  const skipsMalformed = plan.stream.error_handling?.on_extract_error === "skip";
  const found = await source.getStreamFields(plan.source, skipsMalformed);
  if (found === undefined) throw await missingSource(plan.source, source, context.source, context);
  const resolved = resolveFields(plan.stream, found);
  for (const message of describeUnseenFields(plan.stream, found)) context.warn(message);
  if (resolved.projections.length === 0) {
    return { ...await takeTargetFields(plan, context, resolved), found };
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
  return { ...withTargetTypes(resolved, known, change), found };
}

/**
 * Returns the target's fields, for a source without fields of its own, such as a file without records.
 *
 * @throws {SchemaError} when there is no target that has fields
 */
async function takeTargetFields(
  plan: StreamPlan,
  context: PrepareContext,
  { generated }: ResolvedFields,
): Promise<ResolvedFields> {
  // The fields that a transform would produce are unknown, too.
  const known = context.transformer === undefined
    ? await context.withTarget(({ connector }) => connector.getStreamFields(plan.target)) ?? []
    : [];
  const made = new Set([...generated.map(({ name }) => name), ...listOwnColumns(plan)]);
  const projections = known.filter(({ name }) => !made.has(name)).map((field) => {
    const { name, dtype, precision, scale, nullable } = projectField(field).field;
    const digits = dtype === "decimal" ? { precision, scale } : {};
    return { field: { name, dtype, ...digits, nullable }, column: name };
  });
  if (projections.length > 0) return { projections, generated };
  throw new SchemaError(
    `Cannot tell the fields of stream "${plan.stream.id}": ${
      describeDataset(plan.source)
    } has none, as it has no records, and no target tells them; declare them in fields`,
  );
}
