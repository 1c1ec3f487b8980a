/** Determines the fields of a stream from its files, of which there may be many. */
import { isDeepStrictEqual } from "node:util";
import type { FileEntry, FilestoreConnector } from "../../../core/contracts/connector.ts";
import { typeText } from "../../../core/values/conversion.ts";
import { findWiderType } from "../../../core/values/guessed_types.ts";
import { ExtractorError, SchemaError, withoutSecrets } from "../../../core/errors.ts";
import type { ConnectContext } from "../../../core/contracts/provider.ts";
import type { Field } from "../../../models/field.ts";
import type { Format } from "../../../models/format.ts";
import type { StreamRef } from "../../../models/source.ts";
import type { FileField, InferRequest } from "../../../formats/format.ts";
import { fileInput, fileType, type FormatHints, getFormatHints, TYPED } from "./file.ts";

/** Fields of one file. */
export interface FileFields {
  readonly file: string;
  readonly format: Format;
  readonly fields: readonly FileField[];
}

/**
 * Merged fields of all files of a stream; undefined when the file or directory does not exist.
 *
 * @throws {ExtractorError} when a pattern matches no file
 * @throws {SchemaError} when the columns of two files do not match
 */
export async function streamFields(
  connector: FilestoreConnector,
  ref: StreamRef,
  { signal, warn }: Pick<ConnectContext, "signal" | "warn">,
  skipsMalformed = false,
): Promise<Field[] | undefined> {
  const entries = await connector.list(ref);
  if (entries.length === 0 && ref.type !== "glob") return undefined;
  requireFiles(entries, ref);
  const files: FileFields[] = [];
  for (const entry of entries) {
    signal.throwIfAborted();
    files.push(await fieldsOfFile(connector, entry, getFormatHints(ref), { warn, skipsMalformed }));
  }
  return mergeFields(files);
}

/** @throws {ExtractorError} when there is no file, which is not the same as no records */
export function requireFiles(entries: readonly FileEntry[], ref: StreamRef): void {
  if (entries.length > 0) return;
  if (ref.type === "file") {
    throw new ExtractorError(`Cannot find file "${withoutSecrets(ref.path)}": it does not exist`);
  }
  const where = ref.type === "glob"
    ? `no file matches pattern "${ref.pattern}"`
    : `there is no file in ${ref.type} "${"path" in ref ? ref.path : ""}"`;
  throw new ExtractorError(`Cannot read files: ${where}`);
}

export async function fieldsOfFile(
  connector: FilestoreConnector,
  entry: FileEntry,
  hints: FormatHints,
  how: Pick<InferRequest, "warn" | "skipsMalformed"> = {},
): Promise<FileFields> {
  const type = await fileType(entry.name, hints);
  await using file = await connector.openRead(entry.path);
  const request = { compression: type.compression, options: type.options, ...how };
  const fields = await type.format.inferFields(fileInput(file, entry.path), request);
  return { file: entry.path, format: type.format.name, fields };
}

/** Whether the file format stores field types; for others they are inferred from values. */
export const isTyped = ({ format }: FileFields) => TYPED.has(format);

/** Formats whose records may omit a field, which is then NULL. */
export const SPARSE: ReadonlySet<Format> = new Set<Format>(["json", "jsonl"]);

/**
 * Merges the fields of files that are read together. All files must have the same columns, in any
 * order; only JSON files may omit some. Stored types must be equal, and take precedence over
 * inferred ones. Inferred types widen without loss: integers to decimals or doubles, dates to
 * timestamps, anything else to strings (CSV) or json (JSON). A column without values has no
 * influence on the type, and a file without header or records has none at all.
 *
 * @throws {SchemaError} that names two files and the column in which they differ
 */
export function mergeFields(files: readonly FileFields[]): Field[] {
  const withFields = files.filter((file) => file.fields.length > 0 || isTyped(file));
  const [first, ...others] = withFields;
  if (first === undefined) return [];
  if (others.length === 0) return first.fields.map(stripMark);
  const merged = new Map(first.fields.map((field) => [field.name, { field, from: first }]));
  for (const file of others) {
    for (const field of file.fields) {
      const known = merged.get(field.name);
      if (known !== undefined) {
        merged.set(field.name, mergeColumn(known, { field, from: file }));
      } else if (SPARSE.has(first.format)) {
        merged.set(field.name, { field: { ...field, nullable: true }, from: file });
      } else {
        throw missing(field.name, first.file, file.file);
      }
    }
    const names = new Set(file.fields.map(({ name }) => name));
    for (const [name, { field, from }] of merged) {
      if (names.has(name)) continue;
      if (!SPARSE.has(file.format)) throw missing(name, file.file, from.file);
      merged.set(name, { field: { ...field, nullable: true }, from });
    }
  }
  // A key that is unique in each file need not be unique across files.
  return Array.from(merged.values(), ({ field: { key: _key, ...field } }) => stripMark(field));
}

/** Removes the mark of a column without values, which matters only for merging. */
export function stripMark({ valueless: _valueless, ...field }: FileField): Field {
  return field;
}

function missing(column: string, without: string, having: string): SchemaError {
  return new SchemaError(
    `Cannot read "${without}" and "${having}" as one stream: column "${column}" is only in the second`,
  );
}

interface Column {
  readonly field: FileField;
  readonly from: FileFields;
}

function mergeColumn(a: Column, b: Column): Column {
  const nullable = a.field.nullable || b.field.nullable;
  if (a.field.valueless) return { field: { ...b.field, nullable }, from: b.from };
  if (b.field.valueless) return { field: { ...a.field, nullable }, from: a.from };
  const [x, y] = [isTyped(a.from), isTyped(b.from)];
  if (typeText(a.field) === typeText(b.field)) {
    const { source_type, metadata: _metadata, ...field } = keepSharedMarks(a.field, b.field);
    const same = source_type !== undefined && source_type === b.field.source_type;
    return { field: { ...field, nullable, ...(same ? { source_type } : {}) }, from: a.from };
  }
  if (x && y) {
    throw new SchemaError(
      `Cannot read "${a.from.file}" and "${b.from.file}" as one stream: column "${a.field.name}" is ${
        typeText(a.field)
      } in the first, ${typeText(b.field)} in the second`,
    );
  }
  if (x || y) {
    const [typed, other] = x ? [a, b] : [b, a];
    return { field: { ...keepSharedMarks(typed.field, other.field), nullable }, from: typed.from };
  }
  const json = SPARSE.has(a.from.format) && SPARSE.has(b.from.format);
  const { name } = a.field;
  return {
    field: {
      name,
      ...(findWiderType(a.field, b.field) ??
        (json ? { dtype: "json" } : { dtype: "string", only_text: true })),
      nullable,
      inferred: true,
      ...(json ? { sparse: true } : {}),
    },
    from: a.from,
  };
}

/** Whether a Parquet file stores the values of both alike, which have the same dtype. */
export function isStoredAlike(a: Field, b: Field): boolean {
  return a.uuid === b.uuid && isDeepStrictEqual(a.element, b.element);
}

/** The first field, for values of both: UUIDs or lists only where those of both are. */
function keepSharedMarks(first: Field, second: Field): Field {
  if (isStoredAlike(first, second)) return first;
  const { uuid: _uuid, element: _element, ...field } = first;
  return field;
}
