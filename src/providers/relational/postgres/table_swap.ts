/**
 * Replacing a table by another one: faster than deleting its rows, and without their dead versions. What
 * belongs to the old table is made again for the new one, or the swap is refused before it starts.
 */
import { LoaderError } from "../../../core/errors.ts";
import type { Relation } from "./sql/catalog.ts";
import { quoteText } from "./sql/dialect.ts";
import type { Session } from "./wire/session.ts";

/**
 * What a new table would not have, a line for each. Grants, comments, defaults, checks, indexes, keys,
 * generated columns and storage are made again.
 * https://www.postgresql.org/docs/current/catalogs.html
 */
const LOSSES = (id: string) => `
  WITH t AS (SELECT * FROM pg_catalog.pg_class WHERE oid = ${id})
  SELECT 'it is not an ordinary table of its own' FROM t
    WHERE relkind <> 'r' OR relispartition OR relpersistence <> 'p' OR reltablespace <> 0
      OR EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE ${id} IN (inhrelid, inhparent))
  UNION ALL SELECT 'its access method' FROM t JOIN pg_catalog.pg_am a ON a.oid = relam
    WHERE a.amname <> 'heap'
  UNION ALL SELECT 'storage parameters of its TOAST table' FROM t
    JOIN pg_catalog.pg_class o ON o.oid = t.reltoastrelid WHERE o.reloptions IS NOT NULL
  UNION ALL SELECT 'its owner is another role' FROM t
    WHERE pg_catalog.pg_get_userbyid(relowner) <> current_user
  UNION ALL SELECT 'trigger "' || tgname || '"' FROM pg_catalog.pg_trigger
    WHERE tgrelid = ${id} AND NOT tgisinternal
  UNION ALL SELECT 'rule "' || rulename || '"' FROM pg_catalog.pg_rewrite WHERE ev_class = ${id}
  UNION ALL SELECT 'constraint "' || conname || '" of ' || conrelid::regclass
    FROM pg_catalog.pg_constraint WHERE contype NOT IN ('p', 'u', 'c', 'n') AND ${id} IN (conrelid, confrelid)
  UNION ALL SELECT 'deferrable constraint "' || conname || '"' FROM pg_catalog.pg_constraint
    WHERE conrelid = ${id} AND condeferrable
  UNION ALL SELECT DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
    FROM pg_catalog.pg_depend d, t WHERE d.deptype = 'n' AND (
      d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = ${id}
      OR d.refclassid = 'pg_catalog.pg_type'::regclass AND d.refobjid = t.reltype)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.oid = d.objid
      AND k.conrelid = ${id} AND d.classid = 'pg_catalog.pg_constraint'::regclass)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_attrdef a WHERE a.oid = d.objid
      AND a.adrelid = ${id} AND d.classid = 'pg_catalog.pg_attrdef'::regclass)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.oid = d.objid
      AND r.ev_class = ${id} AND d.classid = 'pg_catalog.pg_rewrite'::regclass)
  UNION ALL SELECT 'sequence ' || d.objid::regclass FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    WHERE d.refobjid = ${id} AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i')
  UNION ALL SELECT 'policy "' || polname || '"' FROM pg_catalog.pg_policy WHERE polrelid = ${id}
  UNION ALL SELECT 'its row security' FROM t WHERE relrowsecurity OR relforcerowsecurity
  UNION ALL SELECT 'statistics "' || stxname || '"' FROM pg_catalog.pg_statistic_ext WHERE stxrelid = ${id}
  UNION ALL SELECT 'its place in a publication' FROM pg_catalog.pg_publication_rel WHERE prrelid = ${id}
  UNION ALL SELECT 'its replica identity' FROM t WHERE relreplident <> 'd'
  UNION ALL SELECT 'a security label' FROM pg_catalog.pg_seclabel
    WHERE objoid = ${id} AND classoid = 'pg_catalog.pg_class'::regclass
  UNION ALL SELECT 'settings of column "' || attname || '"' FROM pg_catalog.pg_attribute
    WHERE attrelid = ${id} AND attnum > 0 AND NOT attisdropped
      AND (attacl IS NOT NULL OR coalesce(attstattarget, -1) <> -1 OR EXISTS (
        SELECT FROM pg_catalog.pg_options_to_table(attoptions)
        WHERE option_name IN ('n_distinct', 'n_distinct_inherited')))
  UNION ALL SELECT 'grants by another role' FROM t, pg_catalog.aclexplode(relacl) AS g
    WHERE g.grantor <> relowner
  UNION ALL SELECT 'comment or settings of index "' || x.relname || '"' FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    WHERE i.indrelid = ${id} AND (i.indisclustered OR NOT i.indisvalid OR x.reltablespace <> 0
      OR EXISTS (SELECT FROM pg_catalog.pg_description
        WHERE objoid = i.indexrelid AND classoid = 'pg_catalog.pg_class'::regclass))
  UNION ALL SELECT 'comment of constraint "' || conname || '"' FROM pg_catalog.pg_constraint c
    JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_catalog.pg_constraint'::regclass
    WHERE conrelid = ${id} AND contype <> 'c'`;

