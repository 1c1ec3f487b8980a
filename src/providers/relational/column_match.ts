/** The columns of a table that take the fields of a load, found before a row is written. */
import {
  type Conversion,
  type FieldConversion,
  refuseLosses,
  typeText,
} from "../../core/values/conversion.ts";
import { SchemaError } from "../../core/errors.ts";
import type { PlannedLoad, TargetColumn } from "../../core/contracts/loader.ts";
import { describeUnfilled, unfilledColumns } from "../../core/unfilled_columns.ts";
import type { Field } from "../../models/field.ts";
import type { ColumnOf, RelationalSystem, SqlSession, Table } from "./contract.ts";

/** A staged field, the column that takes it, and how. */
export interface LoadColumn<C, E> {
  readonly field: Field;
  readonly column: C;
  readonly fit: E;
  /** Place of the field among those of the stage. */
  readonly at: number;
}

/** A table that a load writes to. */
export interface Target<T extends Table, E> {
  readonly table: T;
  /** In the order of the fields. */
  readonly columns: readonly LoadColumn<ColumnOf<T>, E>[];
  /** Names of fields that source and table compute each for itself: they are not loaded. */
  readonly computed: readonly string[];
  /** Names of columns that get NULL in each added row. */
  readonly unfilled: readonly string[];
}

/** All of a system that a match needs. */
export type Matching<T extends Table, E> = Pick<
  RelationalSystem<SqlSession, T, E>,
  "dialect" | "types" | "changeType"
>;

/**
 * Matches fields and columns by their names.
 *
 * @param changed names of fields that are left out, since the load adds or changes their columns
 * @throws {SchemaError} when the table cannot take the fields
 * @throws {LossyConversionError} when it would hold less than they do, and that is not accepted
 */
export function matchColumns<T extends Table, E>(
  system: Matching<T, E>,
  table: T,
  load: PlannedLoad,
  changed: ReadonlySet<string> = new Set(),
): Target<T, E> {
  const { staged, lossy, upsertKeys } = load;
  const fields = staged.fields.filter(({ name }) => !changed.has(name));
  const { label, readOnlyKind } = table;
  const at = `Cannot load into ${label}`;
  if (readOnlyKind !== undefined) {
    throw new SchemaError(`${at}: it is ${readOnlyKind}, expected a table`);
  }
  refuseLosses(label, findConversions(system, table, fields), lossy, load.schema);
  const find = columnFinder(system, table);
  const computed = fields.filter((field) => isComputed(field, find(field.name)))
    .map(({ name }) => name);
  const columns = staged.fields.flatMap((field, place) => {
    if (changed.has(field.name)) return [];
    if (computed.includes(field.name)) return [];
    const column = writableColumn(table, field, find(field.name));
    const fit = system.types.chooseEncoding(field, column, lossy === "accept");
    if (fit !== undefined) return [{ field, column, fit, at: place }];
    throw new SchemaError(
      `${at}: column "${column.name}" is ${column.type}, field "${field.name}" is ${
        typeText(field)
      }`,
    );
  });
  if (columns.length + changed.size === 0) {
    throw new SchemaError(`${at}: the table computes all of its columns, no field is left`);
  }
  const key = upsertKeys.find((name) => computed.includes(name));
  if (key !== undefined) {
    throw new SchemaError(
      `Cannot upsert into ${label} by "${key}": the table computes that column, expected a key that is loaded`,
    );
  }
  return {
    table,
    columns,
    computed,
    unfilled: findUnfilled(system, table, [...staged.fields, ...listOwnFields(load)]),
  };
}

/** The fields of columns that the load fills itself: the mark of deleted rows, and what tells versions apart. */
export function listOwnFields(
  load: Pick<PlannedLoad, "deletes" | "history"> & {
    readonly staged: { fields: readonly Field[] };
  },
): Field[] {
  const { history, staged } = load;
  if (history === undefined) return listMarks(load);
  const { validFrom, validTo, isCurrent, fromField } = history;
  const named = staged.fields.find(({ name }) => name === fromField);
  const time: Omit<Field, "name" | "nullable"> = {
    ...named ?? { dtype: "timestamp_tz" },
    ...{ key: false, generated: false },
  };
  return [
    { ...time, name: validFrom, nullable: false },
    { ...time, name: validTo, nullable: true },
    { name: isCurrent, dtype: "bool", nullable: false },
  ];
}

