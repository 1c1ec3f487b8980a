/** Extracts a stream into its stage: as a whole, or in parts on several workers. */
import {
  type Buffer,
  countUnstaged,
  type OpenStage,
  type StageDetails,
  type StagedFile,
  type StagedFiles,
  type StageOrigin,
} from "../../core/contracts/buffer.ts";
import type { Part, PartitionSettings } from "../../core/contracts/extractor.ts";
import { DXTError, PartitionError } from "../../core/errors.ts";
import { compareInOrder } from "../../core/values/value_order.ts";
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
import { refuseExcess } from "../worker/max_errors.ts";
import type { ExtractProgress, ExtractResult, PlainClass } from "../worker/inside/protocol.ts";
import { relayBatch, type Transformer } from "./transform_client.ts";
import { describePart, findOrigin, findWatermark, restoreResult } from "./sealed_results.ts";

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
  const partition = await source.call("partition", { extractor, request, settings });
  const { parts, guessed } = partition;
  if (parts.length < 2) return await extractWhole(extraction);
  try {
    return await extractParts(extraction, parts, await findOrigin(extraction, partition));
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
  const { source, extractor, stage, spec, buffer, context, details } = extraction;
  return await stage.write(
    specFields(spec),
    async ({ folder, restart }) => {
      warnOfRestart(context, restart);
      const onProgress = followWorker(extraction, source, () => {});
      const result = await source.call("extract", { extractor, spec, folder, buffer }, onProgress);
      addResult(result, extraction);
      checkRejected([result], spec);
      return [result];
    },
    details,
    { unrepeatable: "it is read as a whole" },
  );
}

function warnOfRestart(
  { warn }: Pick<RunContext, "warn">,
  restart: string | undefined,
): void {
  if (restart === undefined) return;
  warn(`Reading from the beginning, without what a killed run has staged: ${restart}`);
}

/** Stages all parts or nothing; the first that fails stops the others. */
async function extractParts(
  extraction: StageExtraction,
  parts: readonly Part[],
  origin: StageOrigin,
): Promise<StagedFiles> {
  const { stage, spec, observer, context, details } = extraction;
  return await stage.write(
    specFields(spec),
    (open) => {
      warnOfRestart(context, open.restart);
      if (open.sealed.size > 0) {
        context.warn(
          `Going on after a killed run, which has staged ${open.sealed.size} of ${parts.length} parts`,
        );
      }
      observer?.onOpen(open);
      return extractAll(extraction, parts, open);
    },
    details,
    origin,
  );
}

/** The first worker holds the moment of the partition, and reads parts as the others do. */
async function extractAll(
  extraction: StageExtraction,
  parts: readonly Part[],
  { folder, sealed, seal }: OpenStage,
): Promise<ExtractResult[]> {
  const { source, extractor, context, spec, buffer, observer } = extraction;
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const results = takeUp(extraction, sealed);
  const all = parts.map((part, number) => ({ part, number }));
  const missing = all.filter(({ number }) => !sealed.has(number));
  const left = missing.values();
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
        const read = { bytes: 0 };
        const onProgress = followWorker(extraction, client, onFile, read);
        const result = await client.call("extract", input, onProgress, signal);
        results[part.number] = result;
        seal(describePart(part.number, result, read.bytes));
        observer?.onPart(part.number);
      }
    } finally {
      await clients.close(connection);
    }
  };
  const length = Math.min(context.threads.most, missing.length);
  const connections = Array.from({ length }, (_, number) => readParts(number));
  await awaitAll(connections, (error) => stop.abort(error));
  for (const result of results) addResult(result, extraction);
  checkRejected(results, spec);
  return results;
}

/** @throws {RejectedRowsError} when the parts together have rejected more records than the pipeline allows */
function checkRejected(results: readonly ExtractResult[], { rejects }: ExtractSpec): void {
  const sum = (rowsOf: (result: ExtractResult) => number) =>
    results.reduce((rows, result) => rows + rowsOf(result), 0);
  const rejected = sum(countUnstaged);
  if (rejected === 0) return;
  refuseExcess(rejected, rejects!.maxErrors, rejected + sum(({ count }) => count));
}

/** Reports the parts that a killed run has completed as if they had just been read. */
function takeUp(
  { stats, observer, onProgress, spec }: StageExtraction,
  sealed: OpenStage["sealed"],
): ExtractResult[] {
  const results: ExtractResult[] = [];
  for (const [number, part] of sealed) {
    for (const file of part.files) observer?.onFile(file, number);
    observer?.onPart(number);
    stats.rows += part.count;
    stats.bytes += Number(part.stats["bytes"]);
    results[number] = restoreResult(part, spec);
  }
  if (sealed.size > 0) onProgress?.(stats.rows, stats.bytes);
  return results;
}

/** Handles the progress of a worker: its files, its rows, and batches to be transformed. */
function followWorker(
  { stats, transformer, onProgress }: StageExtraction,
  client: ConnectionClient,
  onFile: (file: StagedFile) => void,
  read = { bytes: 0 },
): (progress: ExtractProgress) => void {
  return (progress) => {
    if ("file" in progress) return onFile(progress.file);
    if ("transform" in progress) return void relayBatch(progress.transform, transformer!, client);
    stats.rows += progress.rows;
    stats.bytes += progress.bytes;
    read.bytes += progress.bytes;
    onProgress?.(stats.rows, stats.bytes);
  };
}

/** Adds what one worker has read to the stats of all. */
function addResult(
  { max, nulls, placeless, key }: ExtractResult,
  { spec, stats }: StageExtraction,
): void {
  const field = findWatermark(spec);
  if (field === undefined) return;
  stats.nulls += nulls;
  stats.placeless += placeless;
  if (max === null) return;
  if (stats.max !== null && compareInOrder(max, stats.max, field) <= 0) return;
  stats.max = max;
  if (key !== undefined) stats.key = key;
}
