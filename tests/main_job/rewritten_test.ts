/** Parts of a table that others rewrite, truncate and fill again all the time: one moment, or an error. */
import assert from "node:assert/strict";
import { freshDatabase, postgresTest, type TestDatabase } from "../support/services.ts";
import { run, withFolder } from "../support/run.ts";
import { ignoreIf } from "../support/ignore.ts";

const server = postgresTest(18);
/** More are run by hand. */
const ROUNDS = Number(Deno.env.get("DXT_TEST_ROUNDS") ?? 1);

/** About 40 MiB: large enough for parts by pages. Rows of a generation are told from all others. */
const fill = (generation: number) =>
  `INSERT INTO busy SELECT i, ${generation}, repeat(md5(i::text), 50)
   FROM generate_series(1, ${sizeOf(generation)}) AS i`;
const sizeOf = (generation: number) => 25_000 + generation * 10;

/** Threads, and the field whose ranges are the parts; as many parts as threads, or two of pages. */
const READS: readonly [threads: number, field?: string][] = [[4, "id"], [8, "id"], [16, "id"], [4]];

class Meddler implements AsyncDisposable {
  generation = 0;
  #going = true;
  readonly #work: Promise<void>;

  constructor(private readonly database: TestDatabase) {
    this.#work = this.#meddle();
  }

  async #meddle(): Promise<void> {
    const statements = [
      () => "VACUUM FULL busy",
      () => "CLUSTER busy USING busy_pkey",
      (next: number) => `BEGIN; TRUNCATE busy; ${fill(next)}; COMMIT`,
      (next: number) => `ALTER TABLE busy ALTER id TYPE ${next % 2 === 0 ? "int" : "bigint"}`,
      (next: number) => `BEGIN; DELETE FROM busy; ${fill(next)}; COMMIT`,
    ];
    for (let turn = 0; this.#going; turn++) {
      const statement = statements[turn % statements.length]!(this.generation + 1);
      await this.database.sql(statement);
      if (statement.includes("INSERT")) this.generation++;
      await new Promise((resolve) => setTimeout(resolve, 150 + Math.random() * 400));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#going = false;
    await this.#work;
  }
}

Deno.test({
  ...ignoreIf(
    server.missing,
    "a table that is rewritten while it is read in parts is of one moment, or an error",
  ),
  fn: (t) =>
    withFolder(async (folder) => {
      await using source = await freshDatabase(server.url);
      await using target = await freshDatabase(server.url);
      await source.sql(
        "CREATE TABLE busy (id int PRIMARY KEY, generation int NOT NULL, note text)",
      );
      await source.sql(fill(0));
      const statuses: Record<string, number> = {};
      await using meddler = new Meddler(source);
      for (let round = 0; round < ROUNDS; round++) {
        for (const [threads, field] of READS) {
          const before = meddler.generation;
          const { streams: [stream] } = await run(folder, {
            version: 1,
            name: "p",
            source: source.url,
            target: target.url,
            streams: [{
              id: "busy",
              source: "busy",
              ...(field === undefined ? {} : { extract: { partition: { field } } }),
              load: { mode: "replace" },
            }],
          }, { threads });
          const { status, error, warnings } = stream!;
          const parts = (stream!.proof?.source.evidence ?? "").split(",").length;
          const how = status === "succeeded" ? `in ${parts} parts` : status;
          statuses[how] = (statuses[how] ?? 0) + 1;
          if (status !== "succeeded") {
            assert.match(error!.message, /of one moment|for a part/, JSON.stringify(warnings));
            continue;
          }
          const [found] = await target.sql(`SELECT count(*)::int AS rows,
            count(DISTINCT id)::int AS ids, min(generation) AS low, max(generation) AS high FROM busy`);
          const { low } = found as { low: number };
          const rows = sizeOf(low);
          assert.deepEqual({ ...found }, { rows, ids: rows, low, high: low });
          assert.ok(low >= before && low <= meddler.generation, `generation ${low}`);
        }
      }
      if (ROUNDS > 1) await t.step(`${JSON.stringify(statuses)}`, () => {});
    }),
});
