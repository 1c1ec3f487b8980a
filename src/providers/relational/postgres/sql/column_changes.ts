/** What keeps PostgreSQL from changing the columns of a table, found before a row is read. */
import { SchemaError } from "../../../../core/errors.ts";
import type { Relation } from "./catalog.ts";
import { quoteText } from "./dialect.ts";
import type { Session } from "../wire/session.ts";

/**
 * Reasons, a line each. Indexes and constraints of a column are made again with it.
 * https://www.postgresql.org/docs/current/catalog-pg-depend.html
 */
const OBSTACLES = (id: string, columns: readonly string[], isEmpty: boolean) => `
  WITH changed AS (
    SELECT * FROM pg_catalog.pg_attribute WHERE attrelid = ${id} AND attnum > 0 AND NOT attisdropped
      AND attname = ANY (ARRAY[${columns.map(quoteText).join(", ")}]::text[])
  )
  SELECT 'the login is not its owner' FROM pg_catalog.pg_class
    WHERE oid = ${id} AND NOT pg_catalog.pg_has_role(relowner, 'USAGE')
  UNION ALL SELECT 'column "' || attname || '" is inherited' FROM changed WHERE attinhcount > 0
  UNION ALL SELECT DISTINCT 'column "' || attname || '" is used by ' ||
      coalesce('view ' || r.ev_class::regclass, pg_catalog.pg_describe_object(d.classid, d.objid, 0))
    FROM changed JOIN pg_catalog.pg_depend d ON d.refobjid = ${id} AND d.refobjsubid = attnum
      AND d.refclassid = 'pg_catalog.pg_class'::regclass
    LEFT JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_catalog.pg_rewrite'::regclass
    LEFT JOIN pg_catalog.pg_attrdef g ON g.oid = d.objid AND d.classid = 'pg_catalog.pg_attrdef'::regclass
    WHERE r.oid IS NOT NULL OR d.classid IN (
        'pg_catalog.pg_trigger'::regclass, 'pg_catalog.pg_policy'::regclass, 'pg_catalog.pg_proc'::regclass)
      OR g.adrelid = ${id} AND g.adnum <> attnum
  UNION ALL SELECT 'trigger "' || tgname || '" is deferred' FROM pg_catalog.pg_trigger
    WHERE ${isEmpty} AND tgrelid = ${id} AND tginitdeferred AND EXISTS (SELECT FROM changed)`;

/** @throws {SchemaError} with all that PostgreSQL would refuse the change for */
export async function refuseChanges(
  session: Session,
  { id, label }: Relation,
  columns: readonly { readonly name: string }[],
  isEmpty: boolean,
): Promise<void> {
  const { rows } = await session.query(OBSTACLES(id, columns.map(({ name }) => name), isEmpty));
  if (rows.length === 0) return;
  throw new SchemaError(
    `Cannot change the columns of ${label}: ${
      rows.map(([reason]) => reason).join(", ")
    }; change the table in PostgreSQL`,
  );
}
