/** Scripts that several paths share. */
import type { Path, Table, Way } from "../way.ts";
import { peer } from "../way.ts";
import { createEmptyTable } from "../tables.ts";

/** Prints rows and sum of a table in the target database; some programs make all columns text. */
export const inPostgres = (table: Table) =>
  `sql "$TARGET" -c 'SELECT count(*), sum(id::numeric) FROM public.${table}'`;

export const inSQLite = () => `sqlite3 "$OUT/wide.db" 'SELECT count(*), sum(id) FROM wide'`;

/** Prints rows and sum of all Parquet files below the target folder. */
export const inParquet = (): Pick<Path, "totals" | "totalsNeed"> => ({
  totals: `"$DUCKDB" "$PEERS/duckdb_sql.py" \
    "SELECT count(*), sum(id) FROM read_parquet('$OUT/**/*.parquet')"`,
  totalsNeed: ["duckdb"],
});

/** Creates a table like the source's in the target database. */
export const emptyTable = (table: Table) =>
  `sql "$TARGET" > /dev/null <<'SQL'\n${createEmptyTable(table)}\nSQL`;

/** A table without types, which is fastest. Without a table, `.import` takes row 1 as header. */
export const filled = `sqlite3 "$OUT/wide.db" 'CREATE TABLE wide (id, big, n1, n2, n3, amount, tax,
  day, created, updated, customer, hash, note, active, maybe_n, maybe_text, doc)'`;

/** https://docs.slingdata.io/sling-cli/run */
export function sling(source: string, stream: string, target: string, object: string): Way {
  const connection = (url: string) => url.startsWith("$") ? `${url}?sslmode=disable` : url;
  return peer(
    "sling",
    `"$SLING" run --src-conn "${connection(source)}" --src-stream "${stream}" \\
      --tgt-conn "${connection(target)}" --tgt-object "${object}" --mode full-refresh`,
  );
}

export function dlt(source: string, table: string, target: string): Way {
  return peer("dlt", `"$DLT" "$PEERS/dlt_move.py" "${source}" ${table} "${target}" "$WORK"`);
}

/** https://bruin-data.github.io/ingestr/commands/ingest.html */
export function ingestr(source: string, table: string, target: string, to: string): Way {
  return peer(
    "ingestr",
    `"$INGESTR" ingest --yes --progress log \\
      --source-uri "${source}" --source-table "${table}" \\
      --dest-uri "${target}" --dest-table "${to}" --pipelines-dir "$WORK/ingestr"`,
  );
}
