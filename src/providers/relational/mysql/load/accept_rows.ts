/** Inserts the rows that a table takes, and rejects the others, in the open transaction of the load. */
import type { LoadTask, Rejections, RowFault } from "../../../../core/contracts/loader.ts";
import { acceptRows, type LocatedFault } from "../../load/accept_rows.ts";
import { MySQLError } from "../wire/server_error.ts";
import type { Session } from "../wire/session.ts";

const SAVEPOINT = "dxt_rows";

/**
 * Writes the rows of a load in steps, each of which is undone if the server refuses one of its rows.
 *
 * @param write inserts all rows of a part of the load; returns how many the server took
 * @returns how many it took in all
 */
export async function acceptInSteps(
  session: Session,
  task: LoadTask & { readonly rejections: Rejections },
  write: (part: LoadTask) => Promise<number>,
): Promise<number> {
  let taken = 0;
  await acceptRows(task, {
    async write(part) {
      await session.query(`SAVEPOINT ${SAVEPOINT}`);
      let rows: number;
      try {
        rows = await write(part);
      } catch (error) {
        // A connection that is gone, or a deadlock, has undone everything.
        const isLost = !session.usable || error instanceof MySQLError && error.transient;
        if (!isLost) await session.query(`ROLLBACK TO SAVEPOINT ${SAVEPOINT}`);
        throw error;
      }
      await session.query(`RELEASE SAVEPOINT ${SAVEPOINT}`);
      taken += rows;
    },
    explain: explainFault,
  });
  return taken;
}

/** Kinds of faults by error code: https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html */
const KINDS: Readonly<Record<number, RowFault["kind"]>> = {
  // BAD_NULL, NO_DEFAULT_FOR_FIELD
  ...{ 1048: "null", 1364: "null" },
  // DUP_ENTRY, DUP_ENTRY_WITH_KEY_NAME
  ...{ 1062: "unique", 1586: "unique" },
  // NO_REFERENCED_ROW, NO_REFERENCED_ROW_2
  ...{ 1216: "foreign key", 1452: "foreign key" },
  // NO_PARTITION_FOR_GIVEN_VALUE, CHECK_CONSTRAINT_VIOLATED, and that of MariaDB
  ...{ 1526: "check", 3819: "check", 4025: "check" },
  // SIGNAL_EXCEPTION
  1644: "trigger",
};

function explainFault(error: unknown): LocatedFault | undefined {
  if (!(error instanceof MySQLError) || error.transient) return undefined;
  const { code, state, message } = error.report;
  // Class 22: data exceptions, of a value that a column does not hold.
  const kind = KINDS[code] ?? (state.startsWith("22") ? "value" : undefined);
  if (kind === undefined) return undefined;
  const field = /^(?:Column|Field) '(.+)' (?:cannot be null|doesn't have)/.exec(message)?.[1];
  return { kind, field, message };
}
