/**
 * What a login may do. The server checks rights when it prepares a statement, also those of roles and of single
 * columns: dxt prepares one for each right, and runs none. It checks a right to ALTER or DROP only when such a
 * statement runs, so that dxt looks for these in the server's lists.
 */
import { LoaderError } from "../../../core/errors.ts";
import { isKeyed } from "../../../models/rules.ts";
import type { LoadMode } from "../../../models/stream.ts";
import { RIGHTS_OF_MODE } from "../access.ts";
import type { TableName } from "../contract.ts";
import { displayTable, quoteTable } from "../names.ts";
import { catalog, type MySQLTable } from "./catalog.ts";
import { dialect, quote, textLiteral } from "./dialect.ts";
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
    if (await lacksRight(session, await writeStatement(session, right, name))) lacking.push(right);
  }
  const stages = isKeyed(mode) &&
    await lacksRight(session, "CREATE TEMPORARY TABLE dxt_staging (id INT)");
  if (lacking.length === 0 && !stages) return [];
  const { rows: [row] } = await session.query("SELECT CURRENT_USER()");
  const login = `"${row![0]}" lacks`;
  return [
    ...(lacking.length === 0 ? [] : [`${login} ${lacking.join(", ")} on ${displayTable(name)}`]),
    ...(stages
      ? [
        `${login} CREATE TEMPORARY TABLES on the database, the load stages rows in a temporary table`,
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

/**
 * Refuses to change or drop a table if the login certainly lacks a right to it. The lists do not have the rights
 * of active roles: a login with such a role is not refused.
 *
 * @throws {LoaderError} that names the rights
 */
export async function refuseMissingRights(
  session: Session,
  { schema, table, label }: Pick<MySQLTable, "schema" | "table" | "label">,
  rights: readonly ("ALTER" | "DROP")[],
): Promise<void> {
  if (await hasRole(session)) return;
  const [inSchema, named] = [textLiteral(schema), textLiteral(table)];
  const { rows } = await session.query(
    `SELECT login.name, PRIVILEGE_TYPE FROM (SELECT CURRENT_USER() AS name) AS login
    LEFT JOIN (
      SELECT GRANTEE, PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES
      UNION SELECT GRANTEE, PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES
        WHERE ${inSchema} LIKE TABLE_SCHEMA
      UNION SELECT GRANTEE, PRIVILEGE_TYPE FROM information_schema.TABLE_PRIVILEGES
        WHERE TABLE_SCHEMA = ${inSchema} AND TABLE_NAME = ${named}
    ) AS granted
      ON REPLACE(GRANTEE, CHAR(39 USING utf8), '') IN (login.name, 'PUBLIC', 'PUBLIC@')`,
  );
  const granted = new Set(rows.map(([, right]) => right));
  const lacking = rights.filter((right) => !granted.has(right));
  if (lacking.length === 0) return;
  throw new LoaderError(`"${rows[0]![0]}" lacks ${lacking.join(", ")} on ${label}`);
}

async function hasRole(session: Session): Promise<boolean> {
  try {
    const { rows: [row] } = await session.query("SELECT CURRENT_ROLE()");
    return row![0] !== null && row![0] !== "NONE";
  } catch (error) {
    // A server without roles does not know the function.
    if (error instanceof MySQLError) return false;
    throw error;
  }
}

/** Whether an error is a missing right. */
export function isDenied(error: unknown): boolean {
  return error instanceof MySQLError && DENIED.has(error.code);
}

async function lacksRight(session: Session, sql: string): Promise<boolean> {
  try {
    await session.describe(sql);
    return false;
  } catch (error) {
    if (!(error instanceof MySQLError)) throw error;
    return isDenied(error);
  }
}
