/** Arrays of PostgreSQL in Parquet files: lists there, the same arrays when they come back. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readFooter } from "../../src/formats/parquet/reader/footer.ts";
import { inputOf } from "../formats/json/support.ts";
import { run, runWell, withFolder } from "../support/run.ts";
import { freshDatabase, postgresTest, type TestDatabase } from "../support/services.ts";
import { ignoreIf } from "../support/ignore.ts";

const postgres = postgresTest(15);
const FILES = { provider: "local", path: "." };
const COLUMNS = {
  numbers: "integer[]",
  big: "bigint[]",
  amounts: "numeric(10,2)[]",
  free: "numeric[]",
  words: "character varying(20)[]",
  ids: "uuid[]",
  reals: "real[]",
  days: "date[]",
  moments: "timestamp with time zone[]",
};
const ROWS = [
  `'{1,NULL,3}', '{9223372036854775807}', '{1.50,-0.01}', '{1.50,2}', '{"a,b",NULL,""}',
   '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,NULL}', '{0.1,NaN}', '{2024-02-29}', '{"2024-02-29 12:00+00"}'`,
  `'{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'`,
  `NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL`,
];

const pipeline = (
  source: unknown,
  target: unknown,
  names: readonly [source: string, target: unknown],
  stream: Record<string, unknown> = {},
) => ({
  version: 1,
  name: "lists",
  source,
  target,
  streams: [{
    id: "lists",
    source: names[0],
    target: names[1],
    load: { mode: "replace" },
    ...stream,
  }],
});

/** The columns of a file that are lists. */
async function listsOf(path: string): Promise<string[]> {
  const { columns } = await readFooter(inputOf(await Deno.readFile(path)));
  return columns.filter(({ declared }) => declared.length === 3).map(({ name }) => name);
}

function onPostgres(name: string, test: (source: TestDatabase, folder: string) => Promise<void>) {
  Deno.test({
    ...ignoreIf(postgres.missing, name),
    async fn() {
      await using source = await freshDatabase(postgres.url);
      const columns = Object.entries(COLUMNS).map(([name, type]) => `${name} ${type}`);
      await source.sql(`CREATE TABLE lists (id int, ${columns.join(", ")});
        INSERT INTO lists VALUES ${ROWS.map((row, n) => `(${n}, ${row})`).join(", ")}`);
      await withFolder((folder) => test(source, folder));
    },
  });
}

const namesIn = (root: string, folder: string) =>
  Array.from(Deno.readDirSync(join(root, folder)), ({ name }) => join(folder, name));

const textOf = async (source: TestDatabase, table: string) =>
  (await source.sql(`SELECT t::text AS row FROM ${table} t ORDER BY id`)).map(({ row }) => row);

onPostgres("arrays are lists in a Parquet file, and come back", async (source, folder) => {
  const lists = Object.keys(COLUMNS).filter((name) => name !== "free");
  for (
    const [target, file] of [
      ["lists.parquet", "lists.parquet"],
      [{ type: "directory", path: "lists", format: "parquet" }, "lists/*.parquet"],
    ] as const
  ) {
    await runWell(folder, pipeline(source.url, FILES, ["lists", target]));
    const files = typeof target === "string" ? [target] : namesIn(folder, "lists");
    assert.deepEqual(files.length, 1);
    for (const path of files) assert.deepEqual(await listsOf(join(folder, path)), lists);
    await runWell(folder, pipeline(FILES, source.url, [file, "back"]));
    assert.deepEqual(await textOf(source, "back"), await textOf(source, "lists"));
    const types = await source.sql(
      `SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute
       WHERE attrelid = 'back'::regclass AND attnum > 1 ORDER BY attnum`,
    );
    assert.deepEqual(types.map(({ attname, type }) => [attname, type]), Object.entries(COLUMNS));
    await source.sql("DROP TABLE back");
  }
});

onPostgres(
  "elements that have several spellings in JSON are not compared",
  async (source, folder) => {
    await source.sql(
      "UPDATE lists SET reals = '{1e30,-0}', moments = '{2024-02-29 12:00:00.5+00}'",
    );
    const { streams: [stream] } = await runWell(
      folder,
      pipeline(source.url, FILES, ["lists", "lists.parquet"]),
    );
    const { level, omitted } = stream!.proof!.verified!;
    assert.equal(level, "full");
    assert.deepEqual(omitted.map(({ field }) => field), ["reals", "moments"]);
  },
);

onPostgres(
  "an array of arrays is no list: an error that says the way out",
  async (source, folder) => {
    await source.sql("INSERT INTO lists (id, numbers) VALUES (3, '{{1,2},{3,4}}')");
    await runWell(folder, pipeline(source.url, source.url, ["lists", "copy"]));
    assert.deepEqual(await textOf(source, "copy"), await textOf(source, "lists"));

    const plain = pipeline(source.url, FILES, ["lists", "lists.parquet"]);
    const { streams: [failed] } = await run(folder, plain);
    assert.match(
      failed!.error!.message,
      /field "numbers", row 4: expected a list of int32 \(declare the field as array to keep JSON\)/,
    );
    const fields = [{ id: "numbers", dtype: "array" }];
    await runWell(
      folder,
      pipeline(source.url, FILES, ["lists", "lists.parquet"], { fields }),
    );
    const lists = await listsOf(join(folder, "lists.parquet"));
    assert.equal(lists.includes("numbers"), false);
    assert.equal(lists.includes("big"), true);
    await runWell(folder, pipeline(FILES, source.url, ["lists.parquet", "back"]));
    const rows = await source.sql("SELECT numbers::text FROM back ORDER BY id");
    assert.deepEqual(rows.map(({ numbers }) => numbers), [
      "{1,NULL,3}",
      "{}",
      null,
      "{{1,2},{3,4}}",
    ]);
  },
);

onPostgres("arrays added to a file are stored as its column is", async (source, folder) => {
  for (const [path, dtype] of [["json.parquet", "array"], ["lists.parquet", undefined]] as const) {
    for (const declared of [dtype, undefined, "array"]) {
      const fields = [{ id: "numbers", ...(declared && { dtype: declared }) }];
      const stream = { fields, load: { mode: "append" } };
      await runWell(folder, pipeline(source.url, FILES, ["lists", path], stream));
      const lists = await listsOf(join(folder, path));
      assert.equal(lists.includes("numbers"), dtype === undefined, path);
    }
    await runWell(folder, pipeline(FILES, source.url, [path, "back"]));
    const rows = await source.sql("SELECT numbers::text, count(*)::int FROM back GROUP BY 1");
    assert.deepEqual(rows.map(({ count }) => count), [3, 3, 3]);
    await source.sql("DROP TABLE back");
  }
});

onPostgres("files of lists and of JSON are read together as arrays", async (source, folder) => {
  const fields = [{ id: "numbers", dtype: "array" }];
  await runWell(folder, pipeline(source.url, FILES, ["lists", "in/1.parquet"]));
  await runWell(folder, pipeline(source.url, FILES, ["lists", "in/2.parquet"], { fields }));
  await runWell(folder, pipeline(FILES, FILES, ["in/*.parquet", "out.parquet"]));
  const lists = await listsOf(join(folder, "out.parquet"));
  assert.equal(lists.includes("numbers"), false);
  assert.equal(lists.includes("big"), true);
});
