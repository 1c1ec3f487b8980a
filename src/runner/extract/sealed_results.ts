/** What a run remembers of the parts that it has completed, for a run that goes on after a kill. */
import type { SealedPart, StageOrigin } from "../../core/contracts/buffer.ts";
import type { Partition } from "../../core/contracts/extractor.ts";
import { formatValue } from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import { inSourceType } from "../plan/watermark.ts";
import type { ExtractSpec } from "../worker/extract_spec.ts";
import type { ExtractResult } from "../worker/inside/protocol.ts";
import type { StageExtraction } from "./extract_partitions.ts";

/** Finds out whether the parts of an extraction could be taken up by another run. */
export async function findOrigin(
  { extractor, spec, buffer, context: { source } }: StageExtraction,
  { parts, moment }: Pick<Partition, "parts" | "moment">,
): Promise<StageOrigin> {
  if (extractor.module !== undefined || source.code !== undefined) {
    return { unrepeatable: "untrusted code reads it" };
  }
  if (spec.transformed !== undefined) return { unrepeatable: "its records are transformed" };
  const clock = spec.generated.find(({ name }) => spec.constants?.[name] === undefined);
  if (clock !== undefined) {
    return { unrepeatable: `field "${clock.name}" has the start of a run` };
  }
  if (moment === undefined) {
    return { unrepeatable: `${source.provider.name} gives no other run the same moment` };
  }
  const { startedAt: _, ...same } = spec;
  return {
    moment: await digest(moment),
    spec: await digest(formatStable({ extractor, buffer, parts, spec: same })),
  };
}

/** JSON of a specification. Its values may be bigints and times; a guessed type is read as any other. */
function formatStable(value: unknown): string {
  return JSON.stringify(value, (key, part) => {
    if (key === "inferred" || key === "only_text") return undefined;
    return typeof part === "bigint" ? `${part}n` : part;
  });
}

/** A digest, since queries may hold secrets, and names of files personal data. */
async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(bytes).toHex();
}

/** @param bytes that were read of the part */
export function describePart(number: number, result: ExtractResult, bytes: number): SealedPart {
  const { max, nulls, placeless, key, bytes: _, ...written } = result;
  const stats = {
    ...{ bytes, nulls, placeless },
    ...(max === null ? {} : { max: formatValue(max) }),
    ...(key === undefined ? {} : { key }),
  };
  return { number, ...written, stats };
}

/** The result of a worker as {@linkcode describePart} has described it. */
export function restoreResult(
  { number: _, stats, ...written }: SealedPart,
  spec: ExtractSpec,
): ExtractResult {
  const { max, nulls, placeless, key } = stats;
  return {
    ...written,
    max: max === undefined ? null : inSourceType(String(max), findWatermark(spec)!),
    nulls: Number(nulls),
    placeless: Number(placeless),
    ...(key === undefined ? {} : { key: String(key) }),
  };
}

/** The field whose range is read; undefined if everything is. */
export function findWatermark(
  { request: { range, projections } }: Pick<ExtractSpec, "request">,
): Field | undefined {
  if (range === undefined) return undefined;
  return projections.find(({ field }) => field.name === range.field)!.field;
}
