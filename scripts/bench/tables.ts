/** The tables that the bench moves. */
import type { Table } from "./way.ts";

/** 17 columns: integers, decimals, dates, times, texts, a boolean, NULLs and JSON. */
const WIDE = `
  i::bigint AS id, i::bigint * 7919 AS big, (i % 100000)::int AS n1, (i % 1000)::int AS n2,
  (i % 97)::int AS n3, (i * 0.37)::numeric(12,2) AS amount, (i % 1000 / 10.0)::numeric(12,2) AS tax,
  DATE '2020-01-01' + (i % 1500)::int AS day,
  TIMESTAMP '2020-01-01' + i * INTERVAL '1.000123 second' AS created,
  TIMESTAMPTZ '2020-01-01 00:00Z' + i * INTERVAL '1 minute' AS updated,
  'customer ' || i % 5000 AS customer, md5(i::text) AS hash, repeat('x', (i % 40)::int) AS note,
  i % 3 = 0 AS active, CASE WHEN i % 5 = 0 THEN i::int END AS maybe_n,
  CASE WHEN i % 2 = 0 THEN 'maybe ' || i % 77 END AS maybe_text,
  jsonb_build_object('k', i % 10, 'v', 'value') AS doc`;

const NARROW = `
  i::bigint AS id, (i % 1000)::int AS shop, (i * 0.37)::numeric(12,2) AS amount,
  TIMESTAMPTZ '2020-01-01 00:00Z' + i * INTERVAL '1 second' AS sold,
  CASE WHEN i % 10 <> 0 THEN 'customer ' || i % 5000 END AS customer`;

const COLUMNS: Readonly<Record<Table, string>> = { wide: WIDE, narrow: NARROW };

/** Statements that create the table with `id` from 1 to `rows`. */
export function createTable(table: Table, rows: number): string {
  return `
    CREATE TABLE ${table} AS SELECT ${COLUMNS[table]} FROM generate_series(1, ${rows}) AS i;
    VACUUM (FREEZE, ANALYZE) ${table};`;
}

/** The statement that creates the same table without rows, for programs that need an existing one. */
export function createEmptyTable(table: Table): string {
  return `CREATE TABLE ${table} AS SELECT ${COLUMNS[table]} FROM generate_series(1, 0) AS i`;
}

export interface Totals {
  readonly rows: number;
  /** Sum of `id`. */
  readonly sum: number;
}

export function expectedTotals(rows: number): Totals {
  return { rows, sum: rows * (rows + 1) / 2 };
}

/** Parses the output of `SELECT count(*), sum(id)`, with any separator. */
export function parseTotals(text: string): Totals {
  const [rows = NaN, sum = NaN] = text.match(/[^|,\s]+/g)?.map(Number) ?? [];
  return { rows, sum };
}
