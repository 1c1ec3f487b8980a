/** Sends staged rows into a table, by LOAD DATA or INSERT. */
import type { LoadTask } from "../../../../core/contracts/loader.ts";
import { readChecked } from "../../load/null_checks.ts";
import { quote } from "../dialect.ts";
import type { Target } from "../system.ts";
import {
  type InfileColumn,
  InfileEncoder,
  insertSpelling,
  LINES,
  loadStatement,
  type RowSpelling,
} from "../wire/infile_encoder.ts";
import type { Session } from "../wire/session.ts";
import { acceptInSteps } from "./accept_rows.ts";
import { refuseWarnings } from "./staged_upsert.ts";

/**
 * Sends all rows as a file, or as INSERT statements if the server accepts no files, as MySQL 8 by default. If
 * rows may be rejected, it sends statements, since LOAD DATA does not report a row that it refuses.
 *
 * @returns the number of rows that the server took
 */
export async function sendRows(
  session: Session,
  task: LoadTask,
  target: Target,
  into: string,
): Promise<number> {
  const columns: InfileColumn[] = target.columns.map(({ field, column, fit, at }) => ({
    field,
    limit: session.isMariaDB ? { ...fit, noNegativeZero: true } : fit,
    name: quote(column.name),
    at,
  }));
  const insert = (part: LoadTask) => insertRows(session, part, target, into, columns);
  const { rejections } = task;
  if (rejections !== undefined) {
    return await acceptInSteps(session, { ...task, rejections }, insert);
  }
  const { rows: [row] } = await session.query("SELECT @@local_infile");
  if (row![0] !== "1") return await insert(task);
  const chunks = encodeChunks(task, target, columns, LINES);
  const end = await session.load(loadStatement(into, columns), chunks);
  await refuseWarnings(session, target, end.warnings);
  return end.affectedRows;
}

async function insertRows(
  session: Session,
  task: LoadTask,
  target: Target,
  into: string,
  columns: readonly InfileColumn[],
): Promise<number> {
  let taken = 0;
  for await (const sql of encodeChunks(task, target, columns, insertSpelling(into, columns))) {
    const end = await session.query(sql);
    await refuseWarnings(session, target, end.warnings);
    taken += end.affectedRows;
  }
  return taken;
}

async function* encodeChunks(
  task: LoadTask,
  target: Target,
  columns: readonly InfileColumn[],
  spelling: RowSpelling,
): AsyncGenerator<Uint8Array, void, void> {
  const encoder = new InfileEncoder(columns, spelling);
  for await (const batch of readChecked(task, target)) yield* encoder.encode(batch);
  yield* encoder.finish();
}
