/** Extracts a stream into its stage: as a whole, or in parts on several workers. */
import type {
  Buffer,
  OpenStage,
  StageDetails,
  StagedFile,
  StagedFiles,
} from "../../core/contracts/buffer.ts";
import type { Part, PartitionSettings } from "../../core/contracts/extractor.ts";
import { DXTError, PartitionError } from "../../core/errors.ts";
import { compareInOrder } from "../../core/values/value_order.ts";
import { fromError } from "../../sandbox/messages.ts";
import type { BufferSettings } from "../../models/buffer.ts";
import type { RunContext } from "../contract/run_context.ts";
import type { ConnectionClient } from "../worker/connection_client.ts";
import { ClientGroup } from "../worker/connection_clients.ts";
import { awaitAll } from "../worker/await_all.ts";
import {
  type ExtractSpec,
  type ExtractStats,
  newStats,
  specFields,
} from "../worker/extract_spec.ts";
import type { ExtractProgress, ExtractResult, PlainClass } from "../worker/inside/protocol.ts";
import type { Transformer } from "./transform_client.ts";

/** Follows the stage of a partition while its parts are written. */
export interface StageObserver {
  /** Called before the first part is read. */
  onOpen(stage: OpenStage): void;
  /** Called when a file of a part is on disk. */
  onFile(file: StagedFile, part: number): void;
  /** Called when a part has no more files. */
  onPart(part: number): void;
  /** Called when the parts failed, before the whole source is read again. */
  abort(error: unknown): Promise<void>;
}

/** An extraction of one stream into its stage. */
export interface StageExtraction {
  readonly source: ConnectionClient;
  readonly transformer: Transformer | undefined;
  readonly extractor: PlainClass;
  readonly spec: ExtractSpec;
  readonly context: Pick<RunContext, "source" | "threads" | "signal" | "warn">;
  readonly stage: Buffer;
  readonly buffer: BufferSettings;
  /** What all workers have read. */
  readonly stats: ExtractStats;
  readonly observer?: StageObserver;
  /** Called with the rows and bytes of all workers so far. */
  onProgress?(rows: number, bytes: number): void;
  /** Called when the last worker has ended. */
  details(): StageDetails;
}

/**
 * Stages a stream in parts if its source can be partitioned, otherwise as a whole. If a part fails because its
 * bounds were a guess or its snapshot is gone, the source is read again as a whole.
 */
export async function extractToStage(
  extraction: StageExtraction,
  settings: PartitionSettings,
): Promise<StagedFiles> {
  const { source, extractor, spec: { request }, context, stats, observer } = extraction;
  const { parts, guessed } = await source.call("partition", { extractor, request, settings });
  if (parts.length < 2) return await extractWhole(extraction);
  try {
    return await extractParts(extraction, parts);
  } catch (error) {
    const isLost = error instanceof DXTError && error.name === PartitionError.name;
    if ((guessed !== true && !isLost) || context.signal.aborted) throw error;
    if (isLost) context.warn(`Read as a whole instead of in parts: ${error.message}`);
    await observer?.abort(error);
    delete stats.key;
    Object.assign(stats, newStats());
    return await extractWhole(extraction);
  }
}

/** Stages everything over the source's own connection. */
export async function extractWhole(extraction: StageExtraction): Promise<StagedFiles> {
  const { source, extractor, stage, spec, buffer, details } = extraction;
  return await stage.write(specFields(spec), async ({ folder }) => {
    const onProgress = followWorker(extraction, source, () => {});
    const result = await source.call("extract", { extractor, spec, folder, buffer }, onProgress);
    addResult(result, extraction);
    return [result];
  }, details);
}

/** Stages all parts or nothing; the first that fails stops the others. */
async function extractParts(
  extraction: StageExtraction,
  parts: readonly Part[],
): Promise<StagedFiles> {
  const { stage, spec, observer, details } = extraction;
  return await stage.write(specFields(spec), (open) => {
    observer?.onOpen(open);
    return extractAll(extraction, parts, open);
  }, details);
}

/** The first worker holds the moment of the partition, and reads parts as the others do. */
async function extractAll(
  extraction: StageExtraction,
  parts: readonly Part[],
  { folder }: OpenStage,
): Promise<ExtractResult[]> {
  const { source, extractor, context, spec, buffer, observer } = extraction;
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const results: ExtractResult[] = [];
  const left = parts.map((part, number) => ({ part, number })).values();
  const { connectionsPerThread } = context.source.provider;
  // A worker sends the batches of one extraction to its transforms, and untrusted code is never called
  // twice at the same time.
  const isAlone = spec.transformed !== undefined || extractor.module !== undefined;
  const clients = new ClientGroup(source, isAlone ? 1 : connectionsPerThread);
  const readParts = async (connection: number) => {
    using _turn = await context.threads.turn("extract");
    try {
      for (const part of left) {
        signal.throwIfAborted();
        const client = clients.open(connection);
        const onFile = (file: StagedFile) => observer?.onFile(file, part.number);
        const input = { extractor, spec, part, folder, buffer };
        const onProgress = followWorker(extraction, client, onFile);
        results[part.number] = await client.call("extract", input, onProgress, signal);
        observer?.onPart(part.number);
      }
    } finally {
      await clients.close(connection);
    }
  };
  const length = Math.min(context.threads.most, parts.length);
  const connections = Array.from({ length }, (_, number) => readParts(number));
  await awaitAll(connections, (error) => stop.abort(error));
  for (const result of results) addResult(result, extraction);
  return results;
}

/** Handles the progress of a worker: its files, its rows, and batches to be transformed. */
function followWorker(
  { stats, transformer, onProgress }: StageExtraction,
  client: ConnectionClient,
  onFile: (file: StagedFile) => void,
): (progress: ExtractProgress) => void {
  return (progress) => {
    if ("file" in progress) return onFile(progress.file);
    if ("transform" in progress) return void relay(progress.transform, transformer!, client);
    stats.rows += progress.rows;
    stats.bytes += progress.bytes;
    onProgress?.(stats.rows, stats.bytes);
  };
}

/** Passes a batch between two workers, which cannot reach each other. */
async function relay(
  { id, bytes }: { readonly id: number; readonly bytes: Uint8Array },
  transformer: Transformer,
  client: ConnectionClient,
): Promise<void> {
  using _pause = client.hold();
  const reply = await transformer.apply(bytes).then(
    (bytes) => ({ id, bytes }),
    (error) => ({ id, failed: fromError(error) }),
  );
  await client.call("transformed", reply).catch(() => {});
}

/** Adds what one worker has read to the stats of all. */
function addResult(
  { max, nulls, placeless, key }: ExtractResult,
  { spec: { request: { range, projections } }, stats }: StageExtraction,
): void {
  if (range === undefined) return;
  const { field } = projections.find((projection) => projection.field.name === range.field)!;
  stats.nulls += nulls;
  stats.placeless += placeless;
  if (max === null) return;
  if (stats.max !== null && compareInOrder(max, stats.max, field) <= 0) return;
  stats.max = max;
  if (key !== undefined) stats.key = key;
}
