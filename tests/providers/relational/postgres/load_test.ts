import assert from "node:assert/strict";
import { LoaderError, SchemaError, ValueError } from "../../../../src/core/errors.ts";
import type { Field } from "../../../../src/models/field.ts";
import type { DXTRecord } from "../../../../src/core/values/values.ts";
import { stagedOf } from "../../../support/staged.ts";
import { connect, extract, load, onServers } from "./support.ts";

const field = (name: string, dtype: Field["dtype"], more: Partial<Field> = {}): Field => ({
  name,
  dtype,
  nullable: true,
  ...more,
});
const FIELDS = [field("id", "int32", { nullable: false }), field("name", "string")];
const rows = (from: number, to: number, name: string) =>
  Array.from({ length: to - from }, (_, i) => ({ id: from + i, name: `${name} ${from + i}` }));

onServers(
  "a replacement keeps grants, indexes, views, comments and foreign keys",
  async (database) => {
    await database.sql(
      `CREATE TABLE kept (id int PRIMARY KEY, name text NOT NULL DEFAULT 'x', extra int DEFAULT 7);
     COMMENT ON TABLE kept IS 'ours'; GRANT SELECT ON kept TO PUBLIC;
     CREATE INDEX kept_name ON kept (name); CREATE VIEW looking AS SELECT * FROM kept;
     CREATE TABLE child (kept_id int REFERENCES kept DEFERRABLE INITIALLY DEFERRED);
     INSERT INTO kept VALUES (1, 'old'); INSERT INTO child VALUES (1)`,
    );
    const facts = `SELECT c.oid, c.relacl::text, obj_description(c.oid) AS comment,
    (SELECT json_agg(i.indexrelid::regclass::text ORDER BY 1) FROM pg_index i
     WHERE i.indrelid = c.oid) AS indexes
    FROM pg_class c WHERE relname = 'kept'`;
    const before = await database.sql(facts);
    await using connector = await connect(database.url);
    await load(connector, "kept", stagedOf(FIELDS, rows(1, 4, "new")), { mode: "replace" });
    assert.deepEqual(await database.sql(facts), before);
    assert.deepEqual([...await database.sql("SELECT * FROM looking WHERE id = 2")], [
      { id: 2, name: "new 2", extra: 7 },
    ]);
  },
);

onServers(
  "a reader with an older snapshot sees the old rows after a replacement",
  async (database) => {
    await using connector = await connect(database.url);
    await load(connector, "seen", stagedOf(FIELDS, rows(0, 10, "old")));
    await using reader = await connect(database.url);
    // The snapshot is taken here, and the table is not touched before it is replaced.
    await reader.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
    await reader.query("SELECT 1");
    await load(connector, "seen", stagedOf(FIELDS, rows(0, 20, "new")), { mode: "replace" });
    const [old] = await reader.query("SELECT count(*)::int AS n, min(name) AS name FROM seen");
    assert.deepEqual(old, { n: 10, name: "old 0" });
    await reader.query("COMMIT");
    assert.deepEqual(await reader.query("SELECT count(*)::int AS n FROM seen"), [{ n: 20 }]);
  },
);

onServers("readers do not wait for a replacement, writers do", async (database) => {
  await using connector = await connect(database.url);
  await load(connector, "busy", stagedOf(FIELDS, rows(0, 10, "old")));
  await using other = await connect(database.url);
  const staged = stagedOf(FIELDS, rows(0, 3000, "new"), {
    async beforeBatch(index) {
      if (index !== 1) return;
      assert.deepEqual(await other.query("SELECT count(*)::int AS n FROM busy"), [{ n: 10 }]);
      await other.query("SET lock_timeout = '100ms'");
      await assert.rejects(
        other.query("INSERT INTO busy VALUES (100000, 'between')"),
        /lock timeout/,
      );
    },
  });
  await load(connector, "busy", staged, { mode: "replace" });
  assert.deepEqual(await other.query("SELECT count(*)::int AS n FROM busy"), [{ n: 3000 }]);
});

onServers("a replacement that would change other tables is refused", async (database) => {
  await database.sql(
    `CREATE TABLE parent (id int PRIMARY KEY, name text);
     CREATE TABLE child (parent_id int CONSTRAINT of_parent REFERENCES parent ON DELETE CASCADE);
     INSERT INTO parent VALUES (1, 'old'); INSERT INTO child VALUES (1)`,
  );
  await using connector = await connect(database.url);
  await assert.rejects(
    load(connector, "parent", stagedOf(FIELDS, rows(1, 3, "new")), { mode: "replace" }),
    (error) =>
      error instanceof LoaderError &&
      /"child" by its foreign key "of_parent".*CASCADE/.test(error.message),
  );
  assert.equal((await database.sql("SELECT FROM child")).length, 1);
});

