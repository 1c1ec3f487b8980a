/** UUIDs from one system to another: the same text everywhere, 16 bytes in Parquet files. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { readFooter } from "../../src/formats/parquet/reader/footer.ts";
import { PhysicalType, SchemaElement } from "../../src/formats/parquet/thrift/metadata.ts";
import parquet from "../../src/formats/parquet/parquet.ts";
import { field, inputOf, readAll } from "../formats/json/support.ts";
import { freshDatabase as freshMySQL } from "../providers/relational/mysql/support.ts";
import { runWell, withFolder } from "../support/run.ts";
import { freshDatabase, mysqlTest, postgresTest, type TestDatabase } from "../support/services.ts";
import { ignoreIf } from "../support/ignore.ts";

const IDS = [
  "00000000-0000-0000-0000-000000000001",
  "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
  "ffffffff-ffff-ffff-ffff-ffffffffffff",
  null,
];
/** Numbers of unbounded precision beside the ids, each with its own scale. */
const NUMBERS = ["0", "1.50", "2", "3"];
const postgres = postgresTest(15);
const mariadb = mysqlTest("mariadb");

const pipeline = (source: string, target: unknown, stream: Record<string, unknown> = {}) => ({
  version: 1,
  name: "ids",
  source,
  target,
  streams: [{ id: "ids", source: "ids", target: "ids", load: { mode: "replace" }, ...stream }],
});

async function fill(database: TestDatabase): Promise<void> {
  const rows = IDS.map((id, n) => `(${id === null ? "NULL" : `'${id}'`}, ${NUMBERS[n]})`);
  await database.sql(`CREATE DOMAIN public.token AS uuid; CREATE TABLE ids (id token, n numeric);
    INSERT INTO ids VALUES ${rows.join(", ")}`);
}

/** The physical types of the columns of a file. */
async function physicalTypes(path: string): Promise<Record<string, number | undefined>> {
  const { columns } = await readFooter(inputOf(await Deno.readFile(path)));
  return Object.fromEntries(
    columns.map(({ name, declared }) => [name, declared[0]!.number(SchemaElement.type)]),
  );
}

function onPostgres(name: string, test: (source: TestDatabase, folder: string) => Promise<void>) {
  Deno.test({
    ...ignoreIf(postgres.missing, name),
    async fn() {
      await using source = await freshDatabase(postgres.url);
      await fill(source);
      await withFolder((folder) => test(source, folder));
    },
  });
}

onPostgres("UUIDs of PostgreSQL are the same text in each other system", async (source, folder) => {
  const texts = IDS.map((id) => [id]);
  await using target = await freshDatabase(postgres.url);
  await target.sql("CREATE TABLE ids (id uuid, n numeric)");
  await runWell(folder, pipeline(source.url, target.url));
  const rows = await target.sql("SELECT id FROM ids ORDER BY n");
  assert.deepEqual(rows.map(({ id }) => [id]), texts);

  await runWell(folder, pipeline(source.url, "sqlite:ids.db"));
  using sqlite = new DatabaseSync(join(folder, "ids.db"));
  const stored = sqlite.prepare("SELECT id FROM ids ORDER BY n").all();
  assert.deepEqual(stored.map(({ id }) => [id]), texts);

  const records = IDS.map((id, n) => `${id ?? ""},${NUMBERS[n]}`);
  const stream = { target: "ids.csv", load: { mode: "append" } };
  for (const expected of [records, [...records, ...records]]) {
    await runWell(folder, pipeline(source.url, { provider: "local", path: "." }, stream));
    const lines = (await Deno.readTextFile(join(folder, "ids.csv"))).trim().split("\n");
    assert.deepEqual(lines.slice(1), expected);
  }
});

onPostgres("UUIDs are 16 bytes in a Parquet file, and come back", async (source, folder) => {
  const files = { provider: "local", path: "." };
  for (
    const target of ["ids.parquet", { type: "file", path: "small.parquet", compression: "none" }]
  ) {
    await runWell(folder, pipeline(source.url, files, { target }));
    const path = typeof target === "string" ? target : target.path;
    const types = await physicalTypes(join(folder, path));
    assert.equal(types["id"], PhysicalType.FIXED);
    const back = { source: path, target: "back" };
    await runWell(folder, { ...pipeline("", source.url, back), source: files });
    const rows = await source.sql("SELECT id::text, n FROM back ORDER BY n");
    assert.deepEqual(rows.map(({ id }) => id), IDS);
  }
});

