/** Plans the changes that make an existing table store the fields of a load. */
import { SchemaError } from "../../../core/errors.ts";
import { type PlannedLoad, replacesAll } from "../../../core/contracts/loader.ts";
import { holdsAll, isAccepted } from "../../../core/values/conversion.ts";
import type { Field } from "../../../models/field.ts";
import { columnFinder, listOwnFields, type Matching } from "../column_match.ts";
import type { ColumnOf, RelationalSystem, SqlSession, Table } from "../contract.ts";
import { addColumn, deleteRows } from "./statements.ts";
import { keyOfNewTable, type NewTable } from "./target.ts";

/** A field whose column cannot store all its values, and may change its type. */
export interface NarrowField {
  readonly field: Field;
  /** The column's next type; unset: that of a new table. */
  readonly type?: string;
}

/**
 * The statements that change a table, in their order; none where it can store the fields as it is.
 * `schema: evolve` adds columns and widens types, and a replacement also changes types, since it deletes all rows
 * before. No column is dropped. Where a system cannot change a type, a
 * replacement makes the table again with the same columns, or is refused where something would be lost.
 *
 * @param made the table that the load would create if none existed
 * @param isNew whether the table was made for this load, and so has no rows to delete
 * @throws {SchemaError} with all fields whose columns the load may not add, and the statements that add them
 */
export async function planChanges<S extends SqlSession, T extends Table, E>(
  system: RelationalSystem<S, T, E>,
  session: S,
  table: T,
  load: PlannedLoad,
  made?: Pick<NewTable, "types">,
  isNew = false,
): Promise<string[]> {
  if (table.readOnlyKind !== undefined) return [];
  const { schema } = load;
  const fields = [...load.staged.fields, ...listOwnFields(load)];
  const find = columnFinder(system, table);
  const names = findMissingFields(system, table, fields);
  const missing = fields.filter(({ name }) => names.includes(name));
  const narrow = await findNarrowFields(system, session, table, load);
  if (missing.length + narrow.length === 0) return [];
  refuseMissingVersions(table, load, names);
  const types = made?.types ?? await system.types.newTypes(session, fields, keyOfNewTable(load));
  const findType = (field: Field) => types[fields.indexOf(field)]!;
  const { quote } = system.dialect;
  const added = missing.map((field) => addColumn(table.name, quote(field.name), findType(field)));
  const isReplace = replacesAll(load) && schema !== "strict";
  if (missing.length > 0 && !isReplace && schema !== "evolve") {
    throw new SchemaError(describeMissing(table, missing, added));
  }
  const isEmptied = isReplace && narrow.length > 0;
  const columns = narrow.map(({ field }) => find(field.name)!);
  await system.refuseChanges?.(session, table, columns, isEmptied);
  const statements = isEmptied && !isNew ? [deleteRows(table.name)] : [];
  const { changeType, remake } = system;
  if (narrow.length > 0 && remake !== undefined) {
    const newTypes = new Map(narrow.map(({ field }, i) => [columns[i]!.name, findType(field)]));
    const kept = table.columns.map((column) => ({
      ...column,
      type: newTypes.get(column.name) ?? column.type,
    }));
    const more = missing.map((field) => ({
      name: field.name,
      type: findType(field),
      nullable: true,
    }));
    return [...statements, ...await remake(session, table, [...kept, ...more])];
  }
  statements.push(...added);
  for (const [i, { field, type = findType(field) }] of narrow.entries()) {
    statements.push(await changeType!(session, table, columns[i]!, type, isEmptied));
  }
  return statements;
}

/** Names of the fields for which the table has no column. */
export function findMissingFields<T extends Table, E>(
  system: Matching<T, E>,
  table: T,
  fields: readonly Field[],
): string[] {
  const find = columnFinder(system, table);
  return fields.map(({ name }) => name).filter((name) => find(name) === undefined);
}

/** Finds the fields whose columns cannot store all their values, and may change their type. */
export async function findNarrowFields<S extends SqlSession, T extends Table, E>(
  system: RelationalSystem<S, T, E>,
  session: S,
  table: T,
  load: PlannedLoad,
): Promise<NarrowField[]> {
  const { staged: { fields }, schema, lossy } = load;
  const isReplace = replacesAll(load) && schema !== "strict";
  if (!isReplace && schema !== "evolve") return [];
  const find = columnFinder(system, table);
  const narrow = fields.filter((field) => {
    const column = find(field.name);
    if (column === undefined || column.generated) return false;
    const conversion = system.types.findConversion(field, column);
    const rule = schema === "evolve" ? "stop" : lossy;
    return !isAccepted({ field, type: column.type, conversion }, rule) ||
      system.types.chooseEncoding(field, column, rule === "accept") === undefined;
  }).map((field) => ({ field }));
  const short = schema === "evolve" ? await findShortColumns(system, session, table, fields) : [];
  if (narrow.length === 0 || isReplace) return [...narrow, ...short];
  // A system that makes a table again would have to keep its rows.
  if (system.changeType === undefined) return [];
  const held = new Map(
    (await system.catalog.getFields(session, table)).map((one) =>
      [system.dialect.foldName(one.name), one] as const
    ),
  );
  const kept = narrow.filter(({ field }) => {
    const old = held.get(system.dialect.foldName(field.name));
    return old !== undefined && holdsAll(old, field);
  });
  return [...kept, ...short];
}

/** Finds the columns of text that are shorter than the texts of their fields may be. */
export async function findShortColumns<S extends SqlSession, T extends Table, E>(
  system: RelationalSystem<S, T, E>,
  session: S,
  table: T,
  fields: readonly Field[],
): Promise<Required<NarrowField>[]> {
  const find = columnFinder(system, table);
  const short: Required<NarrowField>[] = [];
  for (const field of fields) {
    const column = find(field.name);
    // A declared type of the target is the user's choice of a length.
    if (column === undefined || column.generated || field.target_type !== undefined) continue;
    const type = await system.lengthen?.(session, table, field, column);
    if (type !== undefined) short.push({ field, type });
  }
  return short;
}

/** @throws {SchemaError} for a table whose rows would be versions of no known time */
function refuseMissingVersions(
  { label }: Table,
  { history }: PlannedLoad,
  missing: readonly string[],
): void {
  const { validFrom, validTo, isCurrent } = history ?? {};
  const lacking = [validFrom, validTo, isCurrent].filter((name) =>
    name !== undefined && missing.includes(name)
  );
  if (lacking.length === 0) return;
  throw new SchemaError(
    `Cannot keep history in ${label}: it has no ${
      lacking.map((name) => `"${name}"`).join(", ")
    }, so that its rows have no time from which they are valid; load a new table, or name its columns in load.history`,
  );
}

function describeMissing(
  { label, columns }: Table<ColumnOf<Table>>,
  missing: readonly Field[],
  statements: readonly string[],
): string {
  const list = (names: readonly { readonly name: string }[]) =>
    names.map(({ name }) => `"${name}"`).join(", ");
  const what = missing.length === 1 ? "column" : "columns";
  return `Cannot load into ${label}: it has no ${what} ${list(missing)}, its columns are ${
    list(columns)
  }; set "load: { schema: evolve }" in the stream to let dxt add what is missing, or run: ${
    statements.join("; ")
  }`;
}
