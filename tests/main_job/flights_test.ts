/** Three million flights: Parquet → PostgreSQL → SQLite within 512 MiB of memory. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { npmFolder } from "../support/npm.ts";
import { freshDatabase, postgresTest } from "../support/services.ts";
import { withFolder } from "../support/run.ts";
import { ignoreIf } from "../support/ignore.ts";

const PEAK = fileURLToPath(new URL("../support/peak.ts", import.meta.url));
const ROWS = 3_000_000;
const LIMIT_MIB = 512;

/** Runs dxt in a process of its own; returns its peak memory in MiB. */
async function peakOf(args: string[]): Promise<number> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", PEAK, ...args],
    stdout: "piped",
    stderr: "inherit",
  }).output();
  assert.equal(code, 0);
  return Number(new TextDecoder().decode(stdout));
}

const server = postgresTest(18);
Deno.test({
  ...ignoreIf(
    server.missing,
    "3 million flights go from Parquet to PostgreSQL to SQLite in 512 MiB",
  ),
  fn: () =>
    withFolder(async (folder) => {
      const data = join(await npmFolder("vega-datasets", "3.2.1"), "data");
      await using database = await freshDatabase(server.url);
      const hop = async (source: unknown, target: unknown, from: string) => {
        const path = join(folder, "flights.yaml");
        await Deno.writeTextFile(
          path,
          JSON.stringify({
            version: 1,
            name: "flights",
            source,
            target,
            streams: [{ id: "flights", source: from, target: "flights" }],
          }),
        );
        const peak = await peakOf(["run", path, "--quiet"]);
        assert.ok(peak > 0 && peak < LIMIT_MIB, `peak memory is ${peak.toFixed(0)} MiB`);
      };
      await hop({ provider: "local", path: data }, database.url, "flights-3m.parquet");
      const facts = `SELECT count(*) AS n, sum(delay) AS delay, sum(distance) AS distance,
        count(DISTINCT origin) AS origins, max(destination) AS last,
        CAST(min(date) AS text) AS first_day, CAST(max(date) AS text) AS last_day FROM flights`;
      const text = (row: object) => Object.values(row).map(String);
      const [inPostgres] = await database.sql(facts);
      assert.equal(Number(inPostgres!["n"]), ROWS);
      await hop(database.url, { provider: "sqlite", path: "flights.db" }, "flights");
      using db = new DatabaseSync(join(folder, "flights.db"));
      assert.deepEqual(text(db.prepare(facts).get()!), text(inPostgres!));
    }),
});
