/** The extraction of a stream into its stage: as a whole, or in parts on several threads. */
import type {
  Buffer,
  OpenStage,
  StagedData,
  StageDetails,
  StagedFile,
} from "../../core/contracts/buffer.ts";
import type { Part } from "../../core/contracts/extractor.ts";
import { fromTransferable } from "../../core/values/transferable_value.ts";
import { compareInOrder } from "../../core/values/value_order.ts";
import type { Value } from "../../core/values/values.ts";
import { fromError } from "../../sandbox/messages.ts";
import type { BufferSettings } from "../../models/buffer.ts";
import type { RunContext } from "../contract/run_context.ts";
import type { ConnectionClient } from "../worker/connection_client.ts";
import { ClientGroup } from "../worker/connection_clients.ts";
import { type ExtractSpec, type Seen, stagedFields } from "../worker/extract_spec.ts";
import type { ExtractNews, ExtractResult, PlainClass } from "../worker/inside/protocol.ts";
import type { Transformer } from "./transform_client.ts";

export interface ExtractSettings {
  readonly source: ConnectionClient;
  readonly transformer: Transformer | undefined;
  readonly extractor: PlainClass;
  readonly context: Pick<RunContext, "source" | "threads" | "signal">;
  readonly stage: Buffer;
  readonly buffer: BufferSettings;
  readonly reading: ExtractSpec;
  /** What was seen by all threads. */
  readonly seen: Seen;
  details(): StageDetails;
  onProgress(rows: number, bytes: number): void;
  /** The stage of a partition is open. */
  onOpen(stage: OpenStage): void;
  /** A file of a part is on the disk. */
  onFile(file: StagedFile, part: number): void;
  /** A part has no more files. */
  onPart(part: number): void;
}

/** Stages everything over the source's own connection. */
export async function extractWhole(extraction: ExtractSettings): Promise<StagedData> {
  const { source, extractor, stage, reading, buffer, details } = extraction;
  return await stage.write(stagedFields(reading), async ({ folder }) => {
    const onNews = watch(extraction, source, () => {});
    const result = await source.extract({ extractor, reading, folder, buffer }, onNews);
    note(result, extraction);
    return [result];
  }, details);
}

/** Stages all parts or nothing; the first that fails stops the others. */
export async function extractParts(
  extraction: ExtractSettings,
  parts: readonly Part[],
): Promise<StagedData> {
  const { stage, reading, details } = extraction;
  return await stage.write(stagedFields(reading), (open) => {
    extraction.onOpen(open);
    return extractAll(extraction, parts, open);
  }, details);
}

/** The source's own thread, which keeps the moment of the partition, does its share. */
async function extractAll(
  extraction: ExtractSettings,
  parts: readonly Part[],
  { folder }: OpenStage,
): Promise<ExtractResult[]> {
  const { source, extractor, context, reading, buffer, onFile, onPart } = extraction;
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const results: ExtractResult[] = [];
  const left = parts.map((part, number) => ({ part, number })).values();
  const { connectionsPerThread } = context.source.provider;
  // A thread hands over the batches of one extraction to be transformed, and code of others need not
  // know that it may be called twice at once.
  const isAlone = reading.transformed !== undefined || extractor.module !== undefined;
  const ends = new ClientGroup(source, isAlone ? 1 : connectionsPerThread);
  const lane = async (number: number) => {
    using _turn = await context.threads.turn("extract");
    try {
      for (const part of left) {
        signal.throwIfAborted();
        const end = ends.of(number);
        const onNews = watch(extraction, end, (file) => onFile(file, part.number));
        const input = { extractor, reading, part, folder, buffer };
        results[part.number] = await end.extract(input, onNews, signal);
        onPart(part.number);
      }
    } finally {
      await ends.done(number);
    }
  };
  const lanes = Math.min(context.threads.most, parts.length);
  const work = Array.from({ length: lanes }, (_, number) => lane(number));
  await awaitAll(work, (error) => stop.abort(error));
  for (const result of results) note(result, extraction);
  return results;
}

function watch(
  { seen, transformer, onProgress }: ExtractSettings,
  end: ConnectionClient,
  onFile: (file: StagedFile) => void,
): (news: ExtractNews) => void {
  return (news) => {
    if ("file" in news) return onFile(news.file);
    if ("transform" in news) return void relay(news.transform, transformer!, end);
    seen.rows += news.rows;
    seen.bytes += news.bytes;
    onProgress(seen.rows, seen.bytes);
  };
}

/** Between two threads that have no way to each other. An end that is gone waits for nothing. */
async function relay(
  { id, bytes }: { readonly id: number; readonly bytes: Uint8Array },
  transformer: Transformer,
  end: ConnectionClient,
): Promise<void> {
  using _held = end.hold();
  const answer = await transformer.apply(bytes).then(
    (bytes) => ({ id, bytes }),
    (error) => ({ id, failed: fromError(error) }),
  );
  await end.transformed(answer).catch(() => {});
}

function note(
  { max: told, nulls, placeless, key }: ExtractResult,
  { reading, seen }: ExtractSettings,
): void {
  const { range, projections } = reading;
  if (range === undefined) return;
  const { field } = projections.find((projection) => projection.field.name === range.field)!;
  const max: Value = fromTransferable(told);
  seen.nulls += nulls;
  seen.placeless += placeless;
  if (max === null) return;
  if (seen.max !== null && compareInOrder(max, seen.max, field) <= 0) return;
  seen.max = max;
  if (key !== undefined) seen.key = key;
}

/** As `Promise.all`, but ends when all have ended; hears at once of the first that fails. */
export async function awaitAll<T>(
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
