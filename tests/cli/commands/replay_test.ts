/** `dxt record` and `dxt replay`, as whole processes. */
import assert from "node:assert/strict";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import type { RecordResult, ReplayResult } from "../../../src/runner/mod.ts";
import { withFolder } from "../../support/run.ts";
import { type Ended, program } from "../program.ts";

const PEOPLE = ["Ann Smith", "Bob Jones", "Cäcilie Ößling", "Dan O'Neil"];

const PIPELINE = {
  version: 1,
  name: "shop",
  source: { provider: "sqlite", path: "${SHOP_DB}" },
  target: "${WAREHOUSE_URL:?the database to load}",
  streams: [
    {
      id: "customers",
      source: { type: "relation", name: "customers", where: "country = '${COUNTRY}'" },
      target: "warehouse.customers",
      fields: [
        { id: "id", target: "customer_id" },
        { id: "name", target: { name: "full_name", dtype: "varchar(80)" } },
        { id: "country", plain: true },
        { id: "initial", source: { expression: "substr(name, 1, 1)" }, dtype: "string" },
        { id: "loaded_at", generator: "current_timestamp" },
      ],
      load: { mode: "upsert", upsert_keys: ["id"] },
    },
    {
      id: "orders",
      source: "orders",
      target: "warehouse.orders",
      transforms: ["./upper.ts#Upper"],
      extract: { mode: "incremental", watermark_field: "updated_at" },
      expect: { min_rows: 300, max_age: "P1D" },
      load: { mode: "append" },
    },
    { id: "log", source: "orders", target: "log", load: { mode: "append" } },
  ],
};

const UPPER = `import { type TransformClass, z } from "dxt";
let fields = [];
export const Upper: TransformClass = {
  description: "Notes in upper case",
  options: z.strictObject({}),
  create: (_options, { recordsOf, batchOf }) => ({
    fields: (before) => fields = [...before],
    apply: (batch) =>
      batchOf(fields, [...recordsOf(batch)].map((row) => ({ ...row, note: row.note.toUpperCase() }))),
  }),
};`;

interface Project {
  readonly folder: string;
  dxt(command: string, env?: Readonly<Record<string, string>>): Promise<Ended>;
  write(pipeline: object): Promise<void>;
}

async function withProject(work: (project: Project) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    using database = new DatabaseSync(join(folder, "shop.db"));
    database.exec(`
      CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, country TEXT, born DATE, note TEXT);
      CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, note TEXT, updated_at TEXT)`);
    const add = database.prepare("INSERT INTO customers VALUES (?, ?, 'de', '1980-02-03', NULL)");
    PEOPLE.forEach((name, i) => add.run(1000 + i, name));
    const order = database.prepare("INSERT INTO orders VALUES (?, ?, ?, ?)");
    for (let i = 0; i < 300; i++) {
      order.run(i + 1, 1000 + i % 4, `note ${i}`, `2026-01-01 ${i + 100}`);
    }
    const write = (pipeline: object) =>
      Deno.writeTextFile(join(folder, "shop.yaml"), JSON.stringify(pipeline));
    await write(PIPELINE);
    await Deno.writeTextFile(join(folder, "upper.ts"), UPPER);
    await work({
      folder,
      write,
      dxt: (command, env = {}) => program(folder, command.split(" "), env),
    });
  });
}

const SOURCE = {
  SHOP_DB: "shop.db",
  COUNTRY: "de",
  WAREHOUSE_URL: "postgres://u:hunter22@nowhere/w",
};

async function recordWell({ dxt }: Project, options = ""): Promise<RecordResult> {
  const { code, out, err } = await dxt(`record shop.yaml -q${options}`, SOURCE);
  assert.equal(code, 0, err);
  return JSON.parse(out);
}