/** @throws {LoaderError} that names what a swap would lose */
export async function refuseLosses(session: Session, { id, label }: Relation): Promise<void> {
  const { rows } = await session.query(LOSSES(id));
  if (rows.length === 0) return;
  throw new LoaderError(
    `Cannot swap ${label} for a new table: that would lose ${
      rows.map(([loss]) => loss).join(", ")
    }; set replace of the loader to delete`,
  );
}

/** Makes an empty table with the columns of another; its indexes come when it is full. */
export function createLike(table: string, { name }: Relation): string {
  return `CREATE TABLE ${table} (LIKE ${name} INCLUDING ALL EXCLUDING INDEXES EXCLUDING STATISTICS)`;
}

/**
 * What makes a table like another one, and what puts it into its place, a statement each; indexes have
 * other names until the old ones are gone.
 */
const STATEMENTS = (id: string, table: string) => `
  WITH t AS (
    SELECT c.*, format('%I.%I', n.nspname, c.relname) AS name, n.nspname FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ${id}
  ), indexes AS (
    SELECT x.relname AS index, format('dxt_load_%s', x.oid) AS made,
      CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END AS uniquely,
      pg_catalog.pg_get_indexdef(x.oid) AS definition, k.contype
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = x.oid AND k.conrelid = ${id}
    WHERE i.indrelid = ${id}
  ), grants AS (
    SELECT g.*, CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE
      pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) END AS role
    FROM t, pg_catalog.aclexplode(coalesce(relacl, pg_catalog.acldefault('r', relowner))) AS g
  ), statements(step, statement) AS (
    SELECT 1, format('CREATE %sINDEX %I ON %s%s', uniquely, made, table_name,
        substr(definition, length(format('CREATE %sINDEX %I ON %s', uniquely, index, t.name)) + 1))
      FROM indexes, t, (VALUES (${quoteText(table)})) AS v(table_name)
    UNION ALL SELECT 2, format('REVOKE ALL ON TABLE %s FROM %s', ${quoteText(table)}, role) FROM (
      SELECT DISTINCT CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE
        pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) END AS role
      FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) AS g
      WHERE c.oid = to_regclass(${quoteText(table)})) AS given
    UNION ALL SELECT 3, format('GRANT %s ON TABLE %s TO %s%s', privilege_type, ${
  quoteText(table)
}, role, CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) FROM grants
    UNION ALL SELECT 4, format('ALTER TABLE %s SET (%s)', ${quoteText(table)}, string_agg(
        format('%s=%L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', '))
      FROM t, unnest(reloptions) AS o HAVING count(*) > 0
    UNION ALL SELECT 5, format('COMMENT ON TABLE %s IS %L', ${quoteText(table)},
        pg_catalog.obj_description(${id}, 'pg_class'))
    UNION ALL SELECT 6, format('DROP TABLE %s', name) FROM t
    UNION ALL SELECT 7, format('ALTER TABLE %s RENAME TO %I', ${quoteText(table)}, relname) FROM t
    UNION ALL SELECT 8, CASE WHEN contype IS NULL
        THEN format('ALTER INDEX %I.%I RENAME TO %I', nspname, made, index)
        ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s USING INDEX %I', name, index,
          CASE contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END, made) END FROM indexes, t
  ) SELECT step, statement FROM statements ORDER BY step`;

/** The step that ends the old table. */
const DROP = 6;

/** The statements that give a full table what the old one has, and its place. */
export async function swapStatements(
  session: Session,
  table: string,
  old: Relation,
): Promise<{ drops: boolean; statement: string }[]> {
  const { rows } = await session.query(STATEMENTS(old.id, table));
  return rows.map(([step, statement]) => ({ drops: Number(step) === DROP, statement: statement! }));
}

/** Gives a full table what the old one has, then puts it into its place. */
export async function takePlace(session: Session, table: string, old: Relation): Promise<void> {
  for (const { drops, statement } of await swapStatements(session, table, old)) {
    if (drops) {
      await lock(session, old);
      // It may have got something since the load began.
      await refuseLosses(session, old);
    }
    await session.query(statement);
  }
}

/** Lock timeout of an attempt, and pause between attempts, in seconds. Later sessions wait during the first. */
const [WAIT, PAUSE] = [2, 3];
const TRIES = 120;

/**
 * Locks the old table against readers, too. Sessions that come later queue behind a waiting lock, so that one
 * long reader would stop all others: each attempt is short, and is repeated. The server sends a notice for
 * each, since its silence is limited.
 */
async function lock(session: Session, { name }: Relation): Promise<void> {
  const take = `LOCK TABLE ${name} IN ACCESS EXCLUSIVE MODE`;
  const code = `BEGIN
    FOR i IN 1 .. ${TRIES} LOOP
      BEGIN
        ${take};
        RETURN;
      EXCEPTION WHEN lock_not_available THEN
        RAISE NOTICE 'busy';
        PERFORM pg_catalog.pg_sleep(${PAUSE});
      END;
    END LOOP;
    ${take};
  END`;
  await session.query(
    `SET LOCAL client_min_messages = notice; SET LOCAL lock_timeout = '${WAIT}s'; DO ${
      quoteText(code)
    }; SET LOCAL lock_timeout = DEFAULT`,
  );
}
