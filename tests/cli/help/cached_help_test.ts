/** Help that is kept answers before the parser of the options is loaded. */
import assert from "node:assert/strict";
import { renderHelp } from "../../../scripts/docs.ts";
import { NAMES } from "../../../src/cli/command_table.ts";
import { HELP_TEXTS } from "../../../src/cli/help/help_texts.gen.ts";
import { cachedHelp } from "../../../src/cli/help/cached_help.ts";
import { dxt, fakeIO } from "../fakes.ts";

Deno.test("the kept help is word for word what the parser prints, in each width and in colour", async () => {
  assert.deepEqual(Object.keys(HELP_TEXTS), ["", ...NAMES]);
  for (const words of [[], ...NAMES.map((name) => [name])]) {
    for (const columns of [80, 99, 100, 200]) {
      for (const env of [{ FORCE_COLOR: "1" }, { NO_COLOR: "1" }]) {
        const { stdout } = fakeIO({ columns });
        const kept = await cachedHelp([...words, "--help"], env as Record<string, string>, stdout);
        const message = `dxt ${words} in ${columns} columns: run deno task gen`;
        assert.equal(
          kept,
          await renderHelp(words, columns, env as Record<string, string>),
          message,
        );
      }
    }
  }
});

Deno.test("a narrow terminal, or more than help, is for the parser", async () => {
  assert.equal(await cachedHelp(["run", "--help"], {}, fakeIO({ columns: 60 }).stdout), undefined);
  assert.equal(await cachedHelp(["run", "a.yaml", "--help"], {}, fakeIO().stdout), undefined);
  assert.equal(await cachedHelp(["rnu", "--help"], {}, fakeIO().stdout), undefined);
  assert.equal(await cachedHelp(["constructor", "--help"], {}, fakeIO().stdout), undefined);
});

Deno.test("help with more arguments is the help of its command", async () => {
  assert.equal((await dxt("run a.yaml --help")).out, (await dxt("run --help")).out);
});
