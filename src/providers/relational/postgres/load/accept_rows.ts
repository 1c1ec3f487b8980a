/** Copies the rows that a table takes, and rejects the others, in the open transaction of the load. */
import type { LoadTask, Rejections, RowFault } from "../../../../core/contracts/loader.ts";
import { acceptRows, type LocatedFault } from "../../load/accept_rows.ts";
import { tableName } from "../../names.ts";
import { quote } from "../sql/dialect.ts";
import type { Target } from "../system.ts";
import { rowsOfTag } from "../wire/messages.ts";
import { PostgresError } from "../wire/server_error.ts";
import type { Session } from "../wire/session.ts";
import { HELD } from "./copy_in.ts";
import { STAGE } from "./upsert.ts";

const SAVEPOINT = "dxt_rows";
/** A row for each savepoint whose rows are kept. It has the number of the savepoint's own transaction. */
const STEPS = "dxt_steps";

/**
 * Finds the rows that were written after a savepoint of the open transaction: each savepoint has a transaction
 * of its own, inside that of the load.
 */
export const WRITTEN_IN_STEPS = `xmin IN (SELECT xmin FROM pg_temp.${STEPS})`;

/**
 * Writes the rows of a load in steps, each of which is undone if the server refuses one of its rows.
 *
 * @param write writes all rows of a part of the load; returns the command tags
 * @returns the sums of the tags of all steps that were kept
 */
export async function acceptInSteps(
  session: Session,
  task: LoadTask & { readonly rejections: Rejections },
  target: Target,
  write: (part: LoadTask) => Promise<string[]>,
): Promise<string> {
  const taken = new Map<string, number>();
  await checkAtOnce(session, target);
  await session.query(`CREATE TEMPORARY TABLE ${STEPS} () ON COMMIT DROP`);
  const copied = [tableName(task.target).name, HELD, STAGE.replace("pg_temp.", "")];
  await acceptRows(task, {
    async write(part) {
      await session.query(`SAVEPOINT ${SAVEPOINT}`);
      let tags: string[];
      try {
        tags = await session.surviveErrors(() => write(part));
      } catch (error) {
        // A connection that is gone has undone everything.
        if (session.usable) {
          await session.query(`ROLLBACK TO SAVEPOINT ${SAVEPOINT}; RELEASE SAVEPOINT ${SAVEPOINT}`);
        }
        throw error;
      }
      await session.query(
        `INSERT INTO pg_temp.${STEPS} DEFAULT VALUES; RELEASE SAVEPOINT ${SAVEPOINT}`,
      );
      for (const tag of tags) {
        const rows = rowsOfTag(tag);
        if (rows === undefined) continue;
        const command = tag.replace(/ \d+$/, "");
        taken.set(command, (taken.get(command) ?? 0) + rows);
      }
    },
    explain: (error) => explainFault(error, copied),
  });
  return [...taken].map(([command, rows]) => `${command} ${rows}`).join(", ");
}

/** Constraints that the server would check at the commit are checked after each statement. */
async function checkAtOnce(session: Session, { table: { id } }: Target): Promise<void> {
  const { rows } = await session.query(
    `SELECT n.nspname, c.conname FROM pg_catalog.pg_constraint c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
    WHERE c.conrelid = ${id} AND c.condeferrable AND c.condeferred`,
  );
  if (rows.length === 0) return;
  const names = rows.map(([schema, name]) => `${quote(schema!)}.${quote(name!)}`);
  await session.query(`SET CONSTRAINTS ${names.join(", ")} IMMEDIATE`);
}

/** Kinds of faults by SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const KINDS: readonly (readonly [RegExp, RowFault["kind"]])[] = [
  [/^23502/, "null"],
  [/^(23505|23P01)/, "unique"],
  [/^23503/, "foreign key"],
  [/^(23514|44000)/, "check"],
  // A value in a column or an index: data exceptions, a row that is too long for an index.
  [/^(22|54000)/, "value"],
  [/^P0/, "trigger"],
];

/** @param copied names of the tables that rows are copied into */
function explainFault(error: unknown, copied: readonly string[]): LocatedFault | undefined {
  if (!(error instanceof PostgresError) || error.transient) return undefined;
  const { code, report: { routine, column, where } } = error;
  // A function of a trigger may raise any code; the server's own policies have the one of a missing right.
  const kind = routine === "exec_stmt_raise"
    ? "trigger"
    : routine === "ExecWithCheckOptions"
    ? "check"
    : KINDS.find(([codes]) => codes.test(code))?.[1];
  if (kind === undefined) return undefined;
  return { kind, ...locate(where, copied), field: column, message: error.wholeMessage };
}

/** The row that the context of a COPY names, in a language that dxt reads; else none. */
function locate(where = "", copied: readonly string[]): Pick<LocatedFault, "at"> {
  const lines = where.split("\n").flatMap((line) => {
    const start = copied.map((name) => `COPY ${name}, line `).find((text) => line.startsWith(text));
    return start === undefined ? [] : [parseInt(line.slice(start.length), 10)];
  });
  // Values in the context may look like a line of it.
  return lines.length === 1 && lines[0]! > 0 ? { at: lines[0]! - 1 } : {};
}
