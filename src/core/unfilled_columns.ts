/** Columns that a target has and the stream does not fill, such as one that the source dropped. */
import { SchemaError } from "./errors.ts";

/** A column of a target that is there. */
export interface TargetColumnFacts {
  readonly name: string;
  /** NULL is refused. */
  readonly required: boolean;
  /** The target gives a value where none comes: a default, an identity, a generated column. */
  readonly filled: boolean;
}

/**
 * The columns that get NULL in each added row.
 *
 * @param target as messages have it, quoted
 * @param fills whether a field of the stream goes into the column of a name
 * @throws {SchemaError} for a column that gets no value and refuses NULL
 */
export function unfilledColumns(
  target: string,
  columns: readonly TargetColumnFacts[],
  fills: (name: string) => boolean,
): string[] {
  const unfilled = columns.filter(({ name, filled }) => !filled && !fills(name));
  const required = unfilled.find((column) => column.required);
  if (required === undefined) return unfilled.map(({ name }) => name);
  throw new SchemaError(
    `Cannot load into ${target}: column "${required.name}" is NOT NULL and has no default, and no staged field fills it`,
  );
}

/** What to warn of; undefined when each column is filled. */
export function describeUnfilled(target: string, unfilled: readonly string[]): string | undefined {
  if (unfilled.length === 0) return undefined;
  const [columns, have] = unfilled.length === 1 ? ["column", "it has"] : ["columns", "they have"];
  const names = unfilled.map((name) => `"${name}"`).join(", ");
  return `No field of the stream fills ${columns} ${names} of ${target}: in new rows ${have} NULL`;
}
