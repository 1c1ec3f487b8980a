/** Columns that the server computes or numbers by itself: plan, test and load agree on them. */
import assert from "node:assert/strict";
import { LoaderError, SchemaError } from "../../../../src/core/errors.ts";
import type { Field } from "../../../../src/models/field.ts";
import type { LoadMode } from "../../../../src/models/stream.ts";
import postgres from "../../../../src/providers/relational/postgres/mod.ts";
import type { PostgresConnector } from "../../../../src/providers/relational/postgres/connector.ts";
import { PostgresCopyLoader } from "../../../../src/providers/relational/postgres/copy_loader.ts";
import { stagedOf } from "../../../support/staged.ts";
import { connectContext } from "../../../support/connect_context.ts";
import { connect, extract, load, never, onServers, stagedBatches } from "./support.ts";

const field = (name: string, dtype: Field["dtype"], more: Partial<Field> = {}): Field => ({
  name,
  dtype,
  nullable: true,
  ...more,
});
const upsertBy = (key: string) => ({ mode: "upsert", upsertKeys: [key] }) as const;

/** A connection that keeps what it warns of. */
async function warning(url: string): Promise<{ connector: PostgresConnector; warnings: string[] }> {
  const warnings: string[] = [];
  const config = postgres.config.parse({
    sslmode: "disable",
    ...postgres.urls!.parse(url, "/") as object,
  });
  return {
    connector: await postgres.connect(config, connectContext("/", never, warnings)),
    warnings,
  };
}

const plan = (
  connector: PostgresConnector,
  name: string,
  fields: readonly Field[],
  upsertKeys: readonly string[] = [],
  mode: LoadMode = upsertKeys.length === 0 ? "append" : "upsert",
) =>
  new PostgresCopyLoader(connector).plan({
    target: { type: "relation", name },
    staged: { kind: "records", fields },
    mode,
    upsertKeys,
    signal: never,
  });

onServers("what source and target both compute is left out, with a warning", async (database) => {
  const columns =
    "(id int PRIMARY KEY, name text, upper text GENERATED ALWAYS AS (upper(name)) STORED)";
  await database.sql(
    `CREATE TABLE here ${columns}; CREATE TABLE there ${columns}; INSERT INTO here VALUES (1, 'a'), (2, 'b')`,
  );
  const { connector, warnings } = await warning(database.url);
  await using _closed = connector;
  const { fields, batches } = await extract(connector, "here");
  assert.deepEqual(fields.map(({ generated }) => generated), [undefined, undefined, true]);
  const told = 'Field "upper" is not loaded into "public.there": its column is generated there';
  const { columns: planned, problems } = await plan(connector, "there", fields, ["id"]);
  assert.deepEqual(problems, []);
  assert.equal(planned[2]!.conversion.note, "not loaded, the table computes it");
  assert.ok(warnings.splice(0).every((warning) => warning.startsWith(told)));
  for (const mode of ["append", "replace", "upsert"] as const) {
    const receipt = await load(connector, "there", stagedBatches(fields, batches), {
      mode,
      upsertKeys: mode === "upsert" ? ["id"] : [],
    });
    assert.equal(receipt.rows, 2);
    assert.equal(warnings.length, 1, mode);
    assert.ok(warnings.splice(0)[0]!.startsWith(told));
    const there = await database.sql("SELECT * FROM there ORDER BY id");
    assert.deepEqual([...there], [...await database.sql("SELECT * FROM here ORDER BY id")], mode);
  }
  // A table that dxt makes has plain columns.
  await load(connector, "fresh", stagedBatches(fields, batches));
  assert.equal((await database.sql("SELECT FROM fresh WHERE upper IN ('A', 'B')")).length, 2);
  assert.deepEqual(warnings, []);
});

