/**
 * The stage between extract and load. The main thread opens a buffer for each stream, locks it, and
 * commits what workers wrote; a worker of the target reads it as staged data.
 */
import type { Field } from "../../models/field.ts";
import type { Compression, Format } from "../../models/format.ts";
import type { WildcardTable } from "../../models/wildcard.ts";
import type { RowsSummary } from "../../models/summary.ts";
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

/** Dead letters of records that were rejected before they were staged: JSON Lines, one for each of its rows. */
export interface RejectedFile extends StagedFile {
  /** Its content, of a stage in memory. */
  readonly bytes?: Uint8Array | undefined;
}

/** Facts about an extraction that the manifest keeps; complete when the extraction has ended. */
export interface StageDetails {
  readonly pipeline: string;
  readonly stream: string;
  readonly run_id: string;
  /** Source as in the pipeline, without secrets. */
  readonly source: unknown;
  /** Of a stream that a wildcard made. */
  readonly table?: WildcardTable | undefined;
  /** Untrusted code read or transformed it: its values are validated again when they are read. */
  readonly untrusted?: true | undefined;
  /** The extraction read no more rows than it was asked for: the source may have others. */
  readonly isLimited?: true | undefined;
  readonly watermark?: {
    readonly field: string;
    readonly after?: string | undefined;
    readonly max?: string | undefined;
    /** Unset for a range that was not made from the target's watermark. */
    readonly expected?: ExpectedWatermark | undefined;
  } | undefined;
}

/** The properties of a stage that are known before its first file is closed. */
export interface StageHeader {
  /** Records in one of the formats, or files whose bytes were kept. */
  readonly kind: "records" | "files";
  readonly fields: readonly Field[];
  readonly details: StageDetails;
  /** Format and compression of record files, for targets that can use them unchanged. */
  readonly format?: Format | undefined;
  readonly compression?: Compression | undefined;
}

/** The properties of a stage that are known when it is complete. */
export interface StageTotals {
  /** Records, or files where bytes were kept. */
  readonly count: number;
  readonly files: readonly StagedFile[];
  /** The source's own words, from its completion proof. */
  readonly evidence: string;
  /** Of all records; unset where bytes were kept, and in the stage of an earlier version. */
  readonly summary?: RowsSummary | undefined;
  /** Dead letters of the records that the stage lacks; unset if it lacks none. */
  readonly rejected?: readonly RejectedFile[] | undefined;
}

/** The number of records that were rejected before they were staged. */
export function countUnstaged({ rejected = [] }: Pick<StageTotals, "rejected">): number {
  return rejected.reduce((sum, { rows }) => sum + rows, 0);
}

/** Observes the reading of staged files. */
export interface ReadWatch {
  /** Awaited before each batch or file; throws when reading is aborted. */
  pause(): Promise<void>;
  /** Called with the size of a batch, file or chunk when its reader asks for the next one. */
  onRead(rows: number, bytes: number): void;
}

/** Complete files: all of a committed stage, or a slice of any stage. */
export interface StagedFiles extends StageHeader, StageTotals {
  /**
   * Reads all batches, in the order in which they were written.
   *
   * @param recycle whether the memory of a batch may be reused when the reader asks for the next one
   */
  readBatches(recycle?: boolean, watch?: ReadWatch): AsyncGenerator<Batch, void, void>;
  /** Reads the bytes of a file, also of one with dead letters, from `start` up to `end`; they may be written to `into`. */
  readFile(name: string, start: number, end: number, into?: Uint8Array): Promise<Uint8Array>;
  openFile(name: string): Promise<ReadableStream<Uint8Array>>;
  /** Some of its files, for another worker. */
  slice(files: readonly StagedFile[]): StageSlice;
}

/**
 * A stage as a loader reads it, in a worker of the target. The stage may still grow: its batches or files
 * come in its order, and end when it is committed. They can be read once, which is the load's progress.
 */
