/** The contract of a file format, which converts batches to bytes and back. */
import type { Field } from "../models/field.ts";
import type { Compression, Format, FormatOptions } from "../models/format.ts";
import type { Batch } from "../core/contracts/batch.ts";
import type { Projection, RecordRejections } from "../core/contracts/extractor.ts";

/** A file to read, wherever it is stored. Readers may open it several times. */
export interface FileInput {
  /** Name for error messages. */
  readonly name: string;
  readonly size: number;
  /** Opens the file at its beginning. */
  open(): Promise<ReadableStream<Uint8Array>>;
  /** Reads the bytes from `start` up to `end`, into the memory of `into` where possible. */
  read(start: number, end: number, into?: Uint8Array): Promise<Uint8Array>;
}

/** A range of a file, in row groups or bytes, whichever the format counts. `end` is exclusive. */
export interface FileRange {
  readonly start: number;
  readonly end: number;
}

/** The ranges of a file, in order. */
export interface Split {
  readonly ranges: readonly FileRange[];
  /**
   * Whether boundaries are guesses: if one is wrong, its range fails and all that was read is void.
   */
  readonly guessed: boolean;
}

export interface ReadRequest {
  /** Fields to read; a projection's column is the name in the file. */
  readonly projections: readonly Projection[];
  readonly batchRows: number;
  readonly batchBytes: number;
  readonly compression: Compression;
  readonly options: FormatOptions;
  /** One of the ranges from {@linkcode FileFormat.split}; unset for the whole file. */
  readonly range?: FileRange | undefined;
  /** Whether dxt wrote the file and verified its digest, so that values are not validated again. */
  readonly proven?: boolean;
  /** Whether the reader may reuse a batch's memory once the caller requests the next batch. */
  readonly recycle?: boolean | undefined;
  /** Whether a column or key without a projection is an error. */
  readonly complete?: boolean | undefined;
  /** Names of columns or keys that are skipped without an error. */
  readonly excluded?: readonly string[] | undefined;
  /** Takes the records that cannot be read; unset, the first one is an error. */
  readonly rejections?: RecordRejections | undefined;
}

export interface InferRequest extends Pick<ReadRequest, "compression" | "options"> {
  /** Reports a fact that the user should know, such as a made-up column name. */
  readonly warn?: ((message: string) => void) | undefined;
  /** Whether records that cannot be parsed are left out; otherwise the first one is an error. */
  readonly skipsMalformed?: boolean | undefined;
}

/** A request; passing the same object for file after file lets the writer reuse its memory. */
export interface WriteRequest {
  readonly fields: readonly Field[];
  readonly compression: Compression;
  readonly options: FormatOptions;
  /** Whether the writer may reuse a chunk's memory once the caller requests the next chunk. */
  readonly recycle?: boolean;
}

/** Facts about a format, known without loading its code. */
export interface FormatInfo {
  readonly name: Format;
  /** Extension of its files, without a dot. */
  readonly extension: string;
  /** Compressions that it can write, the default first. */
  readonly compressions: readonly Compression[];
  /** Keys of FormatOptions that the format reads. */
  readonly optionKeys: readonly (keyof FormatOptions)[];
}

/** A field found in a file. */
export type FileField = Field & {
  /** Set when no value was seen, so that the type is arbitrary. */
  readonly valueless?: true;
};

/** A file format, the default export of its module. Extractors and loaders call it in workers. */
export interface FileFormat extends FormatInfo {
  /**
   * Returns the file's fields, from its schema or its first records.
   *
   * @throws {ValidationError} when the file is malformed
   */
  inferFields(input: FileInput, request: InferRequest): Promise<FileField[]>;
  /**
   * Splits a file into at most `maxRanges` ranges of about equal size, which can be read
   * independently; none where the format or the file does not allow it.
   *
   * @throws {ValidationError} when the file is malformed
   */
  split(
    input: FileInput,
    request: Pick<ReadRequest, "compression" | "options">,
    maxRanges: number,
  ): Promise<Split>;
  /**
   * Reads all the file's records, or throws.
   *
   * @throws {ValidationError} when the file is malformed or truncated, or a value is not of its
   * field's type, with the record's number
   */
  read(input: FileInput, request: ReadRequest): AsyncGenerator<Batch, void, void>;
  /**
   * Joins files that dxt wrote in this format, with the request's fields and compression, without
   * decoding them. Returns the bytes that `write` would produce for all records; undefined when the
   * request needs other bytes, or the first file is not one of dxt.
   *
   * @throws {ValidationError} when a later file is not one of dxt
   * @throws {ValueError} for an infinite date or timestamp, which only dxt can read
   */
  join(
    parts: AsyncIterable<FileInput>,
    request: WriteRequest,
  ): Promise<AsyncGenerator<Uint8Array, void, void> | undefined>;
  /** Writes batches; yields the file's bytes batch by batch. */
  write(
    batches: AsyncIterable<Batch>,
    request: WriteRequest,
  ): AsyncGenerator<Uint8Array, void, void>;
}

/** The `join` of a format whose files are always written anew. */
export function cannotJoin(): Promise<undefined> {
  return Promise.resolve(undefined);
}

/** The `split` of a format that is only read from the beginning. */
export function wholeFile(): Promise<Split> {
  return Promise.resolve({ ranges: [], guessed: false });
}
