/**
 * Columns of a new table that store numbers as text, which keeps all digits where SQLite's own numbers do not,
 * but sorts and compares as text.
 */
import type { LoadTask } from "../../../../core/contracts/loader.ts";
import type { ValueError } from "../../../../core/errors.ts";
import type { Field } from "../../../../models/field.ts";
import { declareHint } from "../../../../formats/inference/number_columns.ts";
import { columnFinder, listOwnFields } from "../../column_match.ts";
import { findNarrowFields } from "../../load/table_changes.ts";
import type { NewTable } from "../../load/target.ts";
import { DOUBLE_DIGITS } from "../../type_name.ts";
import type { SqliteTable } from "../sql/catalog.ts";
import type { SqliteSession } from "../sql/session.ts";
import { sqlite } from "../system.ts";
import { findUnkeptNumber } from "../types/bind_value.ts";
import { describeTextOrder } from "../types/conversion.ts";
import { ANY_NUMBER, NUMBER_TEXT } from "../types/type_mapper.ts";

/** Names of columns, each with a note that completes "Column … is". */
type Notes = ReadonlyMap<string, string>;

/** The warning for columns that are text since the numbers of their type have too many digits. */
export function describeTextColumns({ staged }: LoadTask, made: NewTable): string | undefined {
  const notes = staged.fields.flatMap((field, i) => {
    const note = describeTextOrder(field, made.types[i]!);
    return note === undefined ? [] : [[field.name, note] as const];
  });
  return describe(made, new Map(notes));
}

/**
 * Reads the stage for all columns of numbers that have to be text, since a value is none of SQLite's numbers.
 *
 * @param error by which the load was rolled back; undefined before the load
 * @param table where there is one: the types of its columns stay, but those that a replacement changes
 * @returns the table with these columns as text; undefined where the error is not about one of them
 */
export async function findTextColumns(
  task: LoadTask,
  made: NewTable,
  error: ValueError | undefined,
  session: SqliteSession,
  table: SqliteTable | undefined,
): Promise<{ readonly made: NewTable; readonly warning: string } | undefined> {
  const notes = await findUnkept(task, made, error, session, table);
  const warning = describe(made, notes);
  if (warning === undefined) return undefined;
  const fields = [...task.staged.fields, ...listOwnFields(task)];
  const types = made.types.map((type, i) => notes.has(fields[i]!.name) ? NUMBER_TEXT : type);
  return { made: { ...made, types }, warning };
}

async function findUnkept(
  task: LoadTask,
  { types }: NewTable,
  error: ValueError | undefined,
  session: SqliteSession,
  table: SqliteTable | undefined,
): Promise<Notes> {
  const { staged } = task;
  const notes = new Map<string, string>();
  const changing = table === undefined ? [] : await findNarrowFields(sqlite, session, table, task);
  const find = table === undefined ? () => undefined : columnFinder(sqlite, table);
  const isFree = (field: Field, at: number) =>
    types[at] === ANY_NUMBER && field.target_type === undefined &&
    (find(field.name) === undefined || changing.some((narrow) => narrow.field === field));
  const isFailed = ({ name }: Field) => error === undefined || name === error.field;
  if (!staged.fields.some((field, at) => isFailed(field) && isFree(field, at))) return notes;
  for await (const { data: { children } } of staged.scanBatches()) {
    for (const [at, field] of staged.fields.entries()) {
      if (!isFree(field, at) || notes.has(field.name)) continue;
      const error = findUnkeptNumber(field, children[at]!);
      if (error !== undefined) notes.set(field.name, describeValue(field, error.value));
    }
  }
  return notes;
}

function describeValue(field: Field, value: unknown): string {
  const number = `"${value}" is no int64 and no number of ${DOUBLE_DIGITS} digits`;
  const wayOut = `${declareHint(field)}, or round it in the source`;
  return `text, which sorts as text: ${number}; ${wayOut}`;
}

/** One warning for all columns; the way out is that of the first. */
function describe({ name: { name: table } }: NewTable, notes: Notes): string | undefined {
  const [first, ...more] = notes.keys();
  if (first === undefined) return undefined;
  const others = more.map((name) => `"${name}"`).join(", ");
  const also = others === "" ? "" : `; also text: ${others}`;
  return `Column "${first}" of "${table}" is ${notes.get(first)}${also}`;
}
