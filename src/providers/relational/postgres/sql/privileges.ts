/** What a login may do, asked of the server without moving data. */
import { isKeyed } from "../../../../models/rules.ts";
import type { LoadMode } from "../../../../models/stream.ts";
import { RIGHTS_OF_MODE, type WriteRights } from "../../access.ts";
import type { TableName } from "../../contract.ts";
import { displayTable } from "../../names.ts";
import type { Session } from "../wire/session.ts";
import { READ_ONLY_KINDS } from "./catalog.ts";
import { quote, quoteText } from "./dialect.ts";

interface Place {
  readonly user: string;
  readonly schema: string | undefined;
  readonly exists: boolean;
  readonly use: boolean;
  readonly create: boolean;
  readonly make: boolean;
  readonly temporary: boolean;
  readonly standby: boolean;
  readonly byDefault: boolean;
}

/** Finds a schema, by default the one of new tables, and what the login may do in it. */
async function findPlace(session: Session, schema: string | undefined): Promise<Place> {
  const wanted = schema === undefined ? "pg_catalog.current_schema()" : quoteText(schema);
  const { rows: [row] } = await session.query(`
    SELECT current_user, s.name, n.oid IS NOT NULL,
      coalesce(pg_catalog.has_schema_privilege(n.oid, 'USAGE'), false),
      coalesce(pg_catalog.has_schema_privilege(n.oid, 'CREATE'), false),
      pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
      pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY'),
      pg_catalog.pg_is_in_recovery(),
      pg_catalog.current_setting('default_transaction_read_only')::bool
    FROM (SELECT ${wanted}::text AS name) AS s
    LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = s.name`);
  const [user, name, ...facts] = row!;
  const [exists, use, create, make, temporary, standby, byDefault] = facts.map((one) =>
    one === "t"
  );
  return {
    user: user!,
    schema: name ?? undefined,
    ...{ exists: exists!, use: use!, create: create!, make: make! },
    ...{ temporary: temporary!, standby: standby!, byDefault: byDefault! },
  };
}

/** Why the server accepts no writes; undefined when it accepts them. */
export function readOnlyReason(
  { standby, byDefault }: Pick<Place, "standby" | "byDefault">,
): string | undefined {
  if (standby) return "the server takes no writes, it is a standby";
  if (!byDefault) return undefined;
  return `the session is read-only, as "default_transaction_read_only" is on for the login, the database or the server; set "options: -c default_transaction_read_only=off" in the connection to write all the same`;
}

/**
 * Finds a table, also in a schema that the login may not use, and what the login lacks for a load of this
 * mode.
 *
 * @param newSchema schema of a new table whose name has none; unset: the first of the search path
 */
export async function findWriteRights(
  session: Session,
  name: TableName,
  newSchema: string | undefined,
  mode: LoadMode,
): Promise<WriteRights> {
  const table = await findTable(session, name, mode);
  const place = await findPlace(session, table?.schema ?? name.schema ?? newSchema);
  const readOnly = readOnlyReason(place);
  const problems = [
    ...(readOnly === undefined ? [] : [readOnly]),
    ...(table === undefined
      ? findCreationProblems(place, name)
      : findTableProblems(table, place, mode)),
    ...(isKeyed(mode) && !place.temporary
      ? [
        `"${place.user}" lacks TEMPORARY on the database, the load stages rows in a temporary table`,
      ]
      : []),
  ];
  return { exists: table !== undefined, problems };
}

interface FoundTable {
  readonly schema: string;
  /** The table in messages. */
  readonly label: string;
  readonly kind: string;
  /** Row-level security applies to the login. */
  readonly policed: boolean;
  /** The server computes all of its columns. */
  readonly computed: boolean;
  /** Rights that the login lacks; null when it has all. */
  readonly lacking: string | null;
}

async function findTable(
  session: Session,
  table: TableName,
  mode: LoadMode,
): Promise<FoundTable | undefined> {
  const { schema, name } = table;
  const needed = RIGHTS_OF_MODE[mode].map(quoteText).join(", ");
  const { rows: [row] } = await session.query(`
    SELECT n.nspname, c.relkind, pg_catalog.row_security_active(c.oid),
      NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
        AND NOT a.attisdropped AND a.attgenerated = ''), (
      SELECT pg_catalog.string_agg(p.name, ', ' ORDER BY p.place)
      FROM pg_catalog.unnest(ARRAY[${needed}]) WITH ORDINALITY AS p(name, place)
      WHERE NOT pg_catalog.has_table_privilege(c.oid, p.name)
        AND (p.name = 'DELETE' OR NOT (
          SELECT pg_catalog.bool_and(pg_catalog.has_column_privilege(c.oid, a.attnum, p.name))
          FROM pg_catalog.pg_attribute a
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)))
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE ${
    schema === undefined
      ? `c.oid = pg_catalog.to_regclass(${quoteText(quote(name))})`
      : `n.nspname = ${quoteText(schema)} AND c.relname = ${quoteText(name)}`
  }`);
  if (row === undefined) return undefined;
  const [owner, kind, policed, computed, lacking] = row;
  return {
    schema: owner!,
    label: displayTable(table),
    kind: kind!,
    policed: policed === "t",
    computed: computed === "t",
    lacking: lacking!,
  };
}

function findCreationProblems(
  { user, schema, exists, use, create, make }: Place,
  table: TableName,
): string[] {
  if (schema === undefined) {
    return [`no schema of the search path exists to create "${table.name}" in, name one`];
  }
  if (!exists) {
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
function findTableProblems(
  { label, kind, policed, computed, lacking }: FoundTable,
  { user, schema, use }: Place,
  mode: LoadMode,
): string[] {
  const readOnlyKind = READ_ONLY_KINDS[kind];
  if (readOnlyKind !== undefined) return [`${label} is ${readOnlyKind}, expected a table`];
  return [
    ...(use ? [] : [`"${user}" lacks USAGE on schema "${schema}"`]),
    ...(computed ? [`the table computes all columns of ${label}`] : []),
    ...(lacking === null ? [] : [`"${user}" lacks ${lacking} on ${label}`]),
    ...(policed && mode !== "upsert"
      ? [
        `row-level security of ${label} applies to "${user}", ${
          mode === "scd2" ? "and may hide versions" : "COPY cannot write there"
        }; expected a login that owns the table or has BYPASSRLS`,
      ]
      : []),
  ];
}