onPostgres("a declared string is a column of text", async (source, folder) => {
  const target = { provider: "local", path: "." };
  const fields = [{ id: "id", dtype: "string" }];
  await runWell(folder, pipeline(source.url, target, { target: "ids.parquet", fields }));
  const types = await physicalTypes(join(folder, "ids.parquet"));
  assert.equal(types["id"], PhysicalType.BYTE_ARRAY);
});

const SHOUT = `import { type TransformClass, z } from "dxt";
export const Shout: TransformClass = {
  description: "Ids in upper case",
  options: z.strictObject({}),
  create: (_options, { recordsOf, batchOf }) => ({
    fields: (before) => fields = [...before],
    apply: (batch) =>
      batchOf(fields, [...recordsOf(batch)].map((row) => ({ ...row, id: row.id?.toUpperCase() ?? null }))),
  }),
};
let fields = [];`;

onPostgres("a transform may change ids, which become a column of text", async (source, folder) => {
  await Deno.writeTextFile(join(folder, "shout.ts"), SHOUT);
  const files = { provider: "local", path: "." };
  const stream = { target: "ids.parquet", transforms: ["./shout.ts#Shout"] };
  await runWell(folder, pipeline(source.url, files, stream));
  const types = await physicalTypes(join(folder, "ids.parquet"));
  assert.equal(types["id"], PhysicalType.BYTE_ARRAY);
  const bytes = await Deno.readFile(join(folder, "ids.parquet"));
  const records = await readAll(parquet, inputOf(bytes), [field("id", "string")]);
  assert.deepEqual(records.map(({ id }) => id), IDS.map((id) => id?.toUpperCase() ?? null));
});

onPostgres(
  "records added to a file of text stay text, to one of UUIDs are UUIDs",
  async (source, folder) => {
    const target = { provider: "local", path: "." };
    for (
      const [path, dtype, type] of [
        ["text.parquet", "string", PhysicalType.BYTE_ARRAY],
        ["ids.parquet", undefined, PhysicalType.FIXED],
      ] as const
    ) {
      const fields = [{ id: "id", ...(dtype && { dtype }) }];
      for (const declared of [fields, [{ id: "id" }], [{ id: "id", dtype: "string" }]]) {
        const stream = { target: path, load: { mode: "append" }, fields: declared };
        await runWell(folder, pipeline(source.url, target, stream));
        const types = await physicalTypes(join(folder, path));
        assert.equal(types["id"], type, path);
      }
    }
  },
);

onPostgres("files of UUIDs and of text are read together as text", async (source, folder) => {
  const files = { provider: "local", path: "." };
  const upper = "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11";
  await runWell(folder, pipeline(source.url, files, { target: "in/1.parquet" }));
  await source.sql(
    `ALTER TABLE ids ALTER id TYPE text; UPDATE ids SET id = '${upper}' WHERE n = 3`,
  );
  await runWell(folder, pipeline(source.url, files, { target: "in/2.parquet" }));
  const both = { source: "in/*.parquet", target: "ids_of_both" };
  await runWell(folder, { ...pipeline("", source.url, both), source: files });
  const rows = await source.sql("SELECT id FROM ids_of_both WHERE n = 3 ORDER BY id");
  assert.deepEqual(rows.map(({ id }) => id), [upper, null]);
});

Deno.test({
  ...ignoreIf(
    postgres.missing ?? mariadb.missing,
    "UUIDs of PostgreSQL and MariaDB are the same text",
  ),
  async fn() {
    await using source = await freshDatabase(postgres.url);
    await fill(source);
    await using target = await freshMySQL(mariadb.url);
    await withFolder(async (folder) => {
      await runWell(folder, pipeline(source.url, target.url));
      const rows = await target.sql("SELECT id FROM ids ORDER BY n");
      assert.deepEqual(rows.map(([id]) => id), IDS);
      const [[version]] = await target.sql("SELECT VERSION()") as [[string]];
      const [major, minor] = version.split(".").map(Number) as [number, number];
      if (major < 10 || (major === 10 && minor < 7)) return;
      await target.sql("CREATE TABLE own (id uuid, n int)");
      await target.sql("INSERT INTO own SELECT id, n FROM ids");
      const files = { provider: "local", path: "." };
      await runWell(folder, pipeline(target.url, files, { source: "own", target: "own.parquet" }));
      const types = await physicalTypes(join(folder, "own.parquet"));
      assert.equal(types["id"], PhysicalType.FIXED);
    });
  },
});
