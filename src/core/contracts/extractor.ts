/**
 * The contract of extractors. A worker creates one for each call; each part has its own connection. The host
 * decides what is read; the extractor divides the source into parts, and proves that a read is complete.
 */
import type { DXTType } from "../../models/dtype.ts";
import type { Field } from "../../models/field.ts";
import type { StreamSource } from "../../models/source.ts";
import type { Batch } from "./batch.ts";
import type { FileEntry, WatermarkRange } from "./connector.ts";
import type { ValueError } from "../errors.ts";
import type { Extraction } from "./proof.ts";

/** A field of the stream and where its values come from. */
export interface Projection {
  /** Name and type that the batches have. */
  readonly field: Field;
  /** Column or path in the source; unset when there is an expression. */
  readonly column?: string;
  /** Expression in the source's own language. */
  readonly expression?: string;
  /**
   * Type that values of the source made dxt guess, where the pipeline declares none. The field may have
   * another one: that of a target that exists. Text is read as the field's type only where a guess
   * from this text would allow that type; a declared type is read generously.
   */
  readonly guess?: DXTType;
}

/** Which part of a source to read. Plain data: it is sent to the worker that reads it. */
export type Part = Readonly<Record<string, string | number | null>>;

/** How a source is split. */
export interface PartitionSettings {
  /** Parts that are read at the same time; 1 if the source must not be split. */
  readonly most: number;
  /** Field of whole numbers whose ranges are the parts; unset, the source's own way. */
  readonly field?: string | undefined;
}

/**
 * Parts of an extraction in the order of its records. Together they are the whole source, as of one
 * snapshot. The worker that created the partition keeps its snapshot until it disposes of the partition,
 * after the last part. A partition of one part is read as a whole. If a part fails with a
 * PartitionError, the partition is disposed of, and the host reads the whole source.
 */
export interface Partition extends AsyncDisposable {
  readonly parts: readonly Part[];
  /** Boundaries are heuristic: if one is wrong, its part fails and the host reads the whole. */
  readonly guessed?: boolean;
  /**
   * A capability: identifies the state of the source that the parts are read from. Equal parts of an equal moment
   * have the same records, also in a later run, which then takes up the parts that a killed run has completed.
   */
  readonly moment?: string | undefined;
}

/** The partition of an extraction that is read as a whole. */
export function undivided(): Promise<Partition> {
  return Promise.resolve({ parts: [{}], [Symbol.asyncDispose]: () => Promise.resolve() });
}

/** Records of a source that has rows: values by column. */
export type Records =
  | Iterable<Readonly<Record<string, unknown>>>
  | AsyncIterable<Readonly<Record<string, unknown>>>;

/** A request for a read, which the host creates once per stream. Plain data and values, but for the signal. */
export interface ExtractRequest {
  readonly source: StreamSource;
  readonly projections: readonly Projection[];
  readonly range?: WatermarkRange;
  /** One of the parts of {@linkcode RecordExtractor.partition}; everything when unset. */
  readonly part?: Part;
  /** At most this many records, whichever the source gives first; the proof counts these. */
  readonly limit?: number;
  readonly batchRows: number;
  readonly batchBytes: number;
  /** Whether the memory of a batch may be reused when the next is requested. */
  readonly recycle?: boolean;
  /**
   * Whether the projections must be all fields of the source. If so, a source whose records differ refuses
   * a record with a further field.
   */
  readonly complete?: boolean;
  /** Names of fields that the source may have and that are left out. */
  readonly excluded?: readonly string[];
  readonly signal: AbortSignal;
}

/** What a source knows of a record that cannot be a row. */
export interface RejectedRecord {
  /** File that has the record. */
  readonly file?: string | undefined;
  /** Number of the record in its file, or in the source, from 1. */
  readonly row?: number | undefined;
  /** Line of the file on which the record begins, from 1. */
  readonly line?: number | undefined;
  /** Values as text by the names of the fields. */
  readonly record?: Readonly<Record<string, string | null>> | undefined;
  /** The record as its file has it, or the beginning of it. */
  readonly text?: string | undefined;
}

/**
 * Takes records that cannot be rows of the stream's fields, so that the others are read. An extractor that
 * leaves such a record out counts it as one that it sent.
 */
export interface RecordRejections {
  /** Records that the extractor has rejected so far. */
  readonly count: number;
  /** Whether a record that cannot be parsed is rejected; otherwise it ends the extraction. */
  readonly takesMalformed: boolean;
  /** Whether a record with such a value is rejected; otherwise it ends the extraction. */
  takesValue(error: ValueError): boolean;
  /** @throws {RejectedRowsError} when the pipeline allows no more */
  rejectValue(error: ValueError, record: RejectedRecord): void;
  /** @throws {RejectedRowsError} when the pipeline allows no more */
  rejectMalformed(message: string, record: RejectedRecord): void;
}

/** A request of an extractor that reads rows one after another. */
export interface ReadTask extends ExtractRequest {
  /** Unset where the first record that cannot be a row ends the extraction. */
  readonly rejections?: RecordRejections | undefined;
}

/** A request as an extractor gets it, with a helper for sources that return rows. */
export interface ExtractTask extends ReadTask {
  /**
   * Batches of these bounds from records, for a source that has no columns. A record is keyed by the
   * projections' columns; `valueOf` of core/values/js_values.ts converts its values.
   */
  batches(records: Records): AsyncGenerator<Batch, void, void>;
}

/**
 * Yields batches whose schema is that of the projections' fields, each of at most `batchRows` rows
 * and about `batchBytes` bytes, never empty. The reader may use a batch until it asks for the next one.
 */
export interface RecordExtractor {
  /**
   * Splits a large source whose parts can be read from one snapshot. Called once per stream, before its
   * extraction, even if a single part is requested.
   */
  partition(task: ExtractTask, settings: PartitionSettings): Promise<Partition>;
  /**
   * Reads the whole, or one part. Called once for each part, on several workers at the same time; again
   * for the whole after a part failed. The reader closes the generator early when it stops.
   */
  extract(task: ExtractTask): Extraction<Batch>;
}

/** A file with its bytes untouched. */
export interface SourceFile extends FileEntry {
  open(): Promise<ReadableStream<Uint8Array>>;
}

/** Yields the source's own files. Called once for a stream, in one worker. */
export interface FileExtractor {
  extract(task: ExtractTask): Extraction<SourceFile>;
}
