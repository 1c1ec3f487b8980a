/** Staged rows → a table, by COPY inside a transaction. */
import { LoaderError, quoteValue, ValueError } from "../../../../core/errors.ts";
import type { LoadTask } from "../../../../core/contracts/loader.ts";
import type { Field } from "../../../../models/field.ts";
import { readChecked } from "../../load/null_checks.ts";
import { quote } from "../sql/dialect.ts";
import { chooseFormat, encodeFrames } from "../copy/batch_encoder.ts";
import { findServerCheck, type ServerCheck } from "../types/server_check.ts";
import { rowsOfTag } from "../wire/messages.ts";
import type { Session } from "../wire/session.ts";
import type { Target } from "../system.ts";
import type { LoadColumn } from "../types/column_encoding.ts";
import { findHooks, refuseRules } from "../sql/triggers.ts";

/**
 * Copies the staged rows, and holds the server's count against the stage's. Where values go to columns
 * that may change them, the rows go by way of a temporary table that keeps what was sent beside them.
 */
export async function copyIn(
  session: Session,
  task: LoadTask,
  target: Target,
  into: string,
): Promise<string> {
  const doubtful = target.columns.flatMap((column) => {
    const kept = column.fit.how === "binary"
      ? undefined
      : findServerCheck(column.field, column.column);
    return kept === undefined ? [] : [{ ...column, kept }];
  });
  if (doubtful.length === 0) return await copyRows(session, task, target, target.columns, into);
  return await copyHeld(session, task, target, doubtful, into);
}

async function copyRows(
  session: Session,
  task: LoadTask,
  target: Target,
  columns: readonly LoadColumn[],
  into: string,
  names: readonly string[] = columns.map(({ field }) => quote(field.name)),
): Promise<string> {
  const format = chooseFormat(columns);
  // A trigger may fill a NOT NULL column, but not the key of an upsert.
  const keys = target.columns.filter(({ field }) => task.upsertKeys.includes(field.name));
  const tag = await session.copyIn(
    `COPY ${into} (${names.join(", ")}) FROM STDIN (FORMAT ${format})`,
    encodeFrames(readChecked(task, { columns: keys }), columns, format, task.signal),
  );
  await refuseOtherCount(task, target, tag);
  return tag;
}

async function refuseOtherCount(
  { staged }: LoadTask,
  { table }: Target,
  tag: string,
): Promise<void> {
  const { count } = await staged.committed();
  if (rowsOfTag(tag) === count) return;
  throw new LoaderError(
    `Cannot load all rows into ${table.label}: PostgreSQL says "${tag}", staged are ${count}`,
  );
}

/** A column whose values the server may change. */
type DoubtfulColumn = LoadColumn & { readonly kept: ServerCheck };

/** Rows with the text that was sent of some columns, gone with the transaction. */
export const HELD = "dxt_held";
/** Number of a row, from 1. */
const ROW = quote("dxt row");

/** The server reads each value as the column's type, so that it refuses one with line and column. */
async function copyHeld(
  session: Session,
  task: LoadTask,
  target: Target,
  doubtful: readonly DoubtfulColumn[],
  into: string,
): Promise<string> {
  // The rows are inserted at the end, as COPY would not have to.
  refuseRules(target.table, ["INSERT"], await findHooks(session, target.table));
  const held = `pg_temp.${HELD}`;
  const columns = target.columns.map(({ column }) => ({ column, name: quote(column.name) }));
  const sent = doubtful.map((_, i) => quote(`dxt sent ${i}`));
  await session.query(
    `CREATE TEMPORARY TABLE ${HELD} (${
      [
        ...columns.map(({ column, name }) => `${name} ${column.type}`),
        ...sent.map((name) => `${name} text`),
        `${ROW} bigint GENERATED ALWAYS AS IDENTITY`,
      ].join(", ")
    }) ON COMMIT DROP`,
  );
  const names = [...columns.map(({ name }) => name), ...sent];
  const tag = await copyRows(session, task, target, [...target.columns, ...doubtful], held, names);
  for (const [i, { field, column, kept }] of doubtful.entries()) {
    const name = quote(column.name);
    await refuseChanged(session, field, column.type, kept(name, sent[i]!), name, sent[i]!);
  }
  const list = columns.map(({ name }) => name).join(", ");
  const { tag: inserted } = await session.query(
    `INSERT INTO ${into} (${list}) OVERRIDING SYSTEM VALUE SELECT ${list} FROM ${held} ORDER BY ${ROW}`,
  );
  await refuseOtherCount(task, target, inserted);
  await session.query(`DROP TABLE ${held}`);
  return tag;
}

/** @throws {ValueError} that names the first row whose value the server changed */
async function refuseChanged(
  session: Session,
  field: Field,
  type: string,
  condition: string,
  name: string,
  sent: string,
): Promise<void> {
  const { rows: [found] } = await session.query(
    `SELECT ${ROW}, ${sent}, ${name}::text FROM pg_temp.${HELD}
     WHERE ${sent} IS NOT NULL AND (${condition}) IS NOT TRUE ORDER BY ${ROW} LIMIT 1`,
  );
  if (found === undefined) return;
  const [row, value, changed] = found;
  throw new ValueError(
    `expected a value that ${type} keeps, PostgreSQL would make ${quoteValue(changed)} of it`,
    field.name,
    Number(row),
    value,
  );
}
