import assert from "node:assert/strict";
import { FROM_FILES } from "../../scripts/bench/paths/files.ts";
import { FROM_POSTGRES } from "../../scripts/bench/paths/postgres.ts";
import { starts } from "../../scripts/bench/paths/start.ts";
import { WANTED } from "../../scripts/bench/programs.ts";

const PATHS = [...FROM_POSTGRES, ...FROM_FILES, ...starts(true)];

Deno.test("every path begins with dxt and has a floor, and no two ways of it share a name", () => {
  for (const { name, ways } of PATHS) {
    assert.equal(ways[0]!.role, "dxt", name);
    assert.equal(ways.filter(({ role }) => role === "dxt").length, 1, name);
    assert.ok(ways.some(({ role }) => role === "floor"), name);
    assert.equal(new Set(ways.map((way) => way.name)).size, ways.length, name);
  }
  assert.equal(new Set(PATHS.map(({ name }) => name)).size, PATHS.length);
});

Deno.test("what moves rows is held to their number and sum, dxt and peers in every path", () => {
  for (const { from, totals, ways, memory } of PATHS) {
    assert.equal(from === undefined, totals === undefined);
    assert.equal(from === undefined, memory === undefined);
    for (const { role, fills } of ways) assert.ok(role === "floor" || fills || from === undefined);
  }
});

Deno.test("a way says that it needs a program that its script names", () => {
  for (const { name, ways } of PATHS) {
    for (const way of ways) {
      for (const [program, { variable }] of Object.entries(WANTED)) {
        const named = new RegExp(`"\\$${variable}"|(^|\\| |\\n)${program} `).test(way.script);
        if (named) assert.ok((way.needs as string[]).includes(program), `${name}: ${way.name}`);
      }
    }
  }
});

Deno.test("the limits are those that were asked for", () => {
  const limits = PATHS.flatMap(({ name, ways }) =>
    ways.filter(({ role, atMost }) => role === "floor" && atMost !== undefined)
      .map((way) => `${name}: ${way.name} ${way.atMost}`)
  );
  assert.deepEqual(limits, [
    "PostgreSQL → stage → PostgreSQL, wide: dxt --sandbox=off 1.03",
    "PostgreSQL → stage → PostgreSQL, wide: COPY | COPY 1.15",
    "PostgreSQL → stage → PostgreSQL, wide, phases in sequence, zstd: COPY | COPY 1.2",
    "PostgreSQL → stage → PostgreSQL, wide, rejected rows: dxt, no row rejected, retry 1.5",
    "PostgreSQL → stage → PostgreSQL, forty tables of two rows: dxt --sandbox=off 1.5",
    "PostgreSQL → stage → PostgreSQL, narrow: dxt --sandbox=off 1.03",
    "PostgreSQL → stage → PostgreSQL, narrow: COPY | COPY 1.15",
    "PostgreSQL → zstd Parquet, wide: COPY > /dev/null 0.8",
    "PostgreSQL → zstd Parquet, wide: COPY > /dev/null, two parts 1.35",
    "PostgreSQL → zstd Parquet, narrow: COPY > /dev/null 0.8",
    "PostgreSQL → zstd Parquet, narrow: COPY > /dev/null, two parts 1.35",
    "PostgreSQL → SQLite, wide: \\copy csv, .import 0.8",
    "CSV → zstd Parquet, wide: DuckDB, 2 threads 0.8",
    "CSV → SQLite, wide: .import 1",
    "SQLite → zstd Parquet, wide: sqlite3 -csv > /dev/null 1.1",
    "dxt --version, from source: deno eval 0 2",
    "dxt --version, compiled: deno eval 0 2",
    "dxt list, from source: deno eval 0 2",
    "dxt list, compiled: deno eval 0 2",
  ]);
  const peers = PATHS.flatMap(({ ways }) => ways).filter(({ role }) => role === "peer");
  for (const { name, atMost } of peers) assert.equal(atMost, name === "pgcopydb" ? 0.75 : 1);
});
