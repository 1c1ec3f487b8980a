/** The memory of `dxt diff` where every row differs, and more do than are held at once. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { EXIT } from "../../src/cli/terminal/exit_codes.ts";
import { withFolder } from "../support/run.ts";

const PEAK = fileURLToPath(new URL("../support/peak.ts", import.meta.url));
const ROWS = 2_000_000;
const LIMIT_MIB = 640;

Deno.test("two million rows that all differ are compared in 640 MiB", () =>
  withFolder(async (folder) => {
    for (const [file, sign] of [["s.db", ""], ["t.db", "-"]] as const) {
      using database = new DatabaseSync(join(folder, file));
      database.exec(`PRAGMA synchronous = OFF; CREATE TABLE t (id INTEGER PRIMARY KEY, v REAL);
        INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ${ROWS})
          SELECT i, ${sign}i / 2.0 FROM n`);
    }
    const path = join(folder, "p.yaml");
    await Deno.writeTextFile(
      path,
      JSON.stringify({
        ...{ version: 1, name: "p", source: "sqlite:s.db", target: "sqlite:t.db" },
        streams: [{ id: "t", source: "t", load: { mode: "upsert", upsert_keys: ["id"] } }],
      }),
    );
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", PEAK, "diff", path, "--quiet"],
      stdout: "piped",
      stderr: "inherit",
    }).output();
    const peak = Number(new TextDecoder().decode(stdout));
    assert.equal(code, EXIT.mismatch);
    assert.ok(peak > 0 && peak < LIMIT_MIB, `peak memory is ${peak} MiB`);
  }));
