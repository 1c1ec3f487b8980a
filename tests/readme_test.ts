/** What README.md says, tried. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { NAMES } from "../src/cli/command_table.ts";
import { main } from "../src/cli/main.ts";
import { dxt, fakeIO } from "./cli/fakes.ts";
import { freshDatabase, postgresTest } from "./support/services.ts";
import { withFolder } from "./support/run.ts";
import { ignoreIf } from "./support/ignore.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const README = await Deno.readTextFile(join(ROOT, "README.md"));

function block(language: string): string {
  const found = new RegExp("```" + language + "\\n(.*?)```", "s").exec(README);
  assert.ok(found !== null, `no ${language} in README.md`);
  return found[1]!;
}

/** Lines without their times, spaces between columns as one. */
function timeless(text: string): string[] {
  return text.trimEnd().split("\n").map((line) =>
    line.trimEnd().replace(/\s+\d+(\.\d+)? (ms|s)$/, " TIME").replace(/ {2,}/g, " ")
  );
}

const server = postgresTest(18);

Deno.test({
  ...ignoreIf(server.missing, "the first pipeline prints what README.md shows"),
  fn: () =>
    withFolder(async (folder) => {
      await using database = await freshDatabase(server.url);
      await database.sql(`
        CREATE TABLE orders (order_id int PRIMARY KEY, updated_at timestamp);
        INSERT INTO orders SELECT i, timestamp '2026-03-01 05:59:58.120034' - i * interval '1 min'
          FROM generate_series(0, 1203) AS i;
        CREATE TABLE customers AS SELECT i AS id FROM generate_series(1, 310) AS i`);
      const path = join(folder, "shop.yaml");
      await Deno.writeTextFile(path, block("yaml"));
      const io = fakeIO({ env: { SHOP_URL: database.url } });
      assert.equal(await main(["run", path], io), 0, io.err);
      const [command, ...shown] = timeless(block("console"));
      assert.equal(command, "$ dxt run shop.yaml");
      assert.deepEqual(timeless(io.out), shown);
    }),
});

Deno.test("every command that README.md names is there, and every other one is named", async () => {
  const named = [...README.matchAll(/^\| `dxt (\w+)[ `]/gm)].map((match) => match[1]!);
  const { out } = await dxt("--help");
  const known = [...out.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map((match) => match[1]!);
  assert.deepEqual(named.sort(), known.sort());
});

Deno.test("every option of dxt that README.md names is there", async () => {
  const named = [...README.matchAll(/`(?:dxt \w+ )?(--[a-z-]+)/g)].map((match) => match[1]!);
  assert.ok(named.length >= 5, named.join());
  const helps = await Promise.all(
    NAMES.map((command) => dxt(`${command} --help`)),
  );
  const known = helps.map(({ out }) => out).join();
  for (const option of named.filter((name) => name !== "--help")) {
    assert.match(known, new RegExp(` ${option} `), option);
  }
});

Deno.test("every file that README.md links is there", async () => {
  for (const [, link] of README.matchAll(/\]\((?!http)([^)]+)\)/g)) {
    await Deno.stat(join(ROOT, link!));
  }
});

Deno.test("README.md names every provider and task that users need", async () => {
  const { REGISTRY } = await import("../src/providers/registry.ts");
  for (const name of Object.keys(REGISTRY)) {
    assert.match(README, new RegExp(`^\\| \`${name}\` `, "m"));
  }
  const { tasks } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  for (const name of ["start", "test", "ok", "services", "bench", "compile", "dxt"]) {
    assert.ok(name in tasks);
    assert.match(README, new RegExp(`task ${name}\\b`));
  }
});
