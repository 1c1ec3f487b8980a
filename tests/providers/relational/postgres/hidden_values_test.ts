/** Records and keys that the server quotes are hidden, until somebody asks for them. */
import assert from "node:assert/strict";
import postgres from "../../../../src/providers/relational/postgres/mod.ts";
import { PostgresError } from "../../../../src/providers/relational/postgres/wire/server_error.ts";
import type { DXTRecord } from "../../../../src/core/values/values.ts";
import type { Field } from "../../../../src/models/field.ts";
import { connectContext } from "../../../support/connect_context.ts";
import { stagedOf } from "../../../support/staged.ts";
import { load, onServers } from "./support.ts";

const FIELDS: readonly Field[] = [
  { name: "id", dtype: "int32", nullable: true },
  { name: "name", dtype: "string", nullable: true },
];
const SECRET = "s3cret (x) = (y)";

/** A table, and what is left of the error. */
const TABLES: readonly [table: string, records: readonly DXTRecord[], words: RegExp][] = [
  [
    "(id int, name text PRIMARY KEY)",
    [{ id: 1, name: SECRET }, { id: 2, name: SECRET }],
    /duplicate key.*"hidden_pkey", Key \(name\)=\(… hidden, see --show-values\) already exists, at COPY hidden, line 2 \(SQLSTATE 23505\)/,
  ],
  [
    "(id int NOT NULL, name text)",
    [{ id: null, name: SECRET }],
    /null value in column "id".*Failing row contains \(… hidden.*23502/,
  ],
  [
    "(id int CHECK (id < 5), name text)",
    [{ id: 9, name: SECRET }],
    /"hidden_id_check".*contains \(… hidden.*23514/,
  ],
  [
    "(id int, name text REFERENCES known)",
    [{ id: 1, name: SECRET }],
    /foreign key.*Key \(name\)=\(… hidden.*23503/,
  ],
  [
    "(id int, name text, EXCLUDE USING btree (name WITH =))",
    [{ id: 1, name: SECRET }, { id: 2, name: SECRET }],
    /exclusion constraint.*Key \(name\)=\(… hidden.*23P01/,
  ],
  [
    "(id int, name text) PARTITION BY LIST (name)",
    [{ id: 1, name: SECRET }],
    /no partition of relation "hidden".*contains \(… hidden.*23514/,
  ],
];

onServers("records and keys of an error are hidden, and shown when asked for", async (database) => {
  await database.sql("CREATE TABLE known (name text PRIMARY KEY)");
  const config = postgres.config.parse({
    sslmode: "disable",
    ...postgres.urls!.parse(database.url, "/") as object,
  });
  for (const showValues of [false, true]) {
    await using connector = await postgres.connect(config, { ...connectContext("/"), showValues });
    for (const [table, records, words] of TABLES) {
      await database.sql(`DROP TABLE IF EXISTS hidden; CREATE TABLE hidden ${table}`);
      await assert.rejects(
        load(connector, "hidden", stagedOf(FIELDS, records)),
        ({ message }: Error) => {
          assert.equal(message.includes("s3cret"), showValues, message);
          if (!showValues) assert.match(message, words);
          return true;
        },
      );
      // The other way that statements go.
      const values = records.map(({ id, name }) => `(${id ?? "NULL"}, '${name}')`).join();
      await assert.rejects(
        connector.query(`INSERT INTO hidden VALUES ${values}`),
        ({ message }: Error) => message.includes("s3cret") === showValues,
      );
    }
    // One value that a type cannot hold is named with its column in any case.
    await database.sql("DROP TABLE hidden; CREATE TABLE hidden (id int, name inet)");
    await assert.rejects(
      load(connector, "hidden", stagedOf(FIELDS, [{ id: 1, name: "nowhere" }])),
      /"nowhere".*line 1, column name: "nowhere"/,
    );
  }
});

Deno.test("details are hidden in any language, and whole lines", () => {
  const report = { severity: "ERROR", code: "23505", message: "m" };
  const cases: readonly [detail: string, hidden: string][] = [
    ["Schlüssel »(id)=(s3cret)« existiert bereits.", "Schlüssel »(id)=(…"],
    ["Fehlgeschlagene Zeile enthält (1, s3cret (a), null).", "Zeile enthält (…"],
    ["Key (lower(name), id)=(s3cret, 5) already exists.", "Key (lower(name), id)=(…"],
    ["Key (a)=(s3cret) conflicts with existing key (a)=(s3cret).", "Key (a)=(…"],
    ["Key (a)=(s3\ncret) already exists.", "Key (a)=(…"],
  ];
  for (const [detail, hidden] of cases) {
    const { message } = new PostgresError({ ...report, detail });
    assert.ok(message.includes(hidden), message);
    assert.doesNotMatch(message, /s3|cret/);
    assert.match(new PostgresError({ ...report, detail }, true).message, /s3\n?cret/);
  }
  const where = 'COPY t, line 3: "1\ts3cret"';
  assert.doesNotMatch(new PostgresError({ ...report, code: "22P04", where }).message, /s3cret/);
  const column = 'COPY t, line 3, column a: "x"';
  assert.match(
    new PostgresError({ ...report, code: "22P02", where: column }).message,
    /column a: "x"/,
  );
});