onServers(
  "a float32 is the same number as a double, and as text has its own digits",
  async (database) => {
    await using connector = await connect(database.url);
    const fields: Field[] = ["d", "t", "x"].map((name) => ({
      name,
      dtype: name === "x" ? "string" : "float32",
      nullable: true,
      ...(name === "t" ? { target_type: "text" } : {}),
    }));
    // The server gets a table with a column of xml as text, others as binary.
    for (const type of ["text", "xml"]) {
      await database.sql(
        `DROP TABLE IF EXISTS floats; CREATE TABLE floats (d double precision, t text, x ${type})`,
      );
      const record = { d: Math.fround(0.1), t: Math.fround(0.1), x: "<a/>" };
      await load(connector, "public.floats", stagedOf(fields, [record]));
      assert.deepEqual(
        [...await database.sql("SELECT d = 0.1::real::double precision AS same, t FROM floats")],
        [{ same: true, t: "0.1" }],
      );
    }
  },
);

/** What the server refuses: a table, records, and what its error must name. */
const SERVER_ERRORS: readonly [table: string, records: DXTRecord[], words: RegExp][] = [
  [
    "(id int PRIMARY KEY, name text)",
    [{ id: 1, name: "a" }, { id: 1, name: "b" }],
    /"public.refused": duplicate key.*"refused_pkey", Key \(id\)=\(… hidden, see --show-values\).*23505/,
  ],
  ["(id int, name text NOT NULL)", [{ id: 1, name: null }], /null value in column "name".*23502/],
  ["(id int CHECK (id < 5), name text)", [{ id: 9, name: "a" }], /"refused_id_check".*23514/],
  ["(id int REFERENCES known, name text)", [{ id: 1, name: "a" }], /foreign key.*"known".*23503/],
  [
    "(id int, name inet)",
    [{ id: 1, name: "10.0.0.1" }, { id: 2, name: "nowhere" }],
    /invalid input syntax for type inet.*line 2, column name.*22P02/,
  ],
  ["(id int, name mood)", [{ id: 1, name: "sad" }], /enum mood: "sad".*column name.*22P02/],
];

onServers("what the server refuses is told in its words, and nothing is left", async (database) => {
  await database.sql("CREATE TABLE known (id int PRIMARY KEY); CREATE TYPE mood AS ENUM ('happy')");
  await using connector = await connect(database.url);
  for (const [table, records, words] of SERVER_ERRORS) {
    await database.sql(`DROP TABLE IF EXISTS refused; CREATE TABLE refused ${table}`);
    await assert.rejects(
      load(connector, "public.refused", stagedOf(FIELDS, records)),
      (error) => {
        assert.ok(error instanceof LoaderError, String(error));
        assert.match(error.message, words);
        return true;
      },
    );
    assert.equal((await database.sql("SELECT FROM refused")).length, 0);
  }
});

onServers("a target that the login may not write is refused clearly", async (database) => {
  await database.sql("CREATE TABLE secret (id int, name text)");
  await using connector = await connect(database.url, { options: "-c role=pg_monitor" });
  for (const mode of ["append", "replace"] as const) {
    await assert.rejects(
      load(connector, "secret", stagedOf(FIELDS, rows(1, 2, "x")), { mode }),
      /Cannot load into "secret": permission denied for table secret.*42501/,
    );
  }
  await assert.rejects(
    load(connector, "own_schema.t", stagedOf(FIELDS, [])),
    /permission denied for database.*42501/,
  );
});

/** A column, a field, and what the refusal must say of them. */
const MISMATCHES: readonly [type: string, more: Field, words: RegExp][] = [
  [
    "numeric(10,2)",
    field("name", "int64"),
    /column "name" is numeric\(10,2\), field "name" is int64/,
  ],
  [
    "numeric(10,2)",
    field("name", "decimal", { precision: 10, scale: 3 }),
    /numeric\(10,2\).*decimal\(10,3\)/,
  ],
  ["integer", field("name", "int64"), /column "name" is integer, field "name" is int64/],
  ["smallint", field("name", "uint16"), /smallint.*uint16/],
  ["real", field("name", "float64"), /real.*float64/],
  ["numeric", field("name", "float64"), /numeric.*float64/],
  ["text", field("name", "int32"), /text.*int32/],
  ["integer", field("name", "string"), /integer.*string/],
  ["date", field("name", "timestamp"), /date.*timestamp/],
  ["timestamp", field("name", "timestamp_tz"), /timestamp without time zone.*timestamp_tz/],
  ["json", field("name", "string"), /json.*string/],
  ["integer[]", field("name", "json"), /integer\[\].*json/],
  ["interval(0)", field("name", "string"), /interval\(0\).*string/],
];

