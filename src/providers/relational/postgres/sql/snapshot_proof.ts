/**
 * Proof that a transaction has read its tables as they were at its moment. A snapshot says which rows are
 * visible, not where they are: TRUNCATE, a rewriting ALTER TABLE and a table put into another's place are
 * not under MVCC, so that an older snapshot finds the new table empty; after VACUUM FULL and CLUSTER the
 * rows are in other pages than those that a part was given.
 * https://www.postgresql.org/docs/current/mvcc-caveats.html
 */
import { ExtractorError } from "../../../../core/errors.ts";
import type { Session } from "../wire/session.ts";
import { displayName } from "../../names.ts";

/** Locks that this transaction has on relations of its database. */
const LOCKED = `
  SELECT DISTINCT l.relation AS id FROM pg_catalog.pg_locks l
  JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = pg_catalog.current_database()
  WHERE l.locktype = 'relation' AND l.pid = pg_catalog.pg_backend_pid() AND l.granted`;

/** The first OID that is none of the catalogues, whose tables their users do not rewrite. */
const FIRST_USER_OID = 16_384;

/**
 * Relations that the transaction has read, for it keeps their locks: what `pg_class` and `pg_inherits`
 * say of them is as of its snapshot, what the functions say as of now.
 */
const CHANGED = `
  WITH locked AS (${LOCKED} AND l.relation >= ${FIRST_USER_OID}),
  was AS (
    SELECT locked.id, c.oid IS NULL AS is_new, c.relkind, c.relfilenode,
      pg_catalog.quote_ident(n.nspname) AS schema, pg_catalog.quote_ident(c.relname) AS name
    FROM locked LEFT JOIN pg_catalog.pg_class c ON c.oid = locked.id
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relpersistence IS DISTINCT FROM 't'),
  read AS (
    SELECT was.*, now.schema AS schema_now, now.name AS name_now,
      pg_catalog.pg_partition_root(id) <> id AS is_partition
    FROM was CROSS JOIN LATERAL pg_catalog.pg_identify_object(
      'pg_catalog.pg_class'::pg_catalog.regclass, id, 0) AS now
    WHERE now.type IN ('table', 'view', 'materialized view', 'foreign table'))
  SELECT schema_now || '.' || name_now FROM read
  WHERE CASE
    -- No row of a new partition is visible.
    WHEN is_new THEN is_partition IS NOT TRUE
    WHEN is_partition AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE inhrelid = id) THEN true
    WHEN relkind = 'p' AND EXISTS (
      SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = id AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_partition_ancestors(i.inhrelid) a WHERE a.relid = id)) THEN true
    ELSE schema <> schema_now OR name <> name_now
      OR relfilenode <> pg_catalog.pg_relation_filenode(id) END`;

/** Returns quoted names of the tables of the transaction that were rewritten after its snapshot. */
export async function findChangedTables(session: Session): Promise<string[]> {
  return await changedBy(session, CHANGED);
}

/**
 * As {@linkcode findChangedTables}, and ends the transaction.
 *
 * @param relation OID of the table that a part's pages are of
 */
export async function commitUnchanged(session: Session, relation?: string): Promise<void> {
  const replaced = relation === undefined
    ? ""
    : ` UNION ALL SELECT '' WHERE NOT EXISTS (SELECT FROM locked WHERE id = ${relation})`;
  const changed = await changedBy(session, `${CHANGED}${replaced}; COMMIT`);
  if (changed.length > 0) throw new SnapshotError(changed);
}

async function changedBy(session: Session, sql: string): Promise<string[]> {
  const { rows } = await session.query(sql);
  return rows.map(([name]) => name!);
}

/** A transaction may have missed rows, or read some that were not there at its moment. */
export class SnapshotError extends ExtractorError {
  /** @param names quoted, or empty where the name of the source leads to another table */
  constructor(names: readonly string[]) {
    const list = names.filter((name) => name !== "").map(displayName);
    const what = list.length === 0 ? "its table" : list.join(", ");
    super(
      `Cannot read the rows of one moment: ${what} was rewritten, truncated or replaced meanwhile, run again when that is done`,
    );
  }
}

/** A snapshot for other sessions, later than the locks of the transaction that exports it. */
export interface ExportedSnapshot {
  readonly id: string;
  /** Whether the expected relation is among the locked ones; true if none is expected. */
  readonly hasRelation: boolean;
  /** Names of foreign tables, whose rows belong to no shared snapshot. */
  readonly foreign: readonly string[];
}

/** @param relation OID that is expected among the locked ones */
export async function exportSnapshot(
  session: Session,
  relation: string | undefined,
): Promise<ExportedSnapshot> {
  const { rows: [row] } = await session.query(`
    WITH locked AS (${LOCKED})
    SELECT pg_catalog.pg_export_snapshot(),
      ${relation === undefined ? "true" : `EXISTS (SELECT FROM locked WHERE id = ${relation})`},
      (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(n.nspname) || '.' ||
        pg_catalog.quote_ident(c.relname), E'\\n') FROM locked
        JOIN pg_catalog.pg_class c ON c.oid = locked.id AND c.relkind = 'f'
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace)`);
  const [id, hasRelation, foreign] = row!;
  return { id: id!, hasRelation: hasRelation === "t", foreign: foreign?.split("\n") ?? [] };
}
