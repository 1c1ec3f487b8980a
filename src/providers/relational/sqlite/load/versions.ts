/** Loads that keep versions, from temporary tables that the end of the connection removes. */
import type { DatabaseSync } from "node:sqlite";
import type { History, LoadTask } from "../../../../core/contracts/loader.ts";
import { VersionedLoad } from "../../load/history.ts";
import { updateFrom, type VersionSyntax } from "../../load/version_statements.ts";
import { quote } from "../sql/dialect.ts";
import { SqliteSession } from "../sql/session.ts";
import { sqlite, type Target } from "../system.ts";

const exact: VersionSyntax["exact"] = (sql) => `${sql} COLLATE BINARY`;

export const versionSyntax: VersionSyntax = {
  exact,
  differ: (one, other, fields) =>
    `(${fields.map((field, i) => `${exact(one[i]!, field)} IS NOT ${other[i]}`).join(" OR ")})`,
  update: updateFrom,
};

const STAGE = "temp.dxt_stage";
const VERSIONS = "temp.dxt_versions";
const ENDINGS = "temp.dxt_endings";
const ORDER = quote("dxt row");

/** A load of versions, and the table that takes the staged rows. */
export interface StagedVersions {
  readonly stage: Target;
  readonly load: VersionedLoad;
  /** Makes the versions of the rows in the stage; returns what was done. */
  write(): Promise<string>;
}

/** Creates the temporary tables, in the open transaction. */
export async function prepareVersions(
  database: DatabaseSync,
  target: Target,
  task: LoadTask & { readonly history: History },
): Promise<StagedVersions> {
  const session = new SqliteSession(database);
  const tables = { stage: STAGE, order: ORDER, versions: VERSIONS, endings: ENDINGS };
  const load = await VersionedLoad.prepare(sqlite, versionSyntax, session, target, task, tables);
  // Affinities as in the table, so that values are stored alike.
  const columns = target.columns.map(({ column: { name, type } }) => `${quote(name)} ${type}`);
  database.exec(`CREATE TABLE ${STAGE} (${ORDER} INTEGER PRIMARY KEY, ${columns.join(", ")})`);
  const { keys, statements: { versionColumns, endingColumns } } = load;
  database.exec(`CREATE TABLE ${VERSIONS} AS ${versionColumns}`);
  database.exec(`CREATE TABLE ${ENDINGS} AS ${endingColumns}`);
  return {
    stage: { ...target, table: { ...target.table, name: STAGE } },
    load,
    write: () =>
      load.write(() =>
        Promise.try(() =>
          database.exec(`CREATE INDEX temp.dxt_versions_keys ON dxt_versions (${keys.join(", ")})`)
        )
      ),
  };
}
