/** One file of a stream: its format, its bytes, and checks that it has not changed. */
import type { FileEntry, FilestoreConnector, OpenFile } from "../../../core/contracts/connector.ts";
import { ConfigurationError, ExtractorError } from "../../../core/errors.ts";
import type { ReadRequest } from "../../../formats/format.ts";
import type { FileFormat, FileInput } from "../../../formats/format.ts";
import { checkOptions, detectFormat, loadFormat, resolveFormat } from "../../../formats/mod.ts";
import type { Field } from "../../../models/field.ts";
import type { Compression, Format, FormatOptions } from "../../../models/format.ts";
import type { StreamRef } from "../../../models/source.ts";

/** Settings of a source or target about the format of its files. */
export interface FormatHints {
  readonly format?: Format | undefined;
  readonly compression?: Compression | undefined;
  readonly options?: FormatOptions | undefined;
}

/** How a file is read or written. */
export interface FileType extends Pick<ReadRequest, "compression" | "options"> {
  readonly format: FileFormat;
}

/** The hints of a file, glob or directory. */
export function getFormatHints(ref: StreamRef): FormatHints {
  return ref.type === "file" || ref.type === "glob" || ref.type === "directory" ? ref : {};
}

/**
 * Determines how a file is read.
 *
 * @throws {ConfigurationError} when neither name nor hints give a format, or an option is unknown
 */
export async function fileType(name: string, hints: FormatHints): Promise<FileType> {
  const { format: formatName, compression } = resolveFormat(name, hints);
  const format = await loadFormat(formatName);
  const options = hints.options ?? {};
  checkOptions(format, options);
  return { format, compression, options };
}

/** Column name of a field for the reader: without a header, `column_` and its position. */
export function columnName(field: Field, index: number, { options }: FileType): string {
  return options.header === false ? `column_${index + 1}` : field.name;
}

/** How a file is written, and read back. */
export interface TypeToWrite extends FileType {
  /** Compression for writing. Parquet compresses inside the file, so its reader is not told. */
  readonly written: Compression;
  /** File extension, with its dot. */
  readonly extension: string;
}

/** Like {@linkcode fileType}, for writing; the default compression is that of the format. */
export async function typeToWrite(name: string, hints: FormatHints): Promise<TypeToWrite> {
  const type = await fileType(name, hints);
  const { format } = type;
  const named = detectFormat(name).compression;
  const [own = "none"] = format.compressions;
  const written = hints.compression ?? (named === "none" ? own : named);
  if (!format.compressions.includes(written)) {
    throw new ConfigurationError(
      `Cannot write "${name}" with compression ${written}: ${format.name} is written with ${
        format.compressions.join(", ")
      }`,
    );
  }
  const outside = TYPED.has(format.name) ? "" : ENDINGS[written] ?? "";
  return { ...type, written, extension: `.${format.extension}${outside}` };
}

/** Formats that store field types, and compress inside the file. */
export const TYPED: ReadonlySet<Format> = new Set<Format>(["parquet", "arrow"]);

const ENDINGS: Partial<Record<Compression, string>> = { gzip: ".gz", zstd: ".zst" };

/** An open file as input of its format. */
export function fileInput(file: OpenFile, name: string): FileInput {
  return {
    name,
    size: file.size,
    open: () => Promise.resolve(wholeFile(file, name)),
    async read(start, end, into) {
      const bytes = await file.read(start, end, into);
      if (bytes.length !== end - start) throw sizeError(name, file.size, start + bytes.length);
      return bytes;
    },
  };
}

/** Streams the bytes of a file; fails at the end if their number has changed since it was opened. */
export function wholeFile(file: OpenFile, name: string): ReadableStream<Uint8Array> {
  let size = 0;
  return file.stream().pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        size += chunk.length;
        controller.enqueue(chunk);
      },
      flush() {
        if (size !== file.size) throw sizeError(name, file.size, size);
      },
    }),
  );
}

function sizeError(name: string, expected: number, size: number): ExtractorError {
  return new ExtractorError(
    `Cannot read "${name}": it changed while it was read, had ${expected} bytes, gave ${size}`,
  );
}

/**
 * Opens one of the files of a stream.
 *
 * @throws {ExtractorError} when the stream has other files and this one has changed since all were
 * listed: they may no longer belong together
 */
export async function openListed(
  connector: FilestoreConnector,
  entry: FileEntry,
  entries: readonly FileEntry[],
): Promise<OpenFile> {
  const file = await connector.openRead(entry.path);
  if (entries.length === 1) return file;
  if (file.size === entry.size && file.modified === entry.modified) return file;
  await file[Symbol.asyncDispose]();
  throw new ExtractorError(
    `Cannot read "${entry.path}" with ${
      entries.length - 1
    } other files: it changed since they were listed together`,
  );
}
