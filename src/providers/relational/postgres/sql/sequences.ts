/** Sequences that number the rows of a load, since no field fills their column. */
import type { PlannedLoad } from "../../../../core/contracts/loader.ts";
import { LoaderError } from "../../../../core/errors.ts";
import type { Session } from "../wire/session.ts";
import type { Relation } from "./catalog.ts";

/** Columns whose default takes a number of a sequence that the login may not use, with that sequence. */
const findDefaults = ({ id }: Relation) => `
  SELECT a.attname, s.oid::pg_catalog.regclass, current_user
  FROM pg_catalog.pg_attrdef d
  JOIN pg_catalog.pg_depend p ON p.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
    AND p.objid = d.oid AND p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  JOIN pg_catalog.pg_class s ON s.oid = p.refobjid
  JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
  WHERE d.adrelid = ${id} AND CASE WHEN s.relkind = 'S'
    THEN NOT pg_catalog.has_sequence_privilege(s.oid, 'USAGE, UPDATE') ELSE false END`;

/** @throws {LoaderError} that names a sequence which the load needs and the login may not use */
export async function refuseSequences(
  session: Session,
  table: Relation,
  { staged: { fields } }: PlannedLoad,
): Promise<void> {
  const { rows } = await session.query(findDefaults(table));
  const names = new Set(fields.map(({ name }) => name));
  const missing = rows.find(([column]) => !names.has(column!));
  if (missing === undefined) return;
  const [column, sequence, user] = missing;
  throw new LoaderError(
    `Cannot load into ${table.label}: "${user}" lacks USAGE on sequence "${sequence}", which numbers column "${column}", as no field fills it`,
  );
}
