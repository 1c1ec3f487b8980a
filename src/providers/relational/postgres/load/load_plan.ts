/** What loads do in PostgreSQL's own way, for their plan. */
import type { PlannedLoad } from "../../../../core/contracts/loader.ts";
import type { LoadSteps } from "../../load/load_plan.ts";
import { tableName } from "../../names.ts";
import { siblingTable } from "../sibling_table.ts";
import type { Relation } from "../sql/catalog.ts";
import { findHooks, listStatements, refuseRules } from "../sql/triggers.ts";
import { refuseSequences } from "../sql/sequences.ts";
import { createLike, refuseLosses, swapStatements } from "../table_swap.ts";
import type { Session } from "../wire/session.ts";
import { emptyStatements, stageTable } from "./upsert.ts";

/** @param swaps a replacement puts a new table into the place of the old one */
export function loadSteps(
  load: PlannedLoad,
  swaps: boolean,
): LoadSteps<Session, Relation> {
  const { target, where } = load;
  return {
    async refuseTable(session, table) {
      // A swap puts a table without rules into the place of one that must not have any.
      if (!swaps) refuseRules(table, listStatements(load), await findHooks(session, table));
      await refuseSequences(session, table, load);
    },
    upsertStatements: (_session, name, fields) =>
      Promise.resolve(stageTable(name, fields).split("; ")),
    async replacement(session, table) {
      if (!swaps) {
        return {
          statements: emptyStatements(table, where),
          loss: (rows) => `${rows} of ${table.label} are deleted`,
        };
      }
      await refuseLosses(session, table);
      const { beside } = siblingTable(tableName(target), table);
      const placed = await swapStatements(session, beside, table);
      return {
        beside: { name: beside, creation: createLike(beside, table) },
        statements: placed.map(({ statement }) => statement),
        loss: (rows) => `${table.label} is dropped with ${rows}, a new table takes its place`,
      };
    },
  };
}
