/** Inserts the rows that a table takes, and rejects the others, in the open transaction of the load. */
import type { DatabaseSync } from "node:sqlite";
import type { LoadTask, Rejections, RowFault } from "../../../../core/contracts/loader.ts";
import { LoaderError } from "../../../../core/errors.ts";
import { acceptRows, type LocatedFault } from "../../load/accept_rows.ts";
import { literal } from "../sql/dialect.ts";
import { queryRows } from "../sql/session.ts";
import type { SqliteTable } from "../sql/catalog.ts";

const SAVEPOINT = "dxt_rows";

/** An error of a statement that inserts one row. */
export class RefusedRow extends Error {
  /** @param at index of the row among those of the part */
  constructor(readonly at: number, cause: unknown) {
    super("a row was refused", { cause });
  }
}

/**
 * Writes the rows of a load in steps, each of which is undone if SQLite refuses one of its rows.
 *
 * @param write writes all rows of a part of the load; returns how many SQLite says it changed
 * @returns how many it changed in all
 */
export async function acceptInSteps(
  database: DatabaseSync,
  task: LoadTask & { readonly rejections: Rejections },
  write: (part: LoadTask) => Promise<number>,
): Promise<number> {
  let changed = 0;
  await acceptRows(task, {
    async write(part) {
      database.exec(`SAVEPOINT ${SAVEPOINT}`);
      try {
        changed += await write(part);
        database.exec(`RELEASE ${SAVEPOINT}`);
      } catch (error) {
        // A constraint with ON CONFLICT ROLLBACK has ended the transaction.
        if (!database.isTransaction) throw error instanceof RefusedRow ? error.cause : error;
        database.exec(`ROLLBACK TO ${SAVEPOINT}; RELEASE ${SAVEPOINT}`);
        throw error;
      }
    },
    explain: explainFault,
  });
  return changed;
}

/** Kinds of faults by extended result code: https://sqlite.org/rescode.html */
const KINDS: Readonly<Record<number, RowFault["kind"]>> = {
  // CHECK, FOREIGNKEY, NOTNULL, PRIMARYKEY, TRIGGER, UNIQUE, ROWID, DATATYPE; TOOBIG and MISMATCH.
  275: "check",
  787: "foreign key",
  1299: "null",
  1555: "unique",
  1811: "trigger",
  2067: "unique",
  2579: "unique",
  3091: "value",
  18: "value",
  20: "value",
};

function explainFault(error: unknown): LocatedFault | undefined {
  const { at, cause } = error instanceof RefusedRow ? error : { at: undefined, cause: error };
  if (!(cause instanceof Error)) return undefined;
  const kind = KINDS[(cause as { errcode?: number }).errcode ?? 0];
  if (kind === undefined) return undefined;
  // Of a constraint of several columns it names all.
  const field = /^(?:UNIQUE|NOT NULL) constraint failed: [^,]+\.([^,]+)$/.exec(cause.message)?.[1];
  return { kind, field, at, message: cause.message };
}

/**
 * A replacement deletes rows that it inserts again, so that the keys of other tables are checked at the commit,
 * and with them its own: no row could be told.
 *
 * @throws {LoaderError} when another table refers to the one that is replaced
 */
export function refuseReferences(database: DatabaseSync, { table, label }: SqliteTable): void {
  const name = literal(table);
  const [found] = queryRows(
    database,
    `SELECT s.name FROM main.sqlite_schema AS s, pragma_foreign_key_list(s.name) AS f
    WHERE s.type = 'table' AND f."table" = ${name} COLLATE NOCASE
      AND s.name <> ${name} COLLATE NOCASE LIMIT 1`,
  );
  if (found === undefined) return;
  throw new LoaderError(
    `Cannot reject rows while ${label} is replaced: table "${
      String(found[0])
    }" refers to it, expected mode upsert, or on_load_error "retry"`,
  );
}
