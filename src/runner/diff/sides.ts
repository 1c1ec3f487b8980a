/** Finds what is read of both sides of a stream, so that their rows can be compared. */
import type { WatermarkRange } from "../../core/contracts/connector.ts";
import type { TargetColumn } from "../../core/contracts/loader.ts";
import { suggestWord } from "../../core/did_you_mean.ts";
import { ConfigurationError, SchemaError } from "../../core/errors.ts";
import { listNames } from "../../core/suggest_stream.ts";
import { formatValue, parseText } from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import type { StreamSource } from "../../models/source.ts";
import { missingSource } from "../extract/missing_source.ts";
import type { PrepareContext } from "../extract/prepare_context.ts";
import { buildSpec, listKeys } from "../extract/stage_stream.ts";
import { resolveStreamFields } from "../extract/stream_fields.ts";
import { askWatermark, findWatermarkField, maxOwner } from "../extract/watermark_range.ts";
import { findRecordExtractor } from "../plan/class_choice.ts";
import { datasetName } from "../plan/dataset_name.ts";
import { targetName } from "../plan/field_declarations.ts";
import { findEndColumn } from "../plan/load_settings.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";
import type { ResolvedFields } from "../plan/resolve_fields.ts";
import { inSourceType, watermarkRange } from "../plan/watermark.ts";
import type { ConnectionClient } from "../worker/connection_client.ts";
import { plainClass } from "../worker/connection_clients.ts";
import { BATCH_BYTES, BATCH_ROWS, stagedFields } from "../worker/extract_spec.ts";
import type { PlainClass, SideInput } from "../worker/inside/protocol.ts";
import type { ComparedRows } from "./stream_diff.ts";

export type DiffContext = PrepareContext & {
  /** The connections that serve all streams. */
  readonly reader: ConnectionClient;
  readonly writer: ConnectionClient;
  readonly startedAt: Temporal.Instant;
  /** Ids of the fields that identify a row; empty: the stream's own. */
  readonly keys: readonly string[];
};

/** Both sides of a stream. */
export interface Sides extends Pick<ComparedRows, "keys" | "omitted"> {
  readonly source: SideInput;
  readonly target: SideInput;
  /** The fields whose values are compared. */
  readonly fields: readonly Field[];
}

/**
 * Resolves the fields as a run does, and finds the columns that have them in the target.
 *
 * @throws {DXTError} for a stream whose rows cannot be compared
 */
export async function findSides(plan: StreamPlan, context: DiffContext): Promise<Sides> {
  const { stream, target, ownRows } = plan;
  const at = `Cannot compare stream "${stream.id}"`;
  if (plan.extractor.yields === "files") {
    throw new ConfigurationError(`${at}: it copies whole files, expected a buffer with records`);
  }
  const { reader, writer } = context;
  const extractor = findRecordExtractor(context.target.provider);
  if (extractor === undefined) {
    throw new ConfigurationError(
      `${at}: ${context.target.provider.name} has no extractor that reads the target`,
    );
  }
  const found = await writer.connector.getStreamFields(target);
  if (found === undefined) {
    throw await missingSource(target, writer.connector, context.target, context);
  }
  const resolved = await resolveStreamFields(plan, context, reader.connector, "none");
  const staged = stagedFields(resolved);
  const loader = plainClass(plan.loader);
  const mark = findEndColumn(plan);
  const marks: Field[] = mark === undefined ? [] : [
    { name: mark, dtype: "timestamp_tz", nullable: true },
  ];
  const columns =
    await writer.call("findColumns", { loader, target, fields: [...staged, ...marks] }) ??
      found.map(({ name }) => ({ field: name, column: name }));
  const omitted = omitFields(resolved, columns);
  const fields = staged.filter(({ name }) => omitted.every(({ field }) => field !== name));
  if (fields.length === 0) {
    throw new ConfigurationError(
      `${at}: no field can be compared: ${
        omitted.map(({ field, reason }) => `"${field}": ${reason}`).join("; ")
      }`,
    );
  }
  const keys = findKeys(plan, resolved, found, columns, fields, context);
  const compared = fields.map(({ name }) => name);
  const common = { compared, keys: (keys.length === 0 ? fields : keys).map(({ name }) => name) };
  if (ownRows === undefined && plan.sharedWith.length > 0) {
    context.warn(
      `the target has rows of other streams, too (${
        plan.sharedWith.map((id) => `"${id}"`).join(", ")
      }): they count as rows that are only in the target`,
    );
  }
  return {
    ...{ fields, keys, omitted },
    source: { ...common, ...await describeSource(plan, context, resolved) },
    target: {
      ...common,
      ...describeTarget(
        plan,
        context,
        extractor,
        [...staged, ...findMarks(marks, found, columns)],
        columns,
        compared,
      ),
    },
  };
}

/** Fields whose values cannot be compared, with the reason. */
function omitFields(
  { generated, constants = {}, ...fields }: ResolvedFields,
  columns: readonly TargetColumn[],
): { field: string; reason: string }[] {
  return stagedFields({ generated, ...fields }).flatMap(({ name: field }) => {
    const isMade = generated.some(({ name }) => name === field) && !Object.hasOwn(constants, field);
    const column = columns.find((one) => one.field === field);
    const reason = isMade
      ? "it differs in every run"
      : column === undefined
      ? "the target has no such column"
      : column.altered;
    return reason === undefined ? [] : [{ field, reason }];
  });
}

