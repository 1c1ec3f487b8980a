/** The statements that a run sends to its source and its target, as its log has them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { RunEvent } from "../../src/runner/mod.ts";
import { onServers } from "../providers/relational/mysql/support.ts";
import { ignoreIf } from "../support/ignore.ts";
import { runWell, withFolder } from "../support/run.ts";
import { freshDatabase, postgresTest } from "../support/services.ts";

const SECRET = "s3cret value";
const LATER = "2024-05-06";
const ROWS = `INSERT INTO things VALUES (1, '${SECRET}', '2023-04-05'), (2, 'x', '${LATER}')`;
const TABLE = "CREATE TABLE things (id int PRIMARY KEY, name varchar(20), changed date)";

type Statement = RunEvent & { type: "statement" };

/** Moves the things twice, the second time from the watermark of the first. */
async function statementsOf(
  folder: string,
  source: unknown,
  target: unknown,
  statements = true,
): Promise<Statement[]> {
  const found: Statement[] = [];
  const onEvent = (event: RunEvent) => {
    if (event.type === "statement") found.push(event);
  };
  const stream = {
    ...{ id: "things", source: "things" },
    extract: { mode: "incremental", watermark_field: "changed" },
    load: { mode: "upsert", upsert_keys: ["id"] },
  };
  const pipeline = { version: 1, name: "p", source, target, streams: [stream] };
  await runWell(folder, pipeline, { statements, onEvent });
  await runWell(folder, pipeline, { statements, onEvent });
  return found;
}

function check(statements: readonly Statement[], side: "source" | "target"): void {
  const texts = statements.filter((one) => one.side === side).map(({ statement }) => statement);
  const all = texts.join("\n");
  assert.match(all, side === "source" ? /SELECT[^]*things/ : /CREATE TABLE[^]*things/, all);
  assert.doesNotMatch(all, new RegExp(`${SECRET}|${LATER}`), all);
}

function fillFile(folder: string): { provider: string; path: string } {
  using database = new DatabaseSync(join(folder, "source.db"));
  database.exec(`${TABLE}; ${ROWS}`);
  return { provider: "sqlite", path: "source.db" };
}

Deno.test("statements to SQLite are reported if they are wanted, without values", () =>
  withFolder(async (folder) => {
    const source = fillFile(folder);
    const statements = await statementsOf(folder, source, { provider: "sqlite", path: "a.db" });
    for (const side of ["source", "target"] as const) check(statements, side);
    const quiet = { provider: "sqlite", path: "b.db" };
    assert.deepEqual(await statementsOf(folder, source, quiet, false), []);
  }));

const { url, missing } = postgresTest(18);

Deno.test({
  ...ignoreIf(missing, "statements to PostgreSQL are reported without values"),
  fn: () =>
    withFolder(async (folder) => {
      await using database = await freshDatabase(url);
      check(await statementsOf(folder, fillFile(folder), database.url), "target");
      const copy = { provider: "sqlite", path: "copy.db" };
      check(await statementsOf(folder, database.url, copy), "source");
    }),
});

onServers(
  "statements to MySQL are reported without values",
  (database) =>
    withFolder(async (folder) => {
      check(await statementsOf(folder, fillFile(folder), database.url), "target");
      const copy = { provider: "sqlite", path: "copy.db" };
      check(await statementsOf(folder, database.url, copy), "source");
    }),
);