/** The field whose column marks deleted rows; none where the load marks none. */
export function listMarks({ deletes }: Pick<PlannedLoad, "deletes">): Field[] {
  const name = deletes?.column;
  return name === undefined ? [] : [{ name, dtype: "timestamp_tz", nullable: true }];
}

/** Finds a table's column by the name of a field. */
export function columnFinder<T extends Table, E>(
  { dialect: { foldName } }: Matching<T, E>,
  { columns }: T,
): (name: string) => ColumnOf<T> | undefined {
  const byName = new Map(columns.map((column) => [foldName(column.name), column]));
  return (name) => byName.get(foldName(name));
}

/** What becomes of the fields in the columns of their names; fields without a column are left out. */
export function findConversions<T extends Table, E>(
  system: Matching<T, E>,
  table: T,
  fields: readonly Field[],
): FieldConversion[] {
  const find = columnFinder(system, table);
  return fields.flatMap((field) => {
    const column = find(field.name);
    if (column === undefined) return [];
    const conversion = isComputed(field, column)
      ? COMPUTED
      : system.types.findConversion(field, column);
    const widens = system.changeType !== undefined;
    return [{ field, type: column.type, conversion, ...(widens ? { widens } : {}) }];
  });
}

/** The columns of fields, and how they alter the values; fields without a column are left out. */
export function describeColumns<T extends Table, E>(
  system: Matching<T, E>,
  table: T,
  fields: readonly Field[],
): TargetColumn[] {
  const find = columnFinder(system, table);
  return fields.flatMap((field) => {
    const column = find(field.name);
    if (column === undefined) return [];
    const altered = isComputed(field, column)
      ? ALTERED
      : system.types.describeSpelling?.(field, column);
    const spelled = altered === undefined ? {} : { altered };
    return [{ field: field.name, column: column.name, ...spelled }];
  });
}

/** Why values of a column that the table computes are not compared. */
export const ALTERED = "the table computes it";

const COMPUTED: Conversion = { kind: "exact", note: "not loaded, the table computes it" };

function isComputed(field: Field, column: ColumnOf<Table> | undefined): boolean {
  return field.generated === true && column?.generated === true;
}

function writableColumn<C extends ColumnOf<Table>>(
  { label, columns }: Table,
  { name }: Field,
  column: C | undefined,
): C {
  if (column === undefined) {
    const names = columns.map((one) => `"${one.name}"`).join(", ");
    throw new SchemaError(
      `Cannot load into ${label}: it has no column "${name}", its columns are ${names}`,
    );
  }
  if (column.generated) {
    throw new SchemaError(
      `Cannot load into ${label}: column "${column.name}" is generated, it cannot be written; leave the field out with "fields: [{ id: ${name}, exclude: true }]"`,
    );
  }
  return column;
}

/** The columns of a table that get NULL in each added row. */
function findUnfilled<T extends Table, E>(
  { dialect: { foldName } }: Matching<T, E>,
  { label, columns }: T,
  fields: readonly Field[],
): string[] {
  const facts = columns.map(({ name, nullable, hasDefault, generated, identity }) => ({
    name,
    required: !nullable,
    filled: hasDefault || generated || identity,
  }));
  const filled = new Set(fields.map(({ name }) => foldName(name)));
  return unfilledColumns(label, facts, (name) => filled.has(foldName(name)));
}

/** Warns of fields and columns that the load leaves out. */
export function warnOfOmissions<T extends Table, E>(
  warn: (message: string) => void,
  { table: { label, columns: all }, columns, computed, unfilled }: Target<T, E>,
): void {
  warnOfComputed(warn, label, computed);
  const key = all.find((column) =>
    column.numbered && columns.every((one) => one.column !== column)
  );
  if (key !== undefined) {
    warn(
      `No field of the stream fills key "${key.name}" of ${label}: the target numbers the rows itself`,
    );
  }
  const warning = describeUnfilled(label, unfilled);
  if (warning !== undefined) warn(warning);
}

/** Warns of computed fields that the load leaves out. */
export function warnOfComputed(
  warn: (message: string) => void,
  label: string,
  computed: readonly string[],
): void {
  for (const field of computed) {
    warn(
      `Field "${field}" is not loaded into ${label}: its column is generated there, from the table's own columns`,
    );
  }
}