Deno.test("a recorded pipeline replays without variables, and its second run changes nothing", () =>
  withProject(async (project) => {
    const recorded = await recordWell(project);
    assert.deepEqual(
      recorded.streams.map(({ stream, rows, complete, plain }) => [stream, rows, complete, plain]),
      [
        ["customers", 4, true, ["country"]],
        ["orders", 100, false, ["updated_at"]],
        ["log", 100, false, []],
      ],
    );
    const { code, out, err } = await project.dxt("replay shop.yaml --keep kept -q");
    assert.equal(code, 0, err + out);
    const { streams, repeated, target, fixture } = JSON.parse(out) as ReplayResult;
    assert.deepEqual([target, fixture.folder], ["sqlite", "fixtures/shop"]);
    assert.deepEqual(streams.map(({ stream, rows_loaded }) => [stream, rows_loaded]), [
      ["customers", 4],
      ["orders", 100],
      ["log", 100],
    ]);
    assert.deepEqual(repeated.map(({ stream, rows, repeat }) => [stream, rows, repeat]), [
      ["customers", 4, "same"],
      ["orders", 100, "same"],
      ["log", 100, "skipped"],
    ]);
    using target_db = new DatabaseSync(join(project.folder, "kept", "target.db"));
    const customers = target_db.prepare('SELECT * FROM "warehouse.customers"').all();
    assert.deepEqual(Object.keys(customers[0]!), [
      ...["customer_id", "full_name", "country", "born", "note", "initial", "loaded_at"],
    ]);
    const joined = target_db.prepare(
      'SELECT count(*) AS n FROM "warehouse.orders" JOIN "warehouse.customers" USING (customer_id)',
    ).get();
    assert.deepEqual({ ...joined }, { n: 100 });
    const [note] = target_db.prepare('SELECT note FROM "warehouse.orders"').all();
    assert.match(String(note!["note"]), /^[A-Z]{4} \d$/);
  }));

Deno.test("a fixture has no value of the source, of a variable or of a connection", () =>
  withProject(async (project) => {
    await recordWell(project);
    const folder = join(project.folder, "fixtures", "shop");
    const names = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
    assert.deepEqual(names, ["customers.parquet", "fixture.json", "log.parquet", "orders.parquet"]);
    const shown = await Promise.all(
      ["customers", "orders", "log"].map((name) =>
        project.dxt(`head fixtures/shop/${name}.parquet -n 1000 -o json`)
      ),
    );
    const index = Deno.readTextFileSync(join(folder, "fixture.json"));
    const all = index + shown.map(({ out }) => out).join();
    for (
      const value of [...PEOPLE, "Ann", "note 7", "1980-02-03", "hunter22", "nowhere", '"1002']
    ) {
      assert.ok(!all.includes(value), value);
    }
    assert.ok(index.includes("country = 'COUNTRY'"));
  }));

Deno.test("a key masks alike in each recording, and a plain field stays", () =>
  withProject(async (project) => {
    await Deno.writeTextFile(join(project.folder, "key"), "a key of 16 characters");
    const show = async (options: string) => {
      const { streams } = await recordWell(project, ` --select customers${options}`);
      const { out } = await project.dxt("head fixtures/shop/customers.parquet -o json");
      return { plain: streams[0]!.plain, rows: JSON.parse(out) as Record<string, string>[] };
    };
    const first = await show(" --mask-key key");
    assert.deepEqual(await show(" --mask-key key"), first);
    assert.notDeepEqual(await show(""), first);
    const plain = await show(" --plain name --plain customers.born");
    assert.deepEqual(plain.plain, ["name", "country", "born"]);
    assert.deepEqual(plain.rows.map(({ name }) => name), PEOPLE);
    const unknown = await project.dxt("record shop.yaml --plain nam", SOURCE);
    assert.deepEqual([unknown.code, unknown.out], [2, ""]);
    assert.match(
      unknown.err,
      /^error: Cannot keep field "nam" plain: no stream has it, did you mean "name"$/m,
    );
  }));

Deno.test("a fixture that does not fit names both sides of all that differs", () =>
  withProject(async (project) => {
    await recordWell(project);
    const [customers, orders, log] = PIPELINE.streams;
    await project.write({
      ...PIPELINE,
      streams: [
        {
          ...customers,
          fields: [
            { id: "id", dtype: "string" },
            { id: "phone" },
            { id: "initial", source: { expression: "substr(name, 1, 2)" }, dtype: "string" },
          ],
        },
        { ...orders, source: "public_orders" },
        { ...log, id: "logs" },
      ],
    });
    const { code, out, err } = await project.dxt("replay shop.yaml");
    assert.deepEqual([code, out], [2, ""]);
    assert.deepEqual(err.trimEnd().split("\n"), [
      'error: Cannot replay "shop.yaml" on "fixtures/shop": the fixture does not fit the pipeline any more, dxt record writes it anew',
      '  stream "customers": field "id" is string in the pipeline, int64 in the fixture',
      '  stream "customers": the pipeline reads column "phone", the fixture has "id", "name", "country", "born", "note"',
      '  stream "customers": field "initial" is the expression "substr(name, 1, 2)" in the pipeline, the fixture has the values of "substr(name, 1, 1)"',
      '  stream "orders": its rows come from "orders", the pipeline reads "public_orders"',
      '  stream "logs": the fixture does not have it, it has "customers", "orders", "log", did you mean "log"',
    ]);
    const selected = await project.dxt("replay shop.yaml --select nothing");
    assert.equal(selected.code, 2);
  }));

