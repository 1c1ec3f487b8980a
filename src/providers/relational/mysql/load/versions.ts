/** Loads that keep versions, from temporary tables. */
import type { History, LoadTask } from "../../../../core/contracts/loader.ts";
import { LoaderError } from "../../../../core/errors.ts";
import { VersionedLoad } from "../../load/history.ts";
import type { VersionSyntax } from "../../load/version_statements.ts";
import type { Field } from "../../../../models/field.ts";
import { castToBytes, quote } from "../dialect.ts";
import { mysql, type Target } from "../system.ts";
import { MySQLError } from "../wire/server_error.ts";
import type { Session } from "../wire/session.ts";
import { createStaging, nameTemporary, ORDER } from "./staged_upsert.ts";

const TEXTS: ReadonlySet<Field["dtype"]> = new Set(["string", "json", "array", "object"]);

const exact: VersionSyntax["exact"] = (sql, { dtype }) => TEXTS.has(dtype) ? castToBytes(sql) : sql;

export const versionSyntax: VersionSyntax = {
  exact,
  differ: (one, other, fields) => {
    const same = fields.map((field, i) =>
      `${exact(one[i]!, field)} <=> ${exact(other[i]!, field)}`
    );
    return `NOT (${same.join(" AND ")})`;
  },
  update(table, from, condition, sets) {
    const list = sets.map(([column, value]) => `t.${column} = ${value}`).join(", ");
    return `UPDATE ${table} AS t JOIN ${from} ON ${condition} SET ${list}`;
  },
};

/** @throws {LoaderError} for a server that cannot tell which of several rows is the next one */
export async function refuseOldServer(session: Session): Promise<void> {
  try {
    await session.query("SELECT row_number() OVER (ORDER BY 1)");
  } catch (error) {
    if (!(error instanceof MySQLError)) throw error;
    throw new LoaderError(
      "Cannot keep history: the server has no window functions, expected MySQL 8.0 or later, or MariaDB 10.2 or later",
      { cause: error },
    );
  }
}

/** Creates the temporary tables. No transaction may be open. */
export async function prepareVersions(
  session: Session,
  target: Target,
  task: LoadTask & { readonly history: History },
): Promise<{ readonly staging: string; readonly load: VersionedLoad }> {
  await refuseOldServer(session);
  const names = target.columns.map(({ column }) => quote(column.name));
  const staging = await createStaging(session, target.table, names, []);
  const [versions, endings] = [nameTemporary("versions"), nameTemporary("endings")];
  const tables = { stage: staging, order: ORDER, versions, endings };
  const load = await VersionedLoad.prepare(mysql, versionSyntax, session, target, task, tables);
  const { keys, statements: { versionColumns, endingColumns } } = load;
  await session.query(`CREATE TEMPORARY TABLE ${versions} ENGINE=InnoDB AS ${versionColumns}`);
  await session.query(`ALTER TABLE ${versions} ADD INDEX (${keys.join(", ")})`);
  await session.query(`CREATE TEMPORARY TABLE ${endings} ENGINE=InnoDB AS ${endingColumns}`);
  return { staging, load };
}
