/** A binary with permissions compiled in has these and no more, whatever it is asked. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { build } from "../../scripts/compile.ts";
import { binaryTest, outcomeOf } from "../support/binary.ts";
import { withFolder } from "../support/run.ts";
import { ignoreIf } from "../support/ignore.ts";

const { missing } = binaryTest();

function pipeline(source: unknown, target: unknown): string {
  const streams = [{ id: "t", source: "t", target: "copy", load: { mode: "replace" } }];
  return JSON.stringify({ version: 1, name: "locked", source, target, streams });
}

Deno.test({
  ...ignoreIf(
    missing,
    "the binary with permissions compiled in moves what they allow and refuses the rest",
  ),
  fn: () =>
    withFolder(async (folder) => {
      const inside = join(folder, "inside");
      await Deno.mkdir(inside);
      for (const name of [join(inside, "a.db"), join(folder, "outside.db")]) {
        using database = new DatabaseSync(name);
        database.exec("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2)");
      }
      const dxt = join(folder, "dxt");
      await build({
        output: dxt,
        permissions: [`--allow-read=${inside}`, `--allow-write=${inside}`],
      });
      const run = async (source: unknown, target: unknown, ...options: string[]) => {
        const path = join(inside, "p.yaml");
        await Deno.writeTextFile(path, pipeline(source, target));
        return await outcomeOf([dxt, "run", path, ...options], { cwd: inside });
      };
      const sqlite = (path: string) => ({ provider: "sqlite", path });
      const { code, out, err } = await run(sqlite("a.db"), sqlite("b.db"), "--quiet");
      assert.equal(code, 0, err);
      assert.equal(JSON.parse(out).streams[0].rows_loaded, 2);
      using copy = new DatabaseSync(join(inside, "b.db"), { readOnly: true });
      assert.equal(copy.prepare("SELECT count(*) AS n FROM copy").get()!["n"], 2);

      const refused: [string, unknown, unknown, RegExp][] = [
        ["a file outside", sqlite("../outside.db"), sqlite("b.db"), /--allow-read=\S*outside\.db/],
        ["a target outside", sqlite("a.db"), sqlite("../new.db"), /--allow-\w+=\S*new\.db/],
        [
          "a host",
          sqlite("a.db"),
          "postgres://u:p@127.0.0.1:1/db",
          /--allow-net=127\.0\.0\.1:1\b/,
        ],
      ];
      for (const [what, source, target, flag] of refused) {
        for (const options of [[], ["--sandbox=off"]]) {
          const { code, err } = await run(source, target, ...options);
          assert.notEqual(code, 0, what);
          assert.match(err, flag, what);
        }
      }
      await assert.rejects(() => Deno.stat(join(folder, "new.db")), Deno.errors.NotFound);
    }),
});