Deno.test("a fixture is whole or not there, and a changed file is refused", () =>
  withProject(async (project) => {
    const { folder, dxt } = project;
    const missing = await dxt("replay shop.yaml");
    assert.equal(missing.code, 2);
    assert.match(missing.err, /"fixtures\/shop" is no fixture, dxt record writes one$/m);
    const failed = await dxt("record shop.yaml", { ...SOURCE, SHOP_DB: "empty.db" });
    assert.notEqual(failed.code, 0);
    await assert.rejects(Deno.stat(join(folder, "fixtures", "shop")));
    await recordWell(project);
    await Deno.truncate(join(folder, "fixtures", "shop", "log.parquet"), 100);
    const changed = await dxt("replay shop.yaml");
    assert.equal(changed.code, 2);
    assert.match(changed.err, /log\.parquet" was changed after it was recorded, expected the file/);
    const other = await dxt("record shop.yaml --out .", SOURCE);
    assert.equal(other.code, 2);
    assert.match(other.err, /Cannot record into "\.": it has files and no fixture\.json/);
  }));

Deno.test("a replay has no network: a transform that wants it fails", () =>
  withProject(async (project) => {
    await recordWell(project);
    const fetching = UPPER.replace(
      "(batch) =>",
      "async (batch) => await fetch('http://127.0.0.1:8089') &&",
    );
    await Deno.writeTextFile(join(project.folder, "upper.ts"), fetching);
    const { code, err } = await project.dxt("replay shop.yaml --select orders");
    assert.equal(code, 1, err);
    assert.match(
      err,
      /dxt may not connect to "127\.0\.0\.1:8089"/,
    );
  }));

Deno.test("a failed expectation of the pipeline fails the replay with its exit code", () =>
  withProject(async (project) => {
    await recordWell(project);
    const [customers] = PIPELINE.streams;
    await project.write({ ...PIPELINE, streams: [{ ...customers, expect: { max_rows: 3 } }] });
    const { code, err } = await project.dxt("replay shop.yaml");
    assert.equal(code, 5, err);
  }));

Deno.test("the example in pipelines/ replays into a folder that is gone afterwards", async () => {
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  const { code, out, err } = await program(root, [
    "replay",
    "pipelines/files_to_postgres.yaml",
    "-q",
  ]);
  assert.equal(code, 0, err);
  const { streams, repeated } = JSON.parse(out) as ReplayResult;
  assert.ok(streams.every(({ rows_loaded, stage }) => rows_loaded === 20 && stage === undefined));
  assert.deepEqual(repeated.map(({ repeat }) => repeat), ["same", "same", "same"]);
});

Deno.test("a second run that changes the target ends with exit code 4", () =>
  withProject(async (project) => {
    const [, orders] = PIPELINE.streams;
    const { extract: _extract, expect: _expect, ...stream } = orders!;
    await project.write({ ...PIPELINE, streams: [{ ...stream, load: { mode: "replace" } }] });
    await recordWell(project);
    const random = UPPER.replace("row.note.toUpperCase()", "String(Math.random())");
    await Deno.writeTextFile(join(project.folder, "upper.ts"), random);
    const { code, out, err } = await project.dxt("replay shop.yaml");
    assert.equal(code, 4, err);
    assert.match(out, /^orders +100 +other rows +the second run changed rows$/m);
  }));

Deno.test("what a killed recording left is removed by the next one", () =>
  withProject(async (project) => {
    const left = join(project.folder, "fixtures", "shop", `recording-${crypto.randomUUID()}`);
    await Deno.mkdir(left, { recursive: true });
    await Deno.writeTextFile(join(dirname(left), `.${basename(left)}.lock`), "");
    await recordWell(project, " --select log");
    const names = Array.from(Deno.readDirSync(dirname(left)), ({ name }) => name).sort();
    assert.deepEqual(names, ["fixture.json", "log.parquet"]);
  }));

Deno.test("a variable that must be a number needs a default, which the message says", () =>
  withProject(async (project) => {
    const [, , log] = PIPELINE.streams;
    const rows = (text: string) => ({
      ...PIPELINE,
      streams: [{ ...log, extract: { batch_rows: text } }],
    });
    await project.write(rows("${N}"));
    const { code, err } = await project.dxt("record shop.yaml", { ...SOURCE, N: "5" });
    assert.equal(code, 2);
    assert.match(err, /^warning: A fixture is recorded and replayed without values of variables/m);
    assert.match(err, /"batch_rows" is "\$\{N\}", expected a number/);
    await project.write(rows("${N:-5}"));
    await recordWell(project);
    assert.equal((await project.dxt("replay shop.yaml -q")).code, 0);
  }));
