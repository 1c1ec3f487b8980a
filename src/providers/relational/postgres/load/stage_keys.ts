/** Chooses or fills the temporary table that shows which keys the source has. */
import type { LoadTask } from "../../../../core/contracts/loader.ts";
import { addStaged, describeKeyLoad, type StagedKeys } from "../../load/deletes.ts";
import { upsertColumns } from "../../load/upsert.ts";
import { dialect } from "../sql/dialect.ts";
import type { Target } from "../system.ts";
import type { Session } from "../wire/session.ts";
import { copyIn } from "./copy_in.ts";
import { STAGE } from "./upsert.ts";

const KEYS = "dxt_keys";

/** Returns the table of the staged rows; if the stage lacks keys of the source, copies all keys into another table. */
export async function stageKeys(
  session: Session,
  task: LoadTask,
  target: Target,
): Promise<StagedKeys> {
  const { keys } = upsertColumns(target, task.upsertKeys, dialect);
  const load = describeKeyLoad(task, target);
  if (load === undefined) return { table: STAGE, keys };
  const table = `pg_temp.${KEYS}`;
  await session.query(
    `CREATE TEMPORARY TABLE ${KEYS} ON COMMIT DROP AS SELECT ${
      keys.join(", ")
    } FROM ${target.table.name} WITH NO DATA`,
  );
  await copyIn(session, load.task, load.target, table);
  await session.query(addStaged(table, STAGE, keys));
  // Without statistics of a new table, the server would search for each key on its own.
  await session.query(`ANALYZE ${table}`);
  return { table, keys };
}
