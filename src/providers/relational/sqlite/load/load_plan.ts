/** What loads do in SQLite's own way, for their plan. */
import type { PlannedLoad } from "../../../../core/contracts/loader.ts";
import type { LoadSteps } from "../../load_plan.ts";
import { deleteAll } from "../../statements.ts";
import type { SqliteTable } from "../sql/catalog.ts";
import type { SqliteSession } from "../sql/session.ts";
import { uniqueKeyStatements } from "./unique_key.ts";

/** A table that the load makes has its keys as primary key. */
export function loadSteps({ upsertKeys }: PlannedLoad): LoadSteps<SqliteSession, SqliteTable> {
  return {
    async upsertStatements(session, _name, _fields, table) {
      return table === undefined ? [] : await uniqueKeyStatements(session, table, upsertKeys);
    },
    replacement(_session, { name, label }) {
      const loss = (rows: string) => `${rows} of ${label} are deleted`;
      return Promise.resolve({ statements: [deleteAll(name)], loss });
    },
  };
}