export interface StagedData extends StageHeader {
  /** As {@linkcode StagedFiles.readBatches}. */
  readBatches(recycle?: boolean): AsyncGenerator<Batch, void, void>;
  /** As `readBatches`, record by record: for targets that take rows. */
  readRecords(): AsyncGenerator<DXTRecord, void, void>;
  /** Yields each file when it is closed, for targets that store files or read them themselves. */
  closedFiles(): AsyncGenerator<StagedFile, void, void>;
  readFile: StagedFiles["readFile"];
  openFile: StagedFiles["openFile"];
  /** Resolves when the stage is committed. */
  committed(): Promise<StageTotals>;
  /**
   * Reads all batches once more, for a loader that must know every value before it writes the first one.
   * Waits until the stage is committed, and does not count as progress.
   */
  scanBatches(): AsyncGenerator<Batch, void, void>;
}

/** Some files of a stage, committed or not. Plain data: it is sent to the worker that reads it. */
export type StageSlice = Readonly<Record<string, unknown>>;

/** What one worker wrote of a stage. Plain data. */
export interface WrittenPart {
  readonly files: readonly StagedFile[];
  readonly count: number;
  /** The source's own words for this part. */
  readonly evidence: string;
  /** Of the records of this part; unset where bytes were kept. */
  readonly summary?: RowsSummary | undefined;
  readonly rejected?: StageTotals["rejected"];
  /** Bytes of each file, of a stage in memory. */
  readonly bytes?: readonly Uint8Array[];
}

/** A part that is complete, as a run after a kill finds it. Plain data. */
export interface SealedPart extends Omit<WrittenPart, "bytes"> {
  /** Its number in the partition. */
  readonly number: number;
  /** The runner's own. */
  readonly stats: Readonly<Record<string, string | number>>;
}

/**
 * What the parts of a stage are read from. Two runs with the same moment of the source and the same specification,
 * both digests, write the same parts. Otherwise the reason why no other run can.
 */
export type StageOrigin =
  | { readonly moment: string; readonly spec: string }
  | { readonly unrepeatable: string };

/** A stage that workers write part by part. */
export interface OpenStage {
  /** Folder for the files. */
  readonly folder: string;
  readonly fields: readonly Field[];
  /** Files that are closed, for workers that read them before the stage is committed. */
  slice(files: readonly StagedFile[]): StageSlice;
  /** Parts that a killed run has completed, by number: they are not read again. */
  readonly sealed: ReadonlyMap<number, SealedPart>;
  /** Why what a killed run left is not taken up; undefined if nothing was left. */
  readonly restart?: string | undefined;
  /** Called with each complete part of a partition, for a run after a kill. */
  seal(part: SealedPart): void;
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
  /** Path of the record of a pending load, for messages. */
  readonly record: string;
  /** The load whose run was killed at its commit; undefined when there is none. Asked first of all. */
  pending(): Promise<PendingLoad | undefined>;
  /** Called before a load commits; resolves when its record is on disk, where it outlives the stage. */
  remember(load: PendingLoad): Promise<void>;
  /** Called when the result of the load is known, by this run or from the target. */
  forget(): void;
}

/**
 * The stage of one stream, on the main thread. A write leaves everything or nothing: while it lasts, and
 * after it failed, `open` returns what was committed before.
 */
export interface Buffer {
  /** Human-readable place of the stage. */
  readonly location: string;
  /** @throws {ConcurrentRunError} when another run holds it for longer than the claim waits */
  lock(claim: Claim, signal: AbortSignal): Promise<StageLock>;
  /**
   * Calls `write` once with an open stage, and commits the parts that it returns, each of which a worker
   * wrote with a completion proof. `details` is called after the last part.
   *
   * @param origin what tells whether parts of a killed run are taken up
   */
  write(
    fields: readonly Field[],
    write: (stage: OpenStage) => Promise<readonly WrittenPart[]>,
    details: () => StageDetails,
    origin: StageOrigin,
  ): Promise<StagedFiles>;
  /** The committed stage, checked against its manifest; undefined when there is none. */
  open(): Promise<StagedFiles | undefined>;
  /** Removes the stage, committed or not. */
  clear(): Promise<void>;
}
