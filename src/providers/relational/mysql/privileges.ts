/**
 * What a login may do. The server checks rights when it prepares a statement, also those of roles and of single
 * columns: dxt prepares one for each right, and runs none. A right to ALTER or DROP is checked only by a run.
 */
import type { LoadMode } from "../../../models/stream.ts";
import { RIGHTS_OF_MODE } from "../access.ts";
import type { TableName } from "../contract.ts";
import { displayTable, quoteTable } from "../names.ts";
import { catalog } from "./catalog.ts";
import { dialect, quote } from "./dialect.ts";
import { MySQLError } from "./wire/server_error.ts";
import type { Session } from "./wire/session.ts";

/** Codes of a right that is missing: to a database, a table, a column, or of the login itself. */
const DENIED: ReadonlySet<number> = new Set([1044, 1142, 1143, 1227]);

/** Describes the rights that the login lacks for a load of this mode; empty if it has all. */
export async function findMissingRights(
  session: Session,
  name: TableName,
  mode: LoadMode,
  exists: boolean,
): Promise<string[]> {
  const rights = exists ? RIGHTS_OF_MODE[mode] : ["CREATE", "INSERT", "SELECT"];
  const lacking: string[] = [];
  for (const right of rights) {
    if (await isDenied(session, await writeStatement(session, right, name))) lacking.push(right);
  }
  const stages = mode === "upsert" &&
    await isDenied(session, "CREATE TEMPORARY TABLE dxt_staging (id INT)");
  if (lacking.length === 0 && !stages) return [];
  const { rows: [row] } = await session.query("SELECT CURRENT_USER()");
  const login = `"${row![0]}" lacks`;
  return [
    ...(lacking.length === 0 ? [] : [`${login} ${lacking.join(", ")} on ${displayTable(name)}`]),
    ...(stages
      ? [
        `${login} CREATE TEMPORARY TABLES on the database, an upsert stages rows in a temporary table`,
      ]
      : []),
  ];
}

/** The statement that needs a right to a table, and no other one. */
async function writeStatement(session: Session, right: string, name: TableName): Promise<string> {
  const table = quoteTable(name, dialect);
  switch (right) {
    case "CREATE":
      return `CREATE TABLE ${table} (id INT)`;
    case "INSERT":
      return `INSERT INTO ${table} () VALUES ()`;
    case "DELETE":
      return `DELETE FROM ${table}`;
    case "UPDATE": {
      const { columns = [] } = await catalog.find(session, name) ?? {};
      // The login may have the right to the columns alone that are no key.
      const column = columns.findLast(({ generated, key }) => !generated && !key) ?? columns[0];
      return `UPDATE ${table} SET ${quote(column?.name ?? "")} = NULL`;
    }
    default:
      return `SELECT 1 FROM ${table}`;
  }
}

async function isDenied(session: Session, sql: string): Promise<boolean> {
  try {
    await session.describe(sql);
    return false;
  } catch (error) {
    if (!(error instanceof MySQLError)) throw error;
    return DENIED.has(error.code);
  }
}
