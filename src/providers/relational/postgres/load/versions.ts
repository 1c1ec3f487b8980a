/** Loads that keep versions: COPY into a temporary table, from which statements change the target. */
import type { History, LoadReceipt, LoadTask } from "../../../../core/contracts/loader.ts";
import { countDeletable, deleteMissing, describeDeleted } from "../../load/deletes.ts";
import { VersionedLoad } from "../../load/history.ts";
import { updateFrom, type VersionSyntax } from "../../load/version_statements.ts";
import { dialect } from "../sql/dialect.ts";
import { findHooks, listStatements, refuseRules } from "../sql/triggers.ts";
import type { PostgresSystem, Target } from "../system.ts";
import type { Session } from "../wire/session.ts";
import { copyIn } from "./copy_in.ts";
import { stageKeys } from "./stage_keys.ts";
import { ORDER, STAGE, stageTable } from "./upsert.ts";
import { verifyLoaded } from "./verify_load.ts";

export const versionSyntax: VersionSyntax = {
  // Types and collations may take different texts for equal.
  exact: (sql, { dtype }) => dtype === "string" ? `${sql}::text COLLATE "C"` : sql,
  // Compares the bytes: some types, such as json, have no equality.
  differ: (one, other) =>
    `pg_catalog.record_image_ne(ROW(${one.join(", ")}), ROW(${other.join(", ")}))`,
  update: updateFrom,
};

const VERSIONS = "dxt_versions";
const ENDINGS = "dxt_endings";

/** Writes the staged rows as versions, in the open transaction. Other writers wait until it ends. */
export async function writeVersions(
  system: PostgresSystem,
  session: Session,
  task: LoadTask & { readonly history: History },
  target: Target,
): Promise<Omit<LoadReceipt, "rows">> {
  const { table, columns } = target;
  refuseRules(table, listStatements(task), await findHooks(session, table));
  if (table.kind !== "f") {
    await session.query(`LOCK TABLE ${table.name} IN SHARE ROW EXCLUSIVE MODE`);
  }
  const before = await countDeletable(system, session, table, task);
  const load = await VersionedLoad.prepare(system, versionSyntax, session, target, task, {
    ...{ stage: STAGE, order: ORDER },
    ...{ versions: `pg_temp.${VERSIONS}`, endings: `pg_temp.${ENDINGS}` },
  });
  const { versionColumns, endingColumns } = load.statements;
  await session.query(stageTable(table.name, columns.map(({ field }) => field)));
  await session.query(`CREATE TEMPORARY TABLE ${VERSIONS} ON COMMIT DROP AS ${versionColumns}`);
  await session.query(`CREATE TEMPORARY TABLE ${ENDINGS} ON COMMIT DROP AS ${endingColumns}`);
  const copied = await copyIn(session, task, target, STAGE);
  const written = await load.write(async () => {
    await session.query(`CREATE INDEX ON pg_temp.${VERSIONS} (${load.keys.join(", ")})`);
    // Without statistics of a new table, the server would join row by row.
    await session.query(`ANALYZE pg_temp.${VERSIONS}`);
  });
  const staged = { ...await stageKeys(session, task, target), now: load.now };
  const deleted = await deleteMissing(session, task, table, staged, dialect, before);
  const verified = await verifyLoaded(system, session, task, target, { sql: load.selectLoaded() });
  const words = await describeDeleted(task, deleted);
  return { evidence: `${copied}, ${written}${words}`, deleted, verified };
}
