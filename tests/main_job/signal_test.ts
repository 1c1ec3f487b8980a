/** A run that is stopped by a signal leaves both databases as they were, and no connection. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freshDatabase, postgresTest } from "../support/services.ts";
import { withFolder } from "../support/run.ts";
import { ignoreIf } from "../support/ignore.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const server = postgresTest(18);

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs dxt until `when` says so or half a minute is over, then sends the signal. */
async function interrupted(
  path: string,
  signal: Deno.Signal,
  when: () => Promise<boolean>,
): Promise<number> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, "run", path],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const start = performance.now();
  while (!await when() && performance.now() - start < 30_000) {
    await wait(5);
  }
  process.kill(signal);
  return (await process.status).code;
}

for (
  const [phase, activity, signal, code] of [
    ["extract", "COPY%TO STDOUT%", "SIGINT", 130],
    ["load", "COPY%FROM STDIN%", "SIGTERM", 143],
  ] as const
) {
  Deno.test({
    ...ignoreIf(
      server.missing,
      `${signal} during the ${phase} ends with ${code} and changes nothing`,
    ),
    fn: () =>
      withFolder(async (folder) => {
        await using database = await freshDatabase(server.url);
        await database.sql(`
          CREATE TABLE source AS
            SELECT i AS id, repeat('x', 200) AS text FROM generate_series(1, 400000) AS i;
          CREATE TABLE copy (id int PRIMARY KEY, text text);
          INSERT INTO copy VALUES (-1, 'before')`);
        const path = join(folder, "p.yaml");
        await Deno.writeTextFile(
          path,
          JSON.stringify({
            version: 1,
            name: "p",
            source: database.url,
            target: database.url,
            streams: [{
              id: "s",
              source: "source",
              target: "public.copy",
              load: { mode: "replace" },
            }],
          }),
        );
        const others = (like: string) =>
          database.sql(
            `SELECT count(*)::int AS n FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '${like}'`,
          ).then(([row]) => Number(row!["n"]));
        const status = await interrupted(
          path,
          signal,
          async () => await others(activity) > 0,
        );
        assert.equal(status, code);
        const rows = await database.sql("SELECT id, text FROM copy");
        assert.deepEqual(rows.map((row) => ({ ...row })), [{ id: -1, text: "before" }]);
        // The server needs a moment to see that nobody is there any more.
        const gone = performance.now() + 10_000;
        while (await others("%") > 0 && performance.now() < gone) await wait(20);
        assert.equal(await others("%"), 0);
        // What was extracted whole is kept for `dxt load`; of what was not, nothing is committed.
        const stage = join(folder, ".dxt/stage/p/s/manifest.json");
        assert.equal(await Deno.stat(stage).then(() => true, () => false), phase === "load");
      }),
  });
}
