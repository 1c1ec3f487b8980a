/** Inputs, progress and results of the jobs that a worker does for its host: plain data and values. */
import type { StagedFile, StageSlice, WrittenPart } from "../../../core/contracts/buffer.ts";
import type { Claim } from "../../../core/files/run_lock.ts";
import type { Part, PartitionSettings } from "../../../core/contracts/extractor.ts";
import type {
  CommitRecord,
  LoadTicket,
  PlannedLoad,
  WatermarkQuery,
} from "../../../core/contracts/loader.ts";
import type { SourceWatermark } from "../../../core/contracts/provider.ts";
import type { BufferSettings } from "../../../models/buffer.ts";
import type { Field } from "../../../models/field.ts";
import type { StreamTarget } from "../../../models/source.ts";
import type { WatermarkRange } from "../../../core/contracts/connector.ts";
import type { Value } from "../../../core/values/values.ts";
import type { BucketSet, Sums } from "../../../integrity/diff/bucket_sums.ts";
import type { DeadLetter } from "../../../models/stored.ts";
import type { MaxErrors, VerifyLevel } from "../../../models/stream.ts";
import type { WrittenConnection } from "../../../providers/provider_info.ts";
import type { Thrown } from "../../../sandbox/messages.ts";
import type { ExtractSpec, ExtractStats } from "../extract_spec.ts";

/** A connection. */
export interface PlainEndpoint {
  /** Name of a built-in provider, or URL of an external one. */
  readonly module: string;
  readonly config: unknown;
  readonly baseDirectory: string;
  /** Whether errors may quote records of the system. */
  readonly showValues: boolean;
  /** Whether the worker reports the statements that it sends. */
  readonly traces: boolean;
}

/** A class with its validated options. */
export interface PlainClass {
  /** URL of the external module that exports it; unset, the connection's provider has it. */
  readonly module?: string;
  readonly name: string;
  /** Validated options; undefined for the defaults of the class. */
  readonly options: unknown;
}

export interface TargetInput extends Omit<PlainEndpoint, "showValues" | "traces"> {
  readonly target: StreamTarget;
}

export type ClassKind = "extractor" | "loader" | "transform";

export interface ConnectionInput extends WrittenConnection {
  readonly module: string;
  /** Paths of keys whose text comes from a variable. */
  readonly variables: readonly (readonly (string | number)[])[];
}

export interface ClassInput {
  readonly module: string;
  readonly kind: ClassKind;
  readonly name: string;
  readonly config: unknown;
}

export interface PartitionInput {
  readonly extractor: PlainClass;
  readonly request: ExtractSpec["request"];
  readonly settings: PartitionSettings;
}

export interface ExtractInput {
  readonly extractor: PlainClass;
  readonly spec: ExtractSpec;
  /** One of several parts, read over a connection of its own; unset, everything. */
  readonly part?: { readonly part: Part; readonly number: number };
  /** Folder for the files. */
  readonly folder: string;
  readonly buffer: BufferSettings;
}

/** Rows and bytes that were read since the last report. */
export interface ReadProgress {
  readonly rows: number;
  readonly bytes: number;
}

/** A batch to be transformed; the host returns it by `transformed`. */
export interface TransformProgress {
  readonly transform: { readonly id: number; readonly bytes: Uint8Array };
}

export type ExtractProgress = ReadProgress | TransformProgress | { readonly file: StagedFile };

export type ExtractResult = WrittenPart & Omit<ExtractStats, "rows" | "bytes">;

export interface HeadInput {
  readonly extractor: PlainClass;
  /** Its limit is the number of rows. */
  readonly request: ExtractSpec["request"];
}

/** One of two sides whose rows are compared: what is read, and which of its values. */
export interface SideInput {
  readonly extractor: PlainClass;
  readonly spec: ExtractSpec;
  /** Names of the fields whose values are compared, on both sides in the same order. */
  readonly compared: readonly string[];
  /** Names of the fields that identify a row, on both sides in the same order. */
  readonly keys: readonly string[];
  /** Rows outside of one of these ranges are left out. */
  readonly within: readonly WatermarkRange[];
  /** Name of the field whose value marks a row as deleted, or as a version that has ended: it is left out. */
  readonly endedAt?: string | undefined;
  /** Rows outside of this range are later ones, which no load has had to take. */
  readonly loaded?: WatermarkRange | undefined;
}

