/** A music store's 11 tables: MySQL → PostgreSQL → MySQL, and MySQL → Parquet → SQLite. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  freshDatabase as freshMySQL,
  onServers,
  type TestDatabase,
} from "../providers/relational/mysql/support.ts";
import { CHINOOK, compareSQLite, COUNTS, moveTables, TABLES } from "../support/chinook.ts";
import { withFolder } from "../support/run.ts";
import { freshDatabase, postgresTest } from "../support/services.ts";

const SCHEMA = new URL("../data/chinook/mysql.sql", import.meta.url);
const { url: postgres, missing } = postgresTest(15);

/** Makes the tables with MySQL's own types, and fills them by statements of the test. */
async function fill(database: TestDatabase): Promise<void> {
  const schema = await Deno.readTextFile(SCHEMA);
  for (const statement of schema.replace(/^--.*$/m, "").split(";")) {
    if (statement.trim() !== "") await database.sql(`${statement} ENGINE=InnoDB`);
  }
  using original = new DatabaseSync(CHINOOK, { readOnly: true });
  for (const table of TABLES) {
    const rows = original.prepare(`SELECT * FROM "${table}"`).all();
    for (let i = 0; i < rows.length; i += 500) {
      const values = rows.slice(i, i + 500).map((row) => `(${Object.values(row).map(literal)})`);
      await database.sql(`INSERT INTO ${table} VALUES ${values}`);
    }
  }
}

function literal(value: unknown): string {
  if (typeof value !== "string") return String(value);
  return `CONVERT(X'${new TextEncoder().encode(value).toHex()}' USING utf8)`;
}

/** Rows of two databases whose columns are all equal: text by its bytes. */
async function countEqual(database: TestDatabase, table: string, other: string): Promise<number> {
  const columns = await database.sql(
    `SELECT COLUMN_NAME, DATA_TYPE, COLUMN_KEY FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '${table}'`,
  );
  const same = columns.map(([name, type, key]) =>
    key === "PRI"
      ? `a.${name} = b.${name}`
      : type === "datetime"
      ? `a.${name} <=> b.${name}`
      : `CAST(a.${name} AS BINARY) <=> CAST(b.${name} AS BINARY)`
  );
  const [[rows]] = await database.sql(
    `SELECT COUNT(*) FROM ${table} a JOIN ${other}.${table} b ON ${same.join(" AND ")}`,
  ) as [[string]];
  return Number(rows);
}

onServers(
  "Chinook goes to PostgreSQL and back, and to Parquet and SQLite",
  (database, { url }) =>
    withFolder(async (folder) => {
      await fill(database);
      await using back = await freshMySQL(url);
      await using middle = await freshDatabase(postgres);
      const plain = (table: string) => table;
      const inFile = (table: string) => `${table}.parquet`;
      await Deno.mkdir(join(folder, "files"));
      const files = { provider: "local", path: "files" };
      const copy = { provider: "sqlite", path: "copy.db" };
      await moveTables(folder, "to_postgres", database.url, middle.url, plain, plain);
      await moveTables(folder, "to_mysql", middle.url, back.url, plain, plain);
      await moveTables(folder, "to_parquet", database.url, files, plain, inFile);
      await moveTables(folder, "to_sqlite", files, copy, inFile, plain);
      const other = new URL(back.url).pathname.slice(1);
      for (const table of TABLES) {
        assert.equal(await countEqual(database, table, other), COUNTS[table], table);
        const [[rows]] = await back.sql(`SELECT COUNT(*) FROM ${table}`) as [[string]];
        assert.equal(Number(rows), COUNTS[table], table);
      }
      await compareSQLite(join(folder, "copy.db"));
    }),
  missing,
);
