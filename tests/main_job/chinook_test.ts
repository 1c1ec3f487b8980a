/** A music store's 11 tables: SQLite → PostgreSQL → Parquet → SQLite, and → CSV → PostgreSQL. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { freshDatabase, postgresTest, type TestDatabase } from "../support/services.ts";
import { CHINOOK, compareSQLite, moveTables, TABLES } from "../support/chinook.ts";
import { withFolder } from "../support/run.ts";
import { ignoreIf } from "../support/ignore.ts";

for (const version of [15, 18] as const) {
  const server = postgresTest(version);
  Deno.test({
    ...ignoreIf(
      server.missing,
      `Chinook goes through PostgreSQL ${version}, Parquet and CSV with every value equal`,
    ),
    fn: () =>
      withFolder(async (folder) => {
        await using database = await freshDatabase(server.url);
        const { url } = database;
        const hop = moveTables.bind(undefined, folder);
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