/** What is summed of one side. */
export interface SideSums extends Sums {
  /** Rows that are compared. */
  readonly rows: number;
  readonly later: number;
}

export type SideProgress = ReadProgress | TransformProgress;

/** Hashes of rows, as {@linkcode RowPairs} takes them. */
export interface HashesProgress {
  readonly side: "compared" | "later";
  readonly hashes: Uint32Array;
}

export interface HashesInput extends SideInput {
  readonly buckets: BucketSet;
}

export interface ValuesInput extends SideInput {
  /** Hashes of keys, two words each. */
  readonly hashes: Uint32Array;
}

/** A row of a wanted key, by the key's place in the input. */
export interface KeyedRow {
  readonly key: number;
  /** In the order of the compared fields. */
  readonly values: readonly Value[];
}

export type PlanInput = Omit<PlannedLoad, "signal"> & { readonly loader: PlainClass };

export type LoadInput = Omit<PlannedLoad, "staged" | "signal"> & {
  readonly loader: PlainClass;
  readonly staged: StageSlice;
  /** The stage of all keys of the source, where the load needs them. */
  readonly keys?: StageSlice;
  readonly claim: Claim;
  /** Whether the host stores a record before the load commits. */
  readonly isRemembered: boolean;
  /** What is compared before the load commits; unset, what suits the stage and the target. */
  readonly verify?: VerifyLevel | undefined;
  /** The most rows that may be rejected, where `rejects` is set. */
  readonly maxErrors: MaxErrors;
  /** The stage is still written: `feed` sends its files. */
  readonly isGrowing?: true;
};

/** `staged` has the share's first file. The worker asks for more. */
export interface ShareInput extends Omit<LoadInput, "isGrowing"> {
  readonly ticket: LoadTicket;
  /** Number of the connection that writes the share. */
  readonly share: number;
}

/** Further files of a growing stage, the whole committed stage, or the error that prevents its commit. */
export type FeedInput =
  & (
    | { readonly slice: StageSlice }
    | { readonly committed: StageSlice }
    | { readonly failed: Thrown }
  )
  /** Number of the share that receives it; unset, the whole load. */
  & { readonly share?: number };

export interface MaxWatermarkInput extends WatermarkQuery {
  readonly loader: PlainClass;
}

export interface ColumnsInput {
  readonly loader: PlainClass;
  readonly target: StreamTarget;
  readonly fields: readonly Field[];
}

export interface SourceWatermarkInput extends SourceWatermark {
  readonly extractor: PlainClass;
}

export interface FinishInput {
  /** Rows that all shares wrote. */
  readonly rows: number;
  /** All of the stage. */
  readonly committed: StageSlice;
}

export interface OutcomeInput {
  readonly loader: PlainClass;
  readonly target: StreamTarget;
  readonly record: CommitRecord;
}

export interface LeftoversInput {
  readonly loader: PlainClass;
  readonly target: StreamTarget;
}

export interface RemoveInput extends LeftoversInput {
  readonly name: string;
  readonly claim: Claim;
}

/** A commit record. The load waits until `remembered` brings the host's reply. */
export interface CommitProgress {
  readonly committing: CommitRecord;
}

/** Rows that the target refused; `sealed` follows the last, and the load waits as for a commit record. */
export type LetterProgress =
  | { readonly letters: readonly DeadLetter[] }
  | { readonly sealed: true };

/** The host's reply to what a load waits for: `failed` says why it could not be stored. */
export interface RememberedInput {
  readonly failed?: Thrown;
}

/** Rows loaded since the last report. */
export interface Rows {
  readonly rows: number;
}

/** Progress of a load as a whole. */
export type LoadProgress = Rows | CommitProgress | LetterProgress;

/** Progress of a share: `more` when `feed` may send another file. */
export type ShareProgress = Rows | { readonly more: true };

/** The `report` of a job that reports no progress. */
export type NoReport = (progress: never) => void;
