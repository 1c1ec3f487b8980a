/** The table of the session that shows which keys the source has. */
import type { LoadTask } from "../../../../core/contracts/loader.ts";
import { addStaged, describeKeyLoad, type StagedKeys } from "../../load/deletes.ts";
import { upsertColumns } from "../../load/upsert.ts";
import { dialect } from "../sql/dialect.ts";
import type { Target } from "../system.ts";
import type { Session } from "../wire/session.ts";
import { copyIn } from "./copy_in.ts";
import { STAGE } from "./upsert.ts";

const KEYS = "dxt_keys";

/** The staged rows, or the keys of the source where these were read besides, which are copied here. */
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
  // The server knows nothing of a table that is new, and would look for each key by itself.
  await session.query(`ANALYZE ${table}`);
  return { table, keys };
}
