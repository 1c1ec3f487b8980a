/** Asks the target which rows of a source are new, and warns of watermarks that would hide some. */
import type { WatermarkRange } from "../../core/contracts/connector.ts";
import type { WatermarkQuery } from "../../core/contracts/loader.ts";
import { SchemaError } from "../../core/errors.ts";
import { compareInOrder } from "../../core/values/value_order.ts";
import { formatValue, type Value } from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import type { Progress, RunContext } from "../contract/run_context.ts";
import { backfillRange } from "../plan/backfill.ts";
import { datasetName } from "../plan/dataset_name.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";
import { targetName } from "../plan/field_declarations.ts";
import type { ResolvedFields } from "../plan/resolve_fields.ts";
import { inSourceType, isFuture, refuseUnordered, watermarkRange } from "../plan/watermark.ts";
import type { ConnectionClient } from "../worker/connection_client.ts";
import { plainClass } from "../worker/connection_clients.ts";
import { checkOwnRows } from "./check_fields.ts";
import type { PrepareContext } from "./prepare_context.ts";

/** The query for the highest watermark that the stream continues from. */
function watermarkQuery(plan: StreamPlan, field: Field): WatermarkQuery {
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
  if (context.fullRefresh) return undefined;
  const field = findWatermarkField(plan, resolved);
  if (field === undefined) return undefined;
  if (context.backfill !== undefined) return backfillRange(context.backfill, field);
  const { max, query } = await askWatermark(plan, context, field);
  const text = max === undefined ? {} : { max: formatValue(max) };
  if (text.max !== undefined) progress.watermarkBefore = text.max;
  const { target: _target, ...scope } = query;
  progress.expected = { ...scope, ...text };
  const range = watermarkRange(plan.stream.extract!, field, max);
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
 * The watermark field of an incremental stream; undefined for any other.
 *
 * @throws {SchemaError} when the stream has no such field, or the field no order
 */
export function findWatermarkField(plan: StreamPlan, resolved: ResolvedFields): Field | undefined {
  const settings = plan.stream.extract;
  if (settings?.mode !== "incremental") return undefined;
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
  return field;
}

/** Asks the target for its highest watermark; `max` is undefined where it has none. */
export async function askWatermark(
  plan: StreamPlan,
  { withTarget }: Pick<PrepareContext, "withTarget">,
  field: Field,
): Promise<{ max: Exclude<Value, null> | undefined; query: WatermarkQuery }> {
  const loader = plainClass(plan.loader);
  const query = watermarkQuery(plan, field);
  const max = await withTarget((target) => target.call("getMaxWatermark", { loader, ...query }));
  return { max, query };
}

/**
 * Warns where the target's highest watermark is above the source's: rows of the source below it are
 * not read. A trigger or another writer set it, or its row was deleted from the source. Does not warn
 * where the source cannot be asked cheaply.
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
  const name = datasetName(target);
  if (ownRows === undefined) return name;
  if ("condition" in ownRows) return `${name} where ${ownRows.condition}`;
  const marks = Object.entries(ownRows.values).map(([mark, value]) => `${mark} = ${value}`);
  return `${name} where ${marks.join(" and ")}`;
}
