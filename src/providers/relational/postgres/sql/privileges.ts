/** What a login may do, asked of the server without moving data. */
import type { LoadMode } from "../../../../models/stream.ts";
import type { WriteRights } from "../../access.ts";
import type { TableName } from "../../contract.ts";
import type { PostgresConnector } from "../connector.ts";

/** Rights to a table that a load of each mode uses: a replacement looks for rows that others refer to. */
const NEEDED: Readonly<Record<LoadMode, readonly string[]>> = {
  append: ["INSERT"],
  replace: ["SELECT", "INSERT", "DELETE"],
  upsert: ["SELECT", "INSERT", "UPDATE"],
};

interface Found extends Record<string, unknown> {
  readonly user: string;
  readonly schema: string | null;
  readonly there: boolean;
  readonly use: boolean;
  readonly create: boolean;
  readonly make: boolean;
  readonly temporary: boolean;
  readonly standby: boolean;
  readonly byDefault: boolean;
}

const PLACE = `
  SELECT current_user::text AS user, s.name AS schema, n.oid IS NOT NULL AS there,
    coalesce(pg_catalog.has_schema_privilege(n.oid, 'USAGE'), false) AS use,
    coalesce(pg_catalog.has_schema_privilege(n.oid, 'CREATE'), false) AS create,
    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AS make,
    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY') AS temporary,
    pg_catalog.pg_is_in_recovery() AS standby,
    pg_catalog.current_setting('default_transaction_read_only')::bool AS "byDefault"
  FROM (SELECT coalesce($1::text, pg_catalog.current_schema()::text) AS name) AS s
  LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = s.name`;

/** Why the server accepts no writes; undefined when it accepts them. */
export function readOnlyReason(
  { standby, byDefault }: Pick<Found, "standby" | "byDefault">,
): string | undefined {
  if (standby) return "the server takes no writes, it is a standby";
  if (!byDefault) return undefined;
  return `the session is read-only, as "default_transaction_read_only" is on for the login, the database or the server; set "options: -c default_transaction_read_only=off" in the connection to write all the same`;
}

/** The relation of a name in a schema, and the rights to it that the login lacks. */
const TABLE = `
  SELECT c.relkind::text AS kind, pg_catalog.row_security_active(c.oid) AS policed,
    NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
      AND NOT a.attisdropped AND a.attgenerated = '') AS computed, (
    SELECT pg_catalog.string_agg(p.name, ', ' ORDER BY p.place)
    FROM pg_catalog.unnest(pg_catalog.string_to_array($3::text, ','))
      WITH ORDINALITY AS p(name, place)
    WHERE NOT pg_catalog.has_table_privilege(c.oid, p.name)
      AND (p.name = 'DELETE' OR NOT (
        SELECT pg_catalog.bool_and(pg_catalog.has_column_privilege(c.oid, a.attnum, p.name))
        FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))) AS lacking
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1::text AND c.relname = $2::text`;

/** @param name the table in messages */
export async function writeRights(
  connector: PostgresConnector,
  table: TableName,
  name: string,
  mode: LoadMode,
): Promise<WriteRights> {
  const wanted = table.schema ?? connector.config.schema ?? null;
  const place = (await connector.query(PLACE, [wanted]))[0] as Found;
  const { user, schema } = place;
  const found = schema === null
    ? undefined
    : (await connector.query(TABLE, [schema, table.name, NEEDED[mode].join(",")]))[0];
  const readOnly = readOnlyReason(place);
  const problems = [
    ...(readOnly === undefined ? [] : [readOnly]),
    ...(found === undefined ? creation(place, table) : use(found, place, name)),
    ...(found?.["policed"] === true ? policing(mode, user, name) : []),
    ...(mode === "upsert" && !place.temporary
      ? [`"${user}" lacks TEMPORARY on the database, an upsert stages rows in a temporary table`]
      : []),
  ];
  return { exists: found !== undefined, problems };
}

function creation({ user, schema, there, use, create, make }: Found, table: TableName): string[] {
  if (schema === null) {
    return [`no schema of the search path is there to create "${table.name}" in, name one`];
  }
  if (!there) {
    return make
      ? []
      : [`schema "${schema}" does not exist and "${user}" lacks CREATE on the database`];
  }
  const lacking = [...(use ? [] : ["USAGE"]), ...(create ? [] : ["CREATE"])];
  return lacking.length === 0
    ? []
    : [`"${user}" lacks ${lacking.join(", ")} on schema "${schema}"`];
}

/** COPY does not write under row-level security; an upsert copies elsewhere first. */
function policing(mode: LoadMode, user: string, name: string): string[] {
  if (mode === "upsert") return [];
  return [
    `row-level security of ${name} applies to "${user}", COPY cannot write there; expected a login that owns the table or has BYPASSRLS`,
  ];
}

const TABLES = ["r", "p", "f"];

function use(found: Record<string, unknown>, { user, schema, use }: Found, name: string): string[] {
  if (!TABLES.includes(String(found["kind"]))) return [`${name} is there and is no table`];
  return [
    ...(use ? [] : [`"${user}" lacks USAGE on schema "${schema}"`]),
    ...(found["computed"] === true ? [`the table computes all columns of ${name}`] : []),
    ...(found["lacking"] === null ? [] : [`"${user}" lacks ${found["lacking"]} on ${name}`]),
  ];
}
