/** Target columns that no field of the stream fills, such as one that the source has dropped. */
import { SchemaError } from "./errors.ts";

/** A column of an existing target. */
export interface TargetColumnFacts {
  readonly name: string;
  /** NOT NULL. */
  readonly required: boolean;
  /** The target itself provides a value: a default, an identity or a generated column. */
  readonly filled: boolean;
}

/**
 * Returns the columns that are NULL in every added row.
 *
 * @param target name for messages, quoted
 * @param fills whether a field of the stream fills the column of this name
 * @throws {SchemaError} for a NOT NULL column that nothing fills
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

/** The warning about unfilled columns; undefined when there are none. */
export function describeUnfilled(target: string, unfilled: readonly string[]): string | undefined {
  if (unfilled.length === 0) return undefined;
  const [columns, have] = unfilled.length === 1 ? ["column", "it has"] : ["columns", "they have"];
  const names = unfilled.map((name) => `"${name}"`).join(", ");
  return `No field of the stream fills ${columns} ${names} of ${target}: in new rows ${have} NULL`;
}
