/**
 * Wildcard streams: the source of a stream matches tables by `*` and `?`, and its id has `{table}`. A run
 * puts a stream for each table in its place.
 */
import type { StreamSource } from "./source.ts";
import type { Stream } from "./stream.ts";

const TABLE = "{table}";

/** The id of a wildcard that has none in the file. */
export const WILDCARD_ID = TABLE;

/** Whether a stream in a pipeline file stands for several. */
export function isWildcard({ id }: Pick<Stream, "id">): boolean {
  return id.includes(TABLE);
}

/** Whether a name of a table has `*` or `?` outside double quotes. */
export function hasPattern(name: string): boolean {
  return /[*?]/.test(name.replace(/"(?:[^"]|"")*"/g, ""));
}

/** The table of a stream that a wildcard made: what it takes to make the stream again, without the source. */
export interface WildcardTable {
  readonly source: StreamSource;
  /** Empty where the source has no schemas. */
  readonly schema: string;
  /** The name without its schema. */
  readonly table: string;
  readonly isView?: boolean | undefined;
  readonly fields: readonly {
    readonly name: string;
    /** Whether the field is part of the primary key. */
    readonly key?: boolean | undefined;
  }[];
}

/** A stream that a wildcard made. */
export interface TableStream extends Stream {
  readonly table: WildcardTable;
}

/** The table of a stream, if a wildcard made it. */
export function getTable(stream: Stream | TableStream): WildcardTable | undefined {
  return "table" in stream ? stream.table : undefined;
}

/** Replaces `{schema}` and `{table}` in a text. */
export function fillPlaceholders(
  text: string,
  { schema, table }: { readonly schema: string; readonly table: string },
): string {
  return text.replace(/\{(schema|table)\}/g, (_, name) => name === "schema" ? schema : table);
}

/** The part of a text before its first placeholder. */
export function beforePlaceholder(text: string): string {
  return text.split(/\{(?:schema|table)\}/, 1)[0]!;
}
