import type { Field } from "../../models/field.ts";
import type { Compression, Format } from "../../models/format.ts";
import type { Batch } from "./batch.ts";
import type { Claim } from "../files/run_lock.ts";
import type { CommitRecord, ExpectedWatermark } from "./loader.ts";
import type { DXTRecord } from "../values/values.ts";

/** A file of the stage. */
export interface StagedFile {
  /** Name inside the stage. */
  readonly name: string;
  readonly rows: number;
  readonly size: number;
  /** SHA-256 of its bytes in hexadecimal digits. */
  readonly sha256: string;
  /** Name in the source, of a file whose bytes were kept. */
  readonly original_name?: string | undefined;
}

/** Facts about an extraction that the manifest keeps, known only when it ended. */
export interface StageDetails {
  readonly pipeline: string;
  readonly stream: string;
  readonly run_id: string;
  /** Source as in the pipeline, without secrets. */
  readonly source: unknown;
  /** Code of others had to do with it: its values are checked again when it is read. */
  readonly foreign?: true | undefined;
  readonly watermark?: {
    readonly field: string;
    readonly after?: string | undefined;
    readonly max?: string | undefined;
    /** Unset for a range that was not made from the target's watermark. */
    readonly expected?: ExpectedWatermark | undefined;
  } | undefined;
}

/** What was staged, as its manifest tells. */
export interface StagedData {
  /** Records in one of the formats, or files whose bytes were kept. */
  readonly kind: "records" | "files";
  readonly fields: readonly Field[];
  /** Records, or files where bytes were kept. */
  readonly count: number;
  readonly files: readonly StagedFile[];
  readonly details: StageDetails;
  /** The source's own words, from its completion proof. */
  readonly evidence: string;
  /**
   * Batches in the order in which they were written.
   *
   * @param recycle whether the memory of a batch may be used again when the next is asked for
   */
  readBatches(recycle?: boolean): AsyncGenerator<Batch, void, void>;
  readRecords(): AsyncGenerator<DXTRecord, void, void>;
  /**
   * All batches of the whole stage, for a loader that has to know every value before it writes the
   * first. It waits until all is staged, and does not count as loading.
   */
  scanBatches(): AsyncGenerator<Batch, void, void>;
  /** Format and compression of the files, where they hold records: they may be what a target wants. */
  readonly format?: Format | undefined;
  readonly compression?: Compression | undefined;
  /** Its files in their order, each when it is there: a stage may still be written. */
  closedFiles(): AsyncGenerator<StagedFile, void, void>;
  /** Waits until all of it is there, so that count, files and evidence are known. */
  whole(): Promise<void>;
  /** Bytes of one staged file from `start` up to `end`; `into` has room for them and may be used. */
  readFile(name: string, start: number, end: number, into?: Uint8Array): Promise<Uint8Array>;
  /** Some of its files, for another thread. */
  slice(files: readonly StagedFile[]): StageSlice;
  /** Bytes of one staged file. */
  openFile(name: string): Promise<ReadableStream<Uint8Array>>;
}

/** What all stages that are committed have in common. */
export function committedStage(
  files: readonly StagedFile[],
): Pick<StagedData, "closedFiles" | "whole"> {
  return {
    async *closedFiles() {
      yield* files;
    },
    whole: () => Promise.resolve(),
  };
}

/** Some files of a stage, committed or not. Plain data: it is sent to the thread that reads it. */
export type StageSlice = Readonly<Record<string, unknown>>;

/** What one thread wrote of a stage. Plain data. */
export interface WrittenPart {
  readonly files: readonly StagedFile[];
  readonly count: number;
  /** The source's own words of this part. */
  readonly evidence: string;
  /** Bytes of each file, of a stage in memory. */
  readonly bytes?: readonly Uint8Array[];
}

/** A stage that threads write part by part. */
export interface OpenStage {
  /** Folder for the files. */
  readonly folder: string;
  /** Files that are closed, to be read before all are there. */
  slice(files: readonly StagedFile[]): StageSlice;
}

/** A load that was about to commit: only the target knows whether it did. */
export interface PendingLoad {
  readonly run_id: string;
  /** When its commit was sent, in ISO 8601. */
  readonly at: string;
  /** Source and target as in the pipeline. */
  readonly source: unknown;
  readonly target: unknown;
  /** Records, or files where bytes were kept. */
  readonly rows: number;
  /** The loader's own. */
  readonly record: CommitRecord;
}

/**
 * A stage that no other run reads or writes until the lock is disposed of. The main thread takes it
 * before a stream is extracted or loaded and keeps it until the run has ended.
 */
export interface StageLock extends AsyncDisposable {
  /** Where a load is remembered, for a message. */
  readonly record: string;
  /** The load whose run was killed before it told how the load ended; undefined when there is none. */
  pending(): Promise<PendingLoad | undefined>;
  /** Resolves when the load is on disk, where it outlives the stage. */
  remember(load: PendingLoad): Promise<void>;
  /** Called when the run tells how the load ended, or when another run was told by the target. */
  forget(): void;
}

/**
 * The stage of one stream. A write leaves everything or nothing: while it lasts, and after it
 * failed, `open` returns what was committed before.
 */
export interface Buffer {
  /** Human-readable place of the stage. */
  readonly location: string;
  /** @throws {ConcurrentRunError} when another run holds it for longer than the claim waits */
  lock(claim: Claim, signal: AbortSignal): Promise<StageLock>;
  /** Commits the parts that `write` returns, which were written with proofs of the source. */
  write(
    fields: readonly Field[],
    write: (stage: OpenStage) => Promise<readonly WrittenPart[]>,
    details: () => StageDetails,
  ): Promise<StagedData>;
  /** The committed stage, checked against its manifest; undefined when there is none. */
  open(): Promise<StagedData | undefined>;
  /** Removes the stage, committed or not. */
  clear(): Promise<void>;
}
