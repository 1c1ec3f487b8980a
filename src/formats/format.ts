/** What a file format is: batches ↔ bytes. */
import type { Field } from "../models/field.ts";
import type { Compression, Format, FormatOptions } from "../models/format.ts";
import type { Batch } from "../core/contracts/batch.ts";
import type { Projection } from "../core/contracts/extractor.ts";

/** A file to read, from anywhere. It can be opened more than once. */
export interface FileInput {
  /** Name for messages. */
  readonly name: string;
  readonly size: number;
  /** The bytes from the beginning. */
  open(): Promise<ReadableStream<Uint8Array>>;
  /** The bytes from `start` up to `end`; `into` has room for them and may be used for them. */
  read(start: number, end: number, into?: Uint8Array): Promise<Uint8Array>;
}

/** A part of a file in what its format counts: row groups, or bytes. `end` is outside. */
export interface FileRange {
  readonly start: number;
  readonly end: number;
}

/** Ranges of a file, in its order. */
export interface Split {
  readonly ranges: readonly FileRange[];
  /** Whether they may turn out to be wrong: then reading one fails, and all that was read is void. */
  readonly guessed: boolean;
}

export interface ReadRequest {
  /** Fields wanted; a projection's column is the name in the file. */
  readonly projections: readonly Projection[];
  readonly batchRows: number;
  readonly batchBytes: number;
  readonly compression: Compression;
  readonly options: FormatOptions;
  /** One of the ranges of {@linkcode FileFormat.split}; the whole file when unset. */
  readonly range?: FileRange | undefined;
  /** The file is as dxt wrote it: its values need not be looked at again. */
  readonly proven?: boolean;
  /** Whether the memory of a batch may be used again when the next is asked for. */
  readonly recycle?: boolean | undefined;
  /** Whether a column or key that no projection is for is an error. */
  readonly complete?: boolean | undefined;
  /** Names of columns or keys that may be there all the same, and are left out. */
  readonly excluded?: readonly string[] | undefined;
}

export interface InferRequest extends Pick<ReadRequest, "compression" | "options"> {
  /** Reports a fact that the user should know, such as a column's made name. */
  readonly warn?: ((message: string) => void) | undefined;
}

/** The same one may be asked for file after file, which then are made in the same memory. */
export interface WriteRequest {
  readonly fields: readonly Field[];
  readonly compression: Compression;
  readonly options: FormatOptions;
  /** Whether the memory of some bytes may be used again when the next are asked for. */
  readonly recycle?: boolean;
}

/** What is known of a format without its code. */
export interface FormatInfo {
  readonly name: Format;
  /** Ending of its files' names, without a dot. */
  readonly extension: string;
  /** Compressions that it can write, the default first. */
  readonly compressions: readonly Compression[];
  /** Keys of FormatOptions that mean something to it. */
  readonly optionKeys: readonly (keyof FormatOptions)[];
}

/** A field that a file has. */
export type FileField = Field & {
  /** No value of it was seen: its type is as good as any. */
  readonly valueless?: true;
};

/** The default export of a format's file. */
export interface FileFormat extends FormatInfo {
  /**
   * Fields that the file has, told by its schema or its first records.
   *
   * @throws {ValidationError} when the file is malformed
   */
  inferFields(input: FileInput, request: InferRequest): Promise<FileField[]>;
  /**
   * Cuts a file into at most `most` ranges of about the same size, which are read apart from each other
   * and together are the file; none where the format, or this file, cannot be cut.
   *
   * @throws {ValidationError} when the file is malformed
   */
  split(
    input: FileInput,
    request: Pick<ReadRequest, "compression" | "options">,
    most: number,
  ): Promise<Split>;
  /**
   * The file's records, all of them or an error.
   *
   * @throws {ValidationError} when the file is malformed or cut, or a value is not of its field's
   * type, with the record's number
   */
  read(input: FileInput, request: ReadRequest): AsyncGenerator<Batch, void, void>;
  /**
   * The bytes that `write` would give for the records of several files, which dxt wrote in this format
   * with the request's fields and compression, taken from them as they are; undefined where the
   * request wants other bytes, or the first file is not such a one.
   *
   * @throws {ValidationError} when another file is not such a one
   * @throws {ValueError} for an infinite date or timestamp, which is for dxt alone
   */
  join?(
    parts: AsyncIterable<FileInput>,
    request: WriteRequest,
  ): Promise<AsyncGenerator<Uint8Array, void, void> | undefined>;
  /** The file's bytes, batch by batch. */
  write(
    batches: AsyncIterable<Batch>,
    request: WriteRequest,
  ): AsyncGenerator<Uint8Array, void, void>;
}

/** The `split` of a format whose files are read from the beginning only. */
export function wholeFile(): Promise<Split> {
  return Promise.resolve({ ranges: [], guessed: false });
}