onServers(
  "other values than the table computes are refused, with the way out",
  async (database) => {
    await database.sql(
      "CREATE TABLE t (id int, name text GENERATED ALWAYS AS ('x') STORED, n int DEFAULT 7)",
    );
    await using connector = await connect(database.url);
    const fields = [field("id", "int32"), field("name", "string")];
    const words =
      /column "name" is generated, it cannot be written; leave the field out with "fields: \[{ id: name, exclude: true }\]"/;
    assert.match((await plan(connector, "t", fields)).problems.join(), words);
    await assert.rejects(load(connector, "t", stagedOf(fields, [])), (error) => {
      assert.ok(error instanceof SchemaError);
      assert.match(error.message, words);
      return true;
    });
    await load(connector, "t", stagedOf(fields.slice(0, 1), [{ id: 1 }]));
  },
);

onServers("a table of computed columns alone is refused by all", async (database) => {
  await database.sql("CREATE TABLE t (g int GENERATED ALWAYS AS (1) STORED)");
  await using connector = await connect(database.url);
  const fields = (await connector.getStreamFields({ type: "relation", name: "t" }))!;
  const words = /the table computes all/;
  for (const mode of ["append", "replace", "upsert"] as const) {
    const keys = mode === "upsert" ? ["g"] : [];
    assert.match((await plan(connector, "t", fields, keys, mode)).problems.join(), words);
    await assert.rejects(
      load(connector, "t", stagedOf(fields, [{ g: 1 }]), { mode, upsertKeys: keys }),
      words,
    );
    const { problems } = await connector.checkWrite({ type: "relation", name: "t" }, mode);
    assert.match(problems.join(), words);
  }
});

onServers("a key that the table computes is refused", async (database) => {
  await database.sql("CREATE TABLE t (id int, twice int GENERATED ALWAYS AS (id * 2) STORED)");
  await using connector = await connect(database.url);
  const fields = [field("id", "int32"), field("twice", "int32", { generated: true })];
  const words = /by "twice": the table computes that column/;
  assert.match((await plan(connector, "t", fields, ["twice"])).problems.join(), words);
  await assert.rejects(
    load(connector, "t", stagedOf(fields, [{ id: 1, twice: 2 }]), upsertBy("twice")),
    words,
  );
});

/** Tables with an identity GENERATED ALWAYS: with a unique natural key, and without an index. */
for (const index of ["UNIQUE", ""]) {
  onServers(
    `an upsert by a natural key keeps identities, and refuses others${index && ", by an index"}`,
    async (database) => {
      await database.sql(
        `CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, code text ${index}, v int)`,
      );
      await using connector = await connect(database.url);
      const fields = [field("id", "int32"), field("code", "string"), field("v", "int32")];
      assert.deepEqual((await plan(connector, "t", fields, ["code"])).problems, []);
      const first = [{ id: 7, code: "a", v: 1 }, { id: 8, code: "b", v: 2 }];
      const second = [{ id: 8, code: "b", v: 3 }, { id: 9, code: "c", v: 4 }];
      for (const records of [first, second]) {
        const receipt = await load(connector, "t", stagedOf(fields, records), upsertBy("code"));
        assert.equal(receipt.rows, 2);
      }
      const there = () => database.sql("SELECT id, code, v FROM t ORDER BY id");
      const kept = [first[0], ...second];
      assert.deepEqual((await there()).map((row) => ({ ...row })), kept);
      await assert.rejects(
        load(connector, "t", stagedOf(fields, [{ id: 1, code: "a", v: 9 }]), upsertBy("code")),
        (error) => {
          assert.ok(error instanceof LoaderError);
          assert.match(
            error.message,
            /"id" is an identity GENERATED ALWAYS, the row with key "a" has "7", staged is "1"; .*exclude: true/,
          );
          return true;
        },
      );
      assert.deepEqual((await there()).map((row) => ({ ...row })), kept);
      // Without the field the table numbers the new rows.
      const own = [{ code: "a", v: 5 }, { code: "d", v: 6 }];
      await load(connector, "t", stagedOf(fields.slice(1), own), upsertBy("code"));
      assert.equal((await database.sql("SELECT FROM t WHERE id = 7 AND v = 5")).length, 1);
      for (const mode of ["append", "replace"] as const) {
        await load(connector, "t", stagedOf(fields, [{ id: 50, code: mode, v: 0 }]), { mode });
        const rows = await database.sql(`SELECT FROM t WHERE id = 50 AND code = '${mode}'`);
        assert.equal(rows.length, 1);
      }
    },
  );
}