/**
 * The fields that identify a row: those that the user names, else the upsert keys, else the primary key of the
 * source or the target; none where these are not compared.
 *
 * @throws {SchemaError} for a key of the user that cannot be compared
 */
function findKeys(
  plan: StreamPlan,
  resolved: ResolvedFields,
  found: readonly Field[],
  columns: readonly TargetColumn[],
  fields: readonly Field[],
  { warn, keys: named }: Pick<DiffContext, "warn" | "keys">,
): Field[] {
  const ofSource = named.length > 0
    ? named.map((id) => targetName(plan.stream, id))
    : listKeys(plan, resolved);
  const ofTarget = found.filter(({ key }) => key === true).map(({ name }) =>
    columns.find(({ column }) => column === name)?.field ?? name
  );
  const names = ofSource.length > 0 ? ofSource : ofTarget;
  const keys = names.flatMap((name) => fields.find((field) => field.name === name) ?? []);
  if (names.length > 0 && keys.length === names.length) return keys;
  const other = names.find((name) => fields.every((field) => field.name !== name));
  if (named.length > 0) {
    const known = fields.map(({ name }) => name);
    throw new SchemaError(
      `Cannot compare stream "${plan.stream.id}" by "${other}": no such field is compared${
        suggestWord(other!, known)
      }; there are ${listNames(known)}`,
    );
  }
  const why = other === undefined
    ? "neither source nor target has a primary key, and the stream no upsert_keys; name some with --key"
    : `key "${other}" cannot be compared`;
  warn(
    `Rows are compared as a whole, so that a changed row is one only in the source and one only in the target: ${why}`,
  );
  return [];
}

/** All that a run would load, from the beginning; what is above the target's watermark is later. */
async function describeSource(
  plan: StreamPlan,
  context: DiffContext,
  resolved: ResolvedFields,
): Promise<Omit<SideInput, "compared" | "keys">> {
  const field = findWatermarkField(plan, resolved);
  const settings = plan.stream.extract;
  let range = field === undefined ? undefined : watermarkRange(settings!, field, undefined);
  let loaded: WatermarkRange | undefined;
  const max = field === undefined ? undefined : (await askWatermark(plan, context, field)).max;
  if (field !== undefined && max !== undefined) {
    const value = inSourceType(formatValue(max), field);
    const upTo = { value, inclusive: true };
    const nulls = settings!.null_watermark === "exclude" ? "exclude" : "include";
    // Only the source's system knows how these compare.
    if (field.order === "native") range = { ...range!, upTo };
    else loaded = { field: field.name, upTo, nulls };
    context.warn(
      `Rows of the source whose "${field.name}" is above "${formatValue(max)}", the highest of ${
        maxOwner(plan)
      }, are not compared: the next run loads them`,
    );
  }
  const spec = buildSpec(plan, { ...context, limit: undefined, only: new Map() }, resolved, range);
  return {
    extractor: plainClass(plan.extractor),
    spec: { ...spec, refuseNull: false },
    within: [],
    ...(loaded === undefined ? {} : { loaded }),
  };
}

/** The fields of marks that the target has, with the types of their columns. */
function findMarks(
  marks: readonly Field[],
  found: readonly Field[],
  columns: readonly TargetColumn[],
): Field[] {
  return marks.flatMap(({ name }) => {
    const column = columns.find(({ field }) => field === name)?.column;
    const field = found.find((one) => one.name === column);
    return field === undefined ? [] : [{ ...field, name }];
  });
}

/** The stream's own rows of the target, with the types of the stage. */
function describeTarget(
  plan: StreamPlan,
  { startedAt }: DiffContext,
  extractor: PlainClass,
  staged: readonly Field[],
  columns: readonly TargetColumn[],
  compared: readonly string[],
): Omit<SideInput, "compared" | "keys"> {
  const { target, ownRows, stream } = plan;
  const values = ownRows !== undefined && "values" in ownRows ? ownRows.values : {};
  const where = ownRows !== undefined && "condition" in ownRows ? ownRows.condition : undefined;
  const mark = findEndColumn(plan);
  const read = staged.filter(({ name }) =>
    compared.includes(name) || name in values || name === mark
  );
  const projections = read.map((field) => ({
    // The target need not refuse NULL where the stream does.
    field: { ...field, nullable: true },
    column: columns.find((one) => one.field === field.name)?.column ?? field.name,
  }));
  const within = Object.entries(values).map(([name, value]): WatermarkRange => {
    const bound = {
      value: parseText(String(value), read.find((field) => field.name === name)!),
      inclusive: true,
    };
    return { field: name, after: bound, upTo: bound, nulls: "exclude" };
  });
  const { batch_rows = BATCH_ROWS, batch_bytes = BATCH_BYTES } = stream.extract ?? {};
  return {
    extractor,
    spec: {
      request: {
        source: { ...target, ...(where === undefined ? {} : { where }) } as StreamSource,
        projections,
        batchRows: batch_rows,
        batchBytes: batch_bytes,
        recycle: true,
      },
      generated: [],
      startedAt,
      refuseNull: false,
      summarize: "counts",
    },
    within,
    ...(read.some(({ name }) => name === mark) ? { endedAt: mark } : {}),
  };
}

/** The name of a stream's source and target. */
export function nameSides({ source, target }: StreamPlan): { source: string; target: string } {
  return { source: datasetName(source), target: datasetName(target) };
}
