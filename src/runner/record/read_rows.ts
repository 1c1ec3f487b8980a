/** Reads the first rows of a stream's source, as an extraction reads them, before any transform. */
import type { ExtractRequest, Projection } from "../../core/contracts/extractor.ts";
import { ConfigurationError } from "../../core/errors.ts";
import type { Value } from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import type { RunContext } from "../contract/run_context.ts";
import { missingSource } from "../extract/missing_source.ts";
import { findWatermarkField } from "../extract/watermark_range.ts";
import { excludedNames } from "../plan/field_declarations.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";
import { resolveFields } from "../plan/resolve_fields.ts";
import { watermarkRange } from "../plan/watermark.ts";
import { openClient, plainClass } from "../worker/connection_clients.ts";
import { BATCH_BYTES, BATCH_ROWS } from "../worker/extract_spec.ts";

/** What reading needs of a run. */
export type ReadContext = Pick<
  RunContext,
  "source" | "threads" | "signal" | "mayExplore" | "warn"
>;

/** A column of the source, or an expression that the source has computed. */
export interface RecordedColumn {
  /** Its name in the source, or one for the expression; the type that it was read as. */
  readonly field: Field;
  readonly expression?: string;
  /** Whether the stream's watermark is taken from it. */
  readonly isWatermark: boolean;
}

export interface RecordedRows {
  readonly columns: readonly RecordedColumn[];
  /** Values in the order of the columns. */
  readonly rows: readonly (readonly Value[])[];
  /** Whether the source has no further rows. */
  readonly complete: boolean;
}

/**
 * Reads the first rows that the first run of a stream would read. The target is not asked.
 *
 * @param most rows to read at most
 *
 * @throws {DXTError} for a source that cannot be read, or has no records
 */
export async function readRows(
  plan: StreamPlan,
  context: ReadContext,
  most: number,
): Promise<RecordedRows> {
  const { stream, source, extractor } = plan;
  if (extractor.yields === "files") {
    throw new ConfigurationError(
      `Cannot record stream "${stream.id}": it copies whole files, whose bytes dxt does not read, expected a buffer with records`,
    );
  }
  await using client = openClient(context.source, { reads: [source] }, context, [extractor]);
  const found = await client.connector.getStreamFields(source);
  if (found === undefined) {
    throw await missingSource(source, client.connector, context.source, context);
  }
  const resolved = resolveFields(stream, found);
  if (resolved.projections.length === 0) {
    throw new ConfigurationError(
      `Cannot record stream "${stream.id}": its source has no fields, as it has no records; declare them in fields`,
    );
  }
  const watermark = findWatermarkField(plan, resolved);
  const range = watermark && watermarkRange(stream.extract!, watermark, undefined);
  const request: Omit<ExtractRequest, "signal"> = {
    source,
    projections: resolved.projections,
    ...(range === undefined ? {} : { range }),
    limit: most + 1,
    batchRows: Math.min(most + 1, BATCH_ROWS),
    batchBytes: BATCH_BYTES,
    complete: stream.only_declared_fields !== true,
    excluded: excludedNames(stream),
  };
  const read = await client.call("head", { extractor: plainClass(extractor), request });
  const taken = new Set(resolved.projections.map(({ column }) => column));
  const columns = resolved.projections.map((projection) =>
    describeColumn(projection, found, watermark, taken)
  );
  // A column may be declared twice, under two names.
  const first = columns.map(({ field }, i) =>
    columns.findIndex((column) => column.field.name === field.name) === i
  );
  return {
    columns: columns.filter((_, i) => first[i]),
    rows: read.slice(0, most).map((row) => row.filter((_, i) => first[i])),
    complete: read.length <= most,
  };
}

function describeColumn(
  { field, column, expression }: Projection,
  found: readonly Field[],
  watermark: Field | undefined,
  taken: ReadonlySet<string | undefined>,
): RecordedColumn {
  const { target_type: _type, metadata: _metadata, inferred: _inferred, ...known } = field;
  // The pipeline may refuse a NULL that its source has.
  const nullable = found.find(({ name }) => name === column)?.nullable ?? true;
  return {
    field: { ...known, name: column ?? nameExpression(field.name, taken), nullable },
    ...(expression === undefined ? {} : { expression }),
    isWatermark: field.name === watermark?.name,
  };
}

/** A field with an expression may have the name of a column that the stream renames. */
function nameExpression(name: string, taken: ReadonlySet<string | undefined>): string {
  return taken.has(name) ? nameExpression(`${name}_`, taken) : name;
}
