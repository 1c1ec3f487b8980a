/** Triggers and rules of a table, by which it may take other rows than it is given. */
import { LoaderError } from "../../../../core/errors.ts";
import { deletesRecords, type PlannedLoad } from "../../../../core/contracts/loader.ts";
import type { Relation } from "./catalog.ts";
import type { Session } from "../wire/session.ts";

export interface TableHooks {
  /** A trigger of the table or of a partition may drop, change or add rows. */
  readonly triggered: boolean;
  /** Rules that run something else in place of a statement. */
  readonly rules: readonly { readonly name: string; readonly event: string }[];
  /** Row security hides rows from the login. */
  readonly filtered: boolean;
}

/** Events of `pg_rewrite.ev_type`. */
const EVENTS: Readonly<Record<string, string>> = { 2: "UPDATE", 3: "INSERT", 4: "DELETE" };

/** Triggers that PostgreSQL makes for foreign keys and unique constraints do not count. */
export async function findHooks(session: Session, { id, kind }: Relation): Promise<TableHooks> {
  const { rows } = await session.query(`
    SELECT NULL, (EXISTS (SELECT FROM pg_catalog.pg_trigger t
        WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND (t.tgrelid = ${id}
          OR t.tgrelid IN (SELECT relid FROM pg_catalog.pg_partition_tree(${id})))))::text,
      pg_catalog.row_security_active(${id}::oid)::text
    UNION ALL SELECT rulename, ev_type::text, NULL FROM pg_catalog.pg_rewrite
      WHERE ev_class = ${id} AND is_instead AND ev_enabled <> 'D' AND ev_type <> '1'`);
  const [[, triggered, filtered], ...rules] = rows as [(string | null)[], ...(string | null)[][]];
  return {
    // A foreign table's own system may have any.
    triggered: triggered === "true" || kind === "f",
    filtered: filtered === "true",
    rules: rules.map(([name, type]) => ({ name: name!, event: EVENTS[type!]! })),
  };
}

/** Statements that a load of a mode runs; COPY knows no rules. */
const STATEMENTS_OF: Readonly<Record<PlannedLoad["mode"], readonly string[]>> = {
  append: [],
  replace: ["DELETE"],
  upsert: ["INSERT", "UPDATE"],
  scd2: ["INSERT", "UPDATE"],
};

/** The statements of a load that a rule could replace. */
export function listStatements(
  load: Pick<PlannedLoad, "mode" | "deletes" | "history">,
): readonly string[] {
  return [...STATEMENTS_OF[load.mode], ...(deletesRecords(load) ? ["DELETE"] : [])];
}

/**
 * Refuses a table of which the server's count would be that of another statement.
 *
 * @throws {LoaderError} that names the rule
 */
export function refuseRules(
  { label }: Relation,
  statements: readonly string[],
  { rules }: TableHooks,
): void {
  const rule = rules.find(({ event }) => statements.includes(event));
  if (rule === undefined) return;
  throw new LoaderError(
    `Cannot load into ${label}: rule "${rule.name}" does something else INSTEAD of ${rule.event}, so that the rows need not be in the table; disable the rule, or load another table`,
  );
}
