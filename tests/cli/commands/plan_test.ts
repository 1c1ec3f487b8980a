/** dxt plan and run --dry-run, as a shell would call them. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { PlanResult } from "../../../src/models/plan.ts";
import { golden } from "../../support/golden.ts";
import { withFolder } from "../../support/run.ts";
import { freshDatabase, postgresTest } from "../../support/services.ts";
import { main } from "../../../src/cli/main.ts";
import { fakeIO } from "../fakes.ts";
import { program } from "../program.ts";
import { ignoreIf } from "../../support/ignore.ts";

const CHINOOK = fileURLToPath(new URL("../../data/chinook/chinook.sqlite", import.meta.url));
const server = postgresTest(18);

const PIPELINE = `version: 1
name: chinook
source: { provider: sqlite, path: "\${CHINOOK}" }
target: "\${TARGET}"
buffer: { retain_on_failure: false }
streams:
  - id: invoices
    source: Invoice
    target: store.invoices
    tags: [daily]
    extract: { mode: incremental, watermark_field: InvoiceId }
    load: { mode: upsert, upsert_keys: [InvoiceId] }
  - id: genres
    source: Genre
    target: public.genres
    load: { mode: replace }
  - id: lines
    source: InvoiceLine
    target: public.lines
    fields: [{ id: Quantity, dtype: int16 }]
  - { id: missing, source: Invoices }
`;

const TARGETS = `
  CREATE TABLE genres ("GenreId" bigint, "Name" varchar(20));
  INSERT INTO genres SELECT n, 'g' FROM generate_series(1, 7) AS n;
  CREATE TABLE lines ("InvoiceLineId" integer, "InvoiceId" bigint, "TrackId" bigint,
    "UnitPrice" numeric(10,2), "Quantity" integer);`;

function onPostgres(
  name: string,
  work: (dxt: (...args: string[]) => ReturnType<typeof program>) => Promise<void>,
): void {
  Deno.test({
    ...ignoreIf(server.missing, name),
    fn: () =>
      withFolder(async (folder) => {
        await using database = await freshDatabase(server.url);
        await database.sql(TARGETS);
        await Deno.writeTextFile(`${folder}/p.yaml`, PIPELINE);
        const env = { CHINOOK, TARGET: database.url };
        const before = await Array.fromAsync(Deno.readDir(folder));
        await work((...args) => program(folder, args, env));
        const [rows] = await database.sql(
          `SELECT (SELECT count(*) FROM genres)::int AS genres, (SELECT count(*) FROM lines)::int AS lines,
           to_regclass('store.invoices') AS made`,
        );
        assert.deepEqual({ ...rows }, { genres: 7, lines: 0, made: null });
        assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), before);
      }),
  });
}

onPostgres(
  "a plan for people is as reviewed, cuts nothing, and is the same as a dry run",
  async (dxt) => {
    const plan = await dxt("plan", "p.yaml");
    await golden("plan_text.txt", plan.out);
    assert.equal(plan.err, "chinook: 2 of 4 streams ready; nothing was changed\n");
    assert.equal(plan.code, 3);
    assert.deepEqual(await dxt("run", "p.yaml", "--dry-run"), plan);
  },
);

Deno.test("on a terminal the lines of a plan fit the width, and nothing is cut", () =>
  withFolder(async (folder) => {
    const path = `${folder}/p.yaml`;
    await Deno.writeTextFile(path, PIPELINE.replace("store.", ""));
    const env = { CHINOOK, TARGET: `sqlite:${folder}/t.db` };
    const io = fakeIO({ env, isTerminal: true, columns: 60 });
    assert.equal(
      await main(["plan", path, "--select", "invoices", "--color", "never"], io),
      0,
      io.err,
    );
    assert.ok(!io.out.includes("…"), io.out);
    assert.deepEqual(io.out.split("\n").filter((line) => line.length > 60), []);
  }));

onPostgres("a plan as JSON is as reviewed, and as its model says", async (dxt) => {
  const { code, out } = await dxt("plan", "p.yaml", "--output", "json");
  assert.equal(code, 3);
  const result = PlanResult.parse(JSON.parse(out));
  await golden("plan.json", `${JSON.stringify(result, null, 2)}\n`);
  const lines = (await dxt("plan", "p.yaml", "--output", "ndjson")).out.trim().split("\n");
  assert.deepEqual(lines.map((line) => JSON.parse(line)), result.streams);
});

onPostgres(
  "a lossy conversion ends a plan, and a run, with 2 and says how to accept it",
  async (dxt) => {
    for (const command of ["plan", "run"]) {
      const { code, out, err } = await dxt(command, "p.yaml", "--select", "lines");
      assert.equal(code, 2, err);
      const told = (out + err).replace(/\s+/g, " ");
      assert.match(told, /"?InvoiceLineId"?.*load: \{ lossy: accept \}/);
      assert.doesNotMatch(err, /^\s+at /m);
    }
  },
);

onPostgres("selection, a full refresh and variables are those of a run", async (dxt) => {
  const { code, out } = await dxt("plan", "p.yaml", "-s", "tag:daily", "--full-refresh", "-q");
  assert.equal(code, 0);
  const { streams } = PlanResult.parse(JSON.parse(out));
  assert.deepEqual(streams.map(({ stream, extract, load }) => [stream, extract.mode, load.mode]), [
    ["invoices", "full", "replace"],
  ]);
  const none = await dxt("plan", "p.yaml", "--select", "nothing");
  assert.equal(none.code, 2);
});

Deno.test("one stream of the command line is planned and tested without a file", () =>
  withFolder(async (folder) => {
    const stream = ["--from", CHINOOK, "--source", "Genre", "--to", "./g.parquet"];
    const dxt = async (...args: string[]) => {
      const { code, out, err } = await program(folder, [...args, ...stream]);
      assert.equal(code, 0, err);
      return out;
    };
    const plan = await dxt("plan");
    assert.match(plan, /table, about 25 rows: Genre\n/);
    assert.match(plan, /load +replace \(atomic replace\)/);
    assert.equal(await dxt("run", "--dry-run"), plan);
    assert.equal(await dxt("plan", "--limit", "3"), plan);
    assert.match(await dxt("test"), /ok +write +Genre: replace file "g.parquet"/);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
  }));
