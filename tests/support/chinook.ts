/** The tables of a music store, moved by a pipeline and compared by SQLite itself. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runWell } from "./run.ts";
import { askBoth, countDifferences } from "./sqlite.ts";

export const CHINOOK = fileURLToPath(new URL("../data/chinook/chinook.sqlite", import.meta.url));

/** Records of each table, as the database itself counts them. */
export const COUNTS: Record<string, number> = {
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
export const TABLES = Object.keys(COUNTS);

function streams(source: (table: string) => string, target: (table: string) => string) {
  return TABLES.map((table) => ({
    id: table,
    source: source(table),
    target: target(table),
    load: { mode: "replace" },
  }));
}

/** Moves all tables; each source and each target must count them as the database does. */
export async function moveTables(
  folder: string,
  name: string,
  source: unknown,
  target: unknown,
  from: (table: string) => string,
  to: (table: string) => string,
): Promise<void> {
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
}

/** @param copy path of a SQLite database that must hold the very same rows */
export async function compareSQLite(copy: string): Promise<void> {
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
