import type { Field } from "../models/field.ts";
import type { StreamSource } from "../models/source.ts";
import type { Batch } from "./batch.ts";
import type { FileEntry, WatermarkRange } from "./connector.ts";
import type { Extraction } from "./proof.ts";

/** A field of the stream and where its values come from. */
export interface Projection {
  /** Name and type that the batches have. */
  readonly field: Field;
  /** Column or path in the source; unset when there is an expression. */
  readonly column?: string;
  /** Expression in the source's own language. */
  readonly expression?: string;
}

export interface ExtractTask {
  readonly source: StreamSource;
  readonly projections: readonly Projection[];
  readonly range?: WatermarkRange;
  readonly batchRows: number;
  readonly batchBytes: number;
  readonly signal: AbortSignal;
}

/**
 * Yields batches whose schema is that of the projections' fields, each of at most `batchRows` rows
 * and about `batchBytes` bytes, never empty. A batch is the reader's until it asks for the next.
 */
export interface RecordExtractor {
  readonly yields: "records";
  extract(task: ExtractTask): Extraction<Batch>;
}

/** A file with its bytes untouched. */
export interface SourceFile extends FileEntry {
  open(): Promise<ReadableStream<Uint8Array>>;
}

export interface FileExtractor {
  readonly yields: "files";
  extract(task: ExtractTask): Extraction<SourceFile>;
}

export type Extractor = RecordExtractor | FileExtractor;