onServers(
  "a column that cannot take every value of its field is refused first",
  async (database) => {
    await using connector = await connect(database.url);
    for (const [type, wrong, words] of MISMATCHES) {
      await database.sql(`DROP TABLE IF EXISTS other; CREATE TABLE other (id int, name ${type})`);
      await assert.rejects(
        load(connector, "other", stagedOf([FIELDS[0]!, wrong], [])),
        (error) => {
          assert.ok(error instanceof SchemaError, String(error));
          assert.match(error.message, /^Cannot load into "public.other": /);
          assert.match(error.message, words);
          return true;
        },
      );
    }
    const refusals: readonly [ddl: string, words: RegExp][] = [
      ["CREATE TABLE other (id int)", /no column "name", its columns are "id"/],
      [
        "CREATE TABLE other (id int, name text, must int NOT NULL)",
        /"must" is NOT NULL and has no default/,
      ],
      [
        "CREATE TABLE other (id int, name text GENERATED ALWAYS AS ('x') STORED)",
        /"name" is generated/,
      ],
      ["CREATE VIEW other AS SELECT 1 AS id, 'x' AS name", /it is a view, expected a table/],
    ];
    await database.sql("DROP TABLE other");
    for (const [ddl, words] of refusals) {
      await database.sql(ddl);
      await assert.rejects(load(connector, "other", stagedOf(FIELDS, [])), words);
      await database.sql(ddl.includes("VIEW") ? "DROP VIEW other" : "DROP TABLE other");
    }
    await assert.rejects(
      load(connector, "x".repeat(64), stagedOf(FIELDS, [])),
      /name of 64 bytes.*at most 63/,
    );
  },
);

/** A column, a field, a value that the column would change, and what the refusal must say. */
const CHANGED: readonly [type: string, more: Field, value: DXTRecord[string], words: RegExp][] = [
  ["varchar(3)", field("name", "string"), "abc ", /at most 3 characters/],
  ["varchar(3)", field("name", "string"), "🦕🦕🦕🦕", /at most 3 characters/],
  ["name", field("name", "string"), "x".repeat(64), /at most 63 bytes/],
  ["text", field("name", "string"), "a\0b", /without U\+0000/],
  [
    "timestamp(3)",
    field("name", "timestamp"),
    new Temporal.PlainDateTime(2024, 1, 1, 0, 0, 0, 0, 1),
    /3 digits of the second/,
  ],
  [
    "time(0)",
    field("name", "time"),
    new Temporal.PlainTime(1, 2, 3, 500),
    /0 digits of the second/,
  ],
  ["uuid", field("name", "string"), "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", /expected a UUID/],
  ["date", field("name", "date"), new Temporal.PlainDate(-5000, 1, 1), /date from 4714-11-24 BC/],
  [
    "numeric(4,2)",
    field("name", "string", { target_type: "numeric(4,2)" }),
    "1.234",
    /decimal\(4,2\)/,
  ],
  [
    "numeric(4,2)",
    field("name", "float64", { target_type: "numeric(4,2)" }),
    0.1 + 0.2,
    /decimal\(4,2\)/,
  ],
  ["integer", field("name", "string", { target_type: "integer" }), "1.0", /expected int32/],
];

onServers(
  "a value that the column would change is refused with field and row",
  async (database) => {
    await using connector = await connect(database.url);
    for (const [type, wrong, value, words] of CHANGED) {
      await database.sql(
        `DROP TABLE IF EXISTS changing; CREATE TABLE changing (id int, name ${type})`,
      );
      const records = [{ id: 1, name: null }, { id: 2, name: value }];
      await assert.rejects(
        load(connector, "changing", stagedOf([FIELDS[0]!, wrong], records)),
        (error) => {
          assert.ok(error instanceof ValueError, String(error));
          assert.match(error.message, /field "name", row 2: /);
          assert.match(error.message, words);
          return true;
        },
      );
      assert.equal((await database.sql("SELECT FROM changing")).length, 0);
    }
  },
);

