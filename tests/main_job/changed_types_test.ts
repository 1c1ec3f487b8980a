/** Files whose values need other types than those of the file before, into tables. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { onServers } from "../providers/relational/mysql/support.ts";
import { ignoreIf } from "../support/ignore.ts";
import { run, runWell, withFolder } from "../support/run.ts";
import { freshDatabase, postgresTest } from "../support/services.ts";

type Load = Record<string, unknown>;

const REPLACE = { mode: "replace" };
const EVOLVE = { mode: "append", schema: "evolve" };
const STRICT = { mode: "append" };

/** Moves a file of the values into the table, and returns the error, if any. */
async function move(
  target: unknown,
  values: readonly string[],
  load: Load,
): Promise<string | undefined> {
  return await withFolder(async (folder) => {
    const lines = values.map((value, i) => `${i},${value}`);
    await Deno.writeTextFile(join(folder, "t.csv"), ["i,v", ...lines, ""].join("\n"));
    const { streams } = await run(folder, {
      version: 1,
      name: "changed_types",
      source: { provider: "local", path: "." },
      target,
      streams: [{ id: "t", source: "t.csv", target: "t", load }],
    });
    return streams[0]!.error?.message;
  });
}

/** The values of the table, as a CSV of dxt has them. */
async function read(source: unknown): Promise<string[]> {
  return await withFolder(async (folder) => {
    await runWell(folder, {
      version: 1,
      name: "read",
      source,
      target: { provider: "local", path: "." },
      streams: [{ id: "t", source: "t", target: "t.csv", load: REPLACE }],
    });
    const [, ...lines] = (await Deno.readTextFile(join(folder, "t.csv"))).trimEnd().split("\n");
    return lines.map((line) => line.slice(line.indexOf(",") + 1));
  });
}

/** A column prints as many digits after the point as it has. */
const trim = (value: string) => value.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");

async function holds(end: unknown, values: readonly string[]): Promise<void> {
  assert.deepEqual((await read(end)).map(trim).sort(), values.map(trim).sort());
}

const FILES = [
  ["1", "2"],
  ["1.5"],
  ["2.12345", ""],
  ["3", "n/a"],
  ["4"],
  ["2026-01-01"],
  [
    "2026-01-01T10:00:00",
  ],
  ["true"],
  ["2"],
  [""],
  [
    "7",
  ],
  ["5.5", "12345678901234567890123"],
];

/** A replacement takes what the file needs; a column that holds it stays. */
async function replaceTypes(end: unknown): Promise<void> {
  for (const values of FILES) {
    assert.equal(await move(end, values, REPLACE), undefined, values.join());
    await holds(end, values);
  }
}

async function widenTypes(end: unknown): Promise<void> {
  const all: string[] = [];
  for (const values of [["1", "2"], ["1.5"], ["", "2.12345"], ["30000000000.1"], ["n/a"]]) {
    assert.equal(await move(end, values, EVOLVE), undefined, values.join());
    all.push(...values);
    await holds(end, all);
  }
}

async function refuseTypes(end: unknown): Promise<void> {
  await move(end, ["1", "2"], STRICT);
  for (const values of [["1.5"], ["n/a"]]) {
    for (const load of [STRICT, { ...REPLACE, schema: "strict" }]) {
      assert.match(await move(end, values, load) ?? "", /schema: evolve/);
    }
  }
  await holds(end, ["1", "2"]);
}

/** Another table for each check. */
const CHECKS = {
  "a replacement makes the columns that the values of a file need": replaceTypes,
  "schema: evolve widens a column so that it holds the values of a file": widenTypes,
  "where a table may not change, a file that does not fit it is refused": refuseTypes,
};

const { url, missing } = postgresTest(15);

for (const [name, check] of Object.entries(CHECKS)) {
  // SQLite cannot change the type of a column that has rows.
  if (check !== widenTypes) {
    Deno.test(`SQLite: ${name}`, () =>
      withFolder((folder) => check({ provider: "sqlite", path: join(folder, "t.db") })));
  }
  Deno.test({
    ...ignoreIf(missing, `PostgreSQL: ${name}`),
    async fn() {
      await using database = await freshDatabase(url);
      await check(database.url);
    },
  });
  onServers(name, (database) => check(database.url));
}
