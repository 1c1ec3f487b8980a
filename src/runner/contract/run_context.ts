/** What the steps of a stream's run share: its settings, and its progress. */
import type { StagedFiles } from "../../core/contracts/buffer.ts";
import type { Claim } from "../../core/files/run_lock.ts";
import type { ExpectedWatermark } from "../../core/contracts/loader.ts";
import type { ReadBounds } from "../../models/stream.ts";
import type { Receipt } from "../../integrity/receipt.ts";
import type { Endpoint } from "../plan/endpoint.ts";
import type { RunEvent } from "./events.ts";
import type { StreamNeeds } from "../permissions/required.ts";
import type { Backfill } from "../plan/backfill.ts";
import type { RowSelection } from "../worker/extract_spec.ts";
import type { Threads } from "./threads.ts";

/** What a stream's run needs besides its plan. */
export interface RunContext {
  readonly source: Endpoint;
  readonly target: Endpoint;
  /** Permissions of workers that run no untrusted code: those of all streams of the run. */
  readonly needs: StreamNeeds;
  readonly runId: string;
  /** Values of the pipeline's variables by name. */
  readonly variables: ReadonlyMap<string, string>;
  readonly startedAt: Temporal.Instant;
  /** How the run claims its stages and targets. */
  readonly claim: Claim;
  /**
   * The locks of the run's stages, and their clean-up. Disposed after the run has reported its result: a run
   * that is killed before that has reported none of its streams.
   */
  readonly stages: AsyncDisposableStack;
  readonly fullRefresh: boolean;
  /** Read this range of the watermark instead of what is new. */
  readonly backfill: Backfill | undefined;
  /** At most this many rows of each stream. */
  readonly limit: number | undefined;
  /** The rows that are moved, by the id of the stream; all of a stream that is not in it. */
  readonly only: ReadonlyMap<string, RowSelection>;
  /** Whether loads follow in this run: one may begin while its stage is still written. */
  readonly loads: boolean;
  /** Attempts after the first; undefined unless the command line overrides the stream's. */
  readonly retries: number | undefined;
  /** Bounds from the command line, which override those of the stream's `expect`. */
  readonly bounds: ReadBounds;
  /** Whether to ask the source for its number of rows, for a progress bar. */
  readonly estimates: boolean;
  /** Whether the source may be searched for the nearest name of a stream that does not exist. */
  readonly mayExplore: boolean;
  readonly threads: Threads;
  /**
   * Streams are extracted side by side, but loaded in the order of the pipeline: a table may refer to
   * one that is loaded before it. Resolves when the streams before this one have ended.
   */
  readonly turn: Promise<void>;
  /** Ids of the streams before this one that have not ended yet. */
  listEarlier(): readonly string[];
  readonly signal: AbortSignal;
  onEvent(event: RunEvent): void;
  /** Logs a statement that is sent to the source or the target; undefined unless statements are logged. */
  readonly trace: ((side: "source" | "target", statement: string) => void) | undefined;
  /**
   * Adds a warning to the stream's result and events; a repeated one only once.
   *
   * @param isWait whether the stream now waits for a lock
   */
  warn(message: string, isWait?: boolean): void;
}

/** The progress of a stream, also for the result of a failed run. */
export interface Progress {
  /** Start of the stream, in milliseconds of `performance.now()`; undefined when it did not start. */
  startedAt?: number;
  rowsExtracted: number;
  /** Bytes of the records as they were read. */
  bytesRead: number;
  rowsLoaded: number;
  /** Of a load that deletes rows which the source no longer has. */
  rowsDeleted?: number;
  staged?: StagedFiles;
  watermarkBefore?: string;
  /** The target before the load; undefined if the stream does not compare it. */
  targetBefore?: { readonly exists: boolean; readonly rows?: number | undefined };
  /** The watermark from which the range was computed; the target must still have it when the load begins. */
  expected?: ExpectedWatermark;
  watermarkAfter?: string;
  receipt?: Receipt;
  stage?: string;
  /** The number of this attempt, from 1. */
  attempt: number;
  warnings: string[];
  extractMs: number;
  loadMs: number;
}

export function newProgress(): Progress {
  return {
    rowsExtracted: 0,
    bytesRead: 0,
    rowsLoaded: 0,
    attempt: 1,
    warnings: [],
    extractMs: 0,
    loadMs: 0,
  };
}

/** Resets the progress, except for the start, the warnings and the number of the attempt. */
export function resetProgress(progress: Progress): void {
  const { startedAt, warnings, attempt } = progress;
  for (const key of Object.keys(progress)) delete progress[key as keyof Partial<Progress>];
  Object.assign(progress, newProgress(), { startedAt, warnings, attempt });
}
