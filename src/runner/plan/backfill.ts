/** Runs that read only a part of a stream: a range of its watermark, or its first rows. */
import type { WatermarkRange } from "../../core/contracts/connector.ts";
import { ConfigurationError, ValueError } from "../../core/errors.ts";
import { compareValues, parseText } from "../../core/values/values.ts";
import { isKeyed } from "../../models/rules.ts";
import type { Field } from "../../models/field.ts";
import type { StreamPlan } from "./pipeline_plan.ts";
import { refuseUnordered } from "./watermark.ts";

/** Records whose watermark is in the half-open range: `since <= watermark < until`. */
export interface Backfill {
  readonly since?: string;
  readonly until?: string;
}

interface Asked {
  readonly backfill?: Backfill;
  readonly limit?: number;
  readonly fullRefresh?: boolean;
}

/**
 * A range may hold records that the target has: only a load that updates them by their key doubles
 * none.
 *
 * @throws {ConfigurationError} that names the streams that cannot take a range
 */
export function checkBackfill(
  plans: readonly StreamPlan[],
  { backfill, fullRefresh }: Asked,
): void {
  if (backfill === undefined) return;
  if (fullRefresh === true) {
    throw new ConfigurationError(
      "Cannot read a range and everything: --since and --until exclude --full-refresh",
    );
  }
  for (const { stream, mode } of plans) {
    const at = `Cannot read a range of stream "${stream.id}"`;
    if (stream.extract?.mode !== "incremental") {
      throw new ConfigurationError(
        `${at}: it is read whole, expected extract mode incremental with a watermark_field`,
      );
    }
    if (!isKeyed(mode)) {
      throw new ConfigurationError(
        `${at}: load mode ${mode} would load again what the target has, expected upsert or scd2`,
      );
    }
  }
}

/**
 * The rows that a limit leaves out may be below the highest watermark of those that it takes.
 *
 * @throws {ConfigurationError} for an incremental stream
 */
export function checkLimit(plans: readonly StreamPlan[], { limit, fullRefresh }: Asked): void {
  if (limit === undefined) return;
  for (const { stream, extractor } of plans) {
    const at = `Cannot limit stream "${stream.id}"`;
    if (stream.extract?.mode === "incremental" && fullRefresh !== true) {
      throw new ConfigurationError(
        `${at}: later runs would go on after its highest watermark and miss the rows left out, expected extract mode full or --full-refresh`,
      );
    }
    if (stream.load?.deletes !== undefined && fullRefresh !== true) {
      throw new ConfigurationError(
        `${at}: load.deletes would delete the rows left out, expected no limit, or no deletes`,
      );
    }
    if (extractor.yields === "files") {
      throw new ConfigurationError(`${at}: it moves whole files, expected a buffer with records`);
    }
  }
}

/** What the result says of a limited stream. */
export function limitNote(limit: number): string {
  return `at most ${limit} rows were asked for (--limit), the source may have more`;
}

/** Bounds in the field's own type; NULL is in no range. */
export function backfillRange({ since, until }: Backfill, field: Field): WatermarkRange {
  refuseUnordered(field);
  const after = since === undefined ? undefined : bound("--since", since, field);
  const upTo = until === undefined ? undefined : bound("--until", until, field);
  if (after !== undefined && upTo !== undefined && compareValues(after, upTo, field.dtype) >= 0) {
    throw new ConfigurationError(
      `Cannot read a range from "${since}" to "${until}": it is empty, the end is not in it`,
    );
  }
  return {
    field: field.name,
    ...(after === undefined ? {} : { after: { value: after, inclusive: true } }),
    ...(upTo === undefined ? {} : { upTo: { value: upTo, inclusive: false } }),
    nulls: "exclude",
  };
}

function bound(option: string, text: string, field: Field) {
  try {
    return parseText(text, field);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new ConfigurationError(
      `Cannot use ${option} "${text}" for watermark field "${field.name}": ${error.detail}`,
      { cause: error },
    );
  }
}
