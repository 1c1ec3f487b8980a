/** Three million flights: Parquet → PostgreSQL → SQLite within 512 MiB of memory. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { npmFolder } from "../support/npm.ts";
import { freshDatabase, postgresTest } from "../support/services.ts";
import { withFolder } from "../support/run.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const ROWS = 3_000_000;
const LIMIT_MIB = 512;

/** Runs dxt in a process of its own; returns what it printed and its peak memory in MiB. */
async function measure(args: string[]): Promise<{ result: unknown; peak: number }> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, ...args],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let peak = 0;
  const timer = setInterval(() => {
    try {
      const status = Deno.readTextFileSync(`/proc/${process.pid}/status`);
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      // It has ended.
    }
  }, 100);
  const { code, stdout } = await process.output();
  clearInterval(timer);
  assert.equal(code, 0);
  return { result: JSON.parse(new TextDecoder().decode(stdout)), peak };
}

const server = postgresTest(18);
Deno.test({
  name: "3 million flights go from Parquet to PostgreSQL to SQLite in 512 MiB",
  ignore: server.missing !== undefined,
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
        const { peak } = await measure(["run", path, "--quiet"]);
        assert.ok(peak > 0 && peak < LIMIT_MIB, `peak memory is ${peak.toFixed(0)} MiB`);
      };
      await hop({ provider: "local", path: data }, database.url, "flights-3m.parquet");
      const [row] = await database.sql("SELECT count(*)::int AS n FROM flights");
      assert.equal(row!["n"], ROWS);
      await hop(database.url, { provider: "sqlite", path: "flights.db" }, "flights");
      using db = new DatabaseSync(join(folder, "flights.db"));
      assert.deepEqual(db.prepare("SELECT count(*) AS n FROM flights").get()!["n"], ROWS);
    }),
});
