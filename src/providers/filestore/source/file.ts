/** A file of a stream: its format, its bytes, and whether it stayed as it was. */
import type { FileEntry, FilestoreConnector, OpenFile } from "../../../core/contracts/connector.ts";
import { ConfigurationError, ExtractorError } from "../../../core/errors.ts";
import type { ReadRequest } from "../../../formats/format.ts";
import type { FileFormat, FileInput } from "../../../formats/format.ts";
import { checkOptions, detectFormat, loadFormat, resolveFormat } from "../../../formats/mod.ts";
import type { Field } from "../../../models/field.ts";
import type { Compression, Format, FormatOptions } from "../../../models/format.ts";
import type { StreamRef } from "../../../models/source.ts";

/** What a source or target says of its files' format. */
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
export function hintsOf(ref: StreamRef): FormatHints {
  return ref.type === "file" || ref.type === "glob" || ref.type === "directory" ? ref : {};
}

/** @throws {ConfigurationError} when neither name nor hints tell, or the format has no such option */
export async function fileType(name: string, hints: FormatHints): Promise<FileType> {
  const { format: formatName, compression } = resolveFormat(name, hints);
  const format = await loadFormat(formatName);
  const options = hints.options ?? {};
  checkOptions(format, options);
  return { format, compression, options };
}

/** Name that a file's reader knows a field by: without a header it counts the columns. */
export function columnName(field: Field, index: number, { options }: FileType): string {
  return options.header === false ? `column_${index + 1}` : field.name;
}

/** How a file is to be written, and read back. */
export interface TypeToWrite extends FileType {
  /** Compression of what is written: Parquet's is inside and not told to its reader. */
  readonly written: Compression;
  /** Ending of such files' names, with its dot. */
  readonly extension: string;
}

/** As {@linkcode fileType}, with the format's own compression where nothing else is said. */
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

/** Formats whose files say the types of their fields, and are compressed inside. */
export const TYPED: ReadonlySet<Format> = new Set<Format>(["parquet", "arrow"]);

const ENDINGS: Partial<Record<Compression, string>> = { gzip: ".gz", zstd: ".zst" };

/** An open file as its format reads it. */
export function fileInput(file: OpenFile, name: string): FileInput {
  return {
    name,
    size: file.size,
    open: () => Promise.resolve(wholeFile(file, name)),
    async read(start, end, into) {
      const bytes = await file.read(start, end, into);
      if (bytes.length !== end - start) throw shorter(name, file.size, start + bytes.length);
      return bytes;
    },
  };
}

/** The bytes of a file, and an error at their end if they are not as many as it had. */
export function wholeFile(file: OpenFile, name: string): ReadableStream<Uint8Array> {
  let size = 0;
  return file.stream().pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        size += chunk.length;
        controller.enqueue(chunk);
      },
      flush() {
        if (size !== file.size) throw shorter(name, file.size, size);
      },
    }),
  );
}

function shorter(name: string, expected: number, size: number): ExtractorError {
  return new ExtractorError(
    `Cannot read "${name}": it changed while it was read, had ${expected} bytes, gave ${size}`,
  );
}

/**
 * Opens one of the files of a stream.
 *
 * @throws {ExtractorError} when there are others and it is not the one that was listed: the two
 * may not belong together
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
