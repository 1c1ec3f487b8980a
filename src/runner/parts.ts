/** The extraction of a stream in parts, each on a thread of its own. */
import type { Buffer, OpenStage, StagedData, StageDetails } from "../core/buffer.ts";
import type { Part } from "../core/extractor.ts";
import { compareValues } from "../core/values.ts";
import type { RunContext } from "./context.ts";
import { type Reading, stagedFields, toPlain } from "./extraction.ts";
import { type ExtractInput, type ExtractNews, type ExtractResult, maxOfPart } from "./jobs.ts";
import type { Seen } from "./observe.ts";
import { plainSource } from "./plain.ts";
import type { StreamPlan } from "./plan.ts";
import type { StagedFile } from "../core/buffer.ts";

export interface PartedExtraction {
  readonly plan: StreamPlan;
  readonly context: RunContext;
  readonly buffer: Buffer;
  readonly reading: Reading;
  readonly parts: readonly Part[];
  /** Watermarks of all parts. */
  readonly seen: Seen;
  details(): StageDetails;
  onProgress(rows: number, bytes: number): void;
  /** The stage is open. */
  onOpen(stage: OpenStage): void;
  /** A file is on the disk. */
  onFile(file: StagedFile): void;
}

/** Stages all parts or nothing; the first that fails stops the others. */
export async function extractParts(extraction: PartedExtraction): Promise<StagedData> {
  const { buffer, reading, details } = extraction;
  return await buffer.writeParts(stagedFields(reading), (stage) => {
    extraction.onOpen(stage);
    return extractAll(extraction, stage);
  }, details);
}

async function extractAll(
  { plan, context, reading, parts, seen, onProgress, onFile }: PartedExtraction,
  { folder }: OpenStage,
): Promise<ExtractResult[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const source = plainSource(plan, context.source);
  const onNews = (news: ExtractNews) => {
    if ("file" in news) return onFile(news.file);
    seen.rows += news.rows;
    seen.bytes += news.bytes;
    onProgress(seen.rows, seen.bytes);
  };
  const results = await settled(
    parts.map((part, number) => {
      const input: ExtractInput = {
        source,
        reading: toPlain(reading),
        part,
        number,
        folder,
        buffer: plan.buffer,
      };
      return context.threads.run<ExtractResult, ExtractNews>({
        job: "extract",
        input,
        signal,
        onNews,
      });
    }),
    (error) => stop.abort(error),
  );
  results.forEach((result) => note(result, reading, seen));
  return results;
}

function note(result: ExtractResult, { range, projections }: Reading, seen: Seen): void {
  if (range === undefined) return;
  const { field } = projections.find((projection) => projection.field.name === range.field)!;
  const max = maxOfPart(result, field);
  seen.nulls += result.nulls;
  if (max === null) return;
  if (seen.max === null || compareValues(max, seen.max, field.dtype) > 0) seen.max = max;
}

/** As `Promise.all`, but ends when all have ended; hears at once of the first that fails. */
export async function settled<T>(
  work: readonly Promise<T>[],
  onFailure: (error: unknown) => void,
): Promise<T[]> {
  let failed: { error: unknown } | undefined;
  const results = await Promise.allSettled(work.map((one) =>
    one.catch((error) => {
      if (failed === undefined) {
        failed = { error };
        onFailure(error);
      }
      throw error;
    })
  ));
  if (failed !== undefined) throw (failed as { error: unknown }).error;
  return results.map((result) => (result as PromiseFulfilledResult<T>).value);
}
