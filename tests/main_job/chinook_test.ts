/** A music store's 11 tables: SQLite → PostgreSQL → Parquet → SQLite, and → CSV → PostgreSQL. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freshDatabase, postgresTest, type TestDatabase } from "../support/services.ts";
import { runWell, withFolder } from "../support/run.ts";
import { askBoth, countDifferences } from "../support/sqlite.ts";

const CHINOOK = fileURLToPath(new URL("../data/chinook/chinook.sqlite", import.meta.url));

/** Records of each table, as the database itself counts them. */
const COUNTS: Record<string, number> = {
  Album: 347,
  Artist: 275,
  Customer: 59,
  Employee: 8,
  Genre: 25,
  Invoice: 412,
  InvoiceLine: 2240,
  MediaType: 5,
  Playlist: 18,
  PlaylistTrack: 8715,
  Track: 3503,
};
const TABLES = Object.keys(COUNTS);

function streams(source: (table: string) => string, target: (table: string) => string) {
  return TABLES.map((table) => ({
    id: table,
    source: source(table),
    target: target(table),
    load: { mode: "replace" },
  }));
}

for (const version of [15, 18] as const) {
  const server = postgresTest(version);
  Deno.test({
    name: `Chinook goes through PostgreSQL ${version}, Parquet and CSV with every value equal`,
    ignore: server.missing !== undefined,
    fn: () =>
      withFolder(async (folder) => {
        await using database = await freshDatabase(server.url);
        const { url } = database;
        const hop = async (
          name: string,
          source: unknown,
          target: unknown,
          from: (table: string) => string,
          to: (table: string) => string,
        ) => {
          const result = await runWell(folder, {
            version: 1,
            name,
            source,
            target,
            streams: streams(from, to),
          });
          for (const { stream, rows_extracted, rows_loaded } of result.streams) {
            assert.equal(rows_extracted, COUNTS[stream], stream);
            assert.equal(rows_loaded, COUNTS[stream], stream);
          }
        };
        const sqlite = { provider: "sqlite", path: CHINOOK };
        const files = { provider: "local", path: "files" };
        const copy = { provider: "sqlite", path: "copy.db" };
        await Deno.mkdir(join(folder, "files"));
        const plain = (table: string) => table;
        await hop("to_postgres", sqlite, url, plain, (t) => `store."${t}"`);
        await hop("to_parquet", url, files, (t) => `store."${t}"`, (t) => `${t}.parquet`);
        await hop("to_sqlite", files, copy, (t) => `${t}.parquet`, plain);
        await hop("to_csv", url, files, (t) => `store."${t}"`, (t) => `${t}.csv.gz`);
        await hop("from_csv", files, url, (t) => `${t}.csv.gz`, (t) => `from_csv."${t}"`);
        await compareSQLite(join(folder, "copy.db"));
        await comparePostgres(database);
      }),
  });
}

async function compareSQLite(copy: string): Promise<void> {
  for (const table of TABLES) {
    const rows = (database: string) => `SELECT * FROM ${database}."${table}"`;
    const { differing, counted } = await askBoth(
      CHINOOK,
      copy,
      `SELECT (${countDifferences(rows("main"), rows("other"))}) AS differing,
       (SELECT count(*) FROM other."${table}") AS counted`,
    );
    assert.equal(differing, 0, table);
    assert.equal(counted, COUNTS[table], table);
  }
}

async function comparePostgres(database: TestDatabase): Promise<void> {
  for (const table of TABLES) {
    const columns = (await database.sql(
      `SELECT string_agg(format('%I::text', column_name), ', ' ORDER BY ordinal_position) AS list
       FROM information_schema.columns WHERE table_schema = 'store' AND table_name = '${table}'`,
    ))[0]!["list"];
    const [a, b] = ["store", "from_csv"].map((schema) =>
      `SELECT ${columns} FROM ${schema}."${table}"`
    );
    const [row] = await database.sql(
      `SELECT count(*)::int AS n FROM ((${a} EXCEPT ALL ${b}) UNION ALL (${b} EXCEPT ALL ${a})) AS d`,
    );
    assert.equal(row!["n"], 0, `${table}: ${row!["n"]} rows differ`);
  }
}