onServers("a column type that the pipeline asks for takes what fits it", async (database) => {
  await using connector = await connect(database.url);
  const fields = [
    field("a", "string", { target_type: "numeric(6,2)" }),
    field("b", "float64", { target_type: "numeric(6,2)" }),
    field("c", "string", { target_type: "timestamptz" }),
    field("d", "string", { target_type: "text[]" }),
    field("e", "json", { target_type: "jsonb" }),
    field("f", "int32", { target_type: "bigint" }),
  ];
  await load(
    connector,
    "asked",
    stagedOf(fields, [
      { a: "1.5", b: 0.25, c: "2024-01-01T12:00:00+02:00", d: "{a,NULL}", e: null, f: 7 },
    ]),
  );
  const [row] = await database.sql("SELECT to_json(asked)::text AS j FROM asked");
  assert.equal(
    row!["j"],
    '{"a":1.50,"b":0.25,"c":"2024-01-01T10:00:00+00:00","d":["a",null],"e":null,"f":7}',
  );
});

onServers(
  "fields that are the source's key become the primary key of a replaced table",
  async (database) => {
    await using connector = await connect(database.url);
    const fields = [
      field("a", "int32", { key: true }),
      field("b", "string", { key: true }),
      field("c", "bool"),
    ];
    const staged = stagedOf(fields, [{ a: 1, b: "x", c: true }]);
    await load(connector, "new schema.keyed", staged, { mode: "replace" });
    const found = await connector.getStreamFields({ type: "relation", name: "new schema.keyed" });
    assert.deepEqual(found!.map(({ key, nullable }) => [key, nullable]), [
      [true, false],
      [true, false],
      [undefined, true],
    ]);
  },
);

onServers(
  "upserts work without a unique index, through a partial one and an identity",
  async (database) => {
    await database.sql(
      `CREATE TABLE partial (id int, name text); CREATE UNIQUE INDEX ON partial (id) WHERE id > 5;
     CREATE TABLE ident (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
     CREATE TABLE parts (id int, name text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
     CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (50);
     CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (50) TO (100)`,
    );
    await using connector = await connect(database.url);
    for (const table of ["partial", "ident", "parts"]) {
      const upsert = { mode: "upsert", upsertKeys: ["id"] } as const;
      await load(connector, table, stagedOf(FIELDS, rows(0, 60, "old")), upsert);
      await load(connector, table, stagedOf(FIELDS, rows(40, 80, "new")), upsert);
      const [row] = await database.sql(
        `SELECT count(*)::int AS n, count(*) FILTER (WHERE name = 'new ' || id)::int AS new,
       count(DISTINCT id)::int AS ids FROM ${table}`,
      );
      assert.deepEqual(row, { n: 80, new: 40, ids: 80 }, table);
    }
  },
);

onServers(
  "whatever can be read is discovered, by a name that works as a source",
  async (database) => {
    await database.sql(
      `CREATE SCHEMA "Odd.Schema"; CREATE TABLE "Odd.Schema"."a ""b""" AS SELECT 1 AS n;
     CREATE TABLE plain AS SELECT 1 AS n; CREATE VIEW seen AS SELECT 1 AS n;
     CREATE MATERIALIZED VIEW kept AS SELECT 1 AS n;
     CREATE TABLE parts (n int) PARTITION BY LIST (n);
     CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1); INSERT INTO parts VALUES (1);
     CREATE TEMPORARY TABLE passing AS SELECT 1 AS n;
     CREATE TABLE computed (n int GENERATED ALWAYS AS IDENTITY, twice int GENERATED ALWAYS AS (1) STORED);
     INSERT INTO computed DEFAULT VALUES`,
    );
    await using connector = await connect(database.url);
    const found = await connector.discover();
    assert.deepEqual(found.map(({ name }) => name), [
      '"Odd.Schema"."a ""b"""',
      "public.computed",
      "public.kept",
      "public.parts",
      "public.plain",
      "public.seen",
    ]);
    for (const { name, fields } of found) {
      const { proof } = await extract(connector, name);
      assert.equal(proof.rows, 1, name);
      assert.equal(fields[0]!.name, "n");
    }
  },
);

onServers("a connection's schema is where names without one are", async (database) => {
  await using connector = await connect(database.url, { schema: "Mine" });
  await load(connector, "things", stagedOf(FIELDS, rows(0, 3, "x")));
  assert.deepEqual(await connector.query('SELECT count(*)::int AS n FROM "Mine".things'), [{
    n: 3,
  }]);
  assert.deepEqual(await connector.query("SELECT count(*)::int AS n FROM things"), [{ n: 3 }]);
  assert.equal((await extract(connector, "things")).proof.rows, 3);
});
