/** Every type that the server has, read as it is kept, and written again. */
import assert from "node:assert/strict";
import { createExtractTask, readRecords } from "../../../../src/arrow/mod.ts";
import { DXTError, ValueError } from "../../../../src/core/errors.ts";
import type { Projection } from "../../../../src/core/contracts/extractor.ts";
import type { DXTRecord } from "../../../../src/core/values/values.ts";
import type { MySQLConnector } from "../../../../src/providers/relational/mysql/connector.ts";
import { MySQLExtractor } from "../../../../src/providers/relational/mysql/extractor.ts";
import { MySQLLoader } from "../../../../src/providers/relational/mysql/loader.ts";
import type { Field } from "../../../../src/models/field.ts";
import type { LoadMode } from "../../../../src/models/stream.ts";
import { stagedOf } from "../../../support/staged.ts";
import { comparableRecords, extremes, FIELDS_OF_EVERY_TYPE } from "../../../conformance/values.ts";
import { connect, never, onServers, openSession } from "./support.ts";

async function read(
  connector: MySQLConnector,
  name: string,
  declared: Record<string, Partial<Field>> = {},
): Promise<{ fields: Field[]; records: DXTRecord[] }> {
  const source = { type: "relation", name } as const;
  const found = (await connector.getStreamFields(source))!;
  const fields = found.map((field): Field => ({ ...field, ...declared[field.name] }));
  const projections: Projection[] = fields.map((field) => ({ field, column: field.name }));
  const extraction = new MySQLExtractor(connector).extract(
    createExtractTask({ source, projections, batchRows: 3, batchBytes: 1 << 20, signal: never }),
  );
  const records: DXTRecord[] = [];
  for await (const batch of extraction) records.push(...readRecords(batch));
  return { fields, records };
}

async function write(
  connector: MySQLConnector,
  name: string,
  fields: readonly Field[],
  records: readonly DXTRecord[],
  { mode = "append", upsertKeys = [], replace = "delete" }: {
    mode?: LoadMode;
    upsertKeys?: string[];
    replace?: "delete" | "swap";
  } = {},
): Promise<number> {
  const receipt = await new MySQLLoader(connector, { replace }).load({
    target: { type: "relation", name },
    staged: stagedOf(fields, records),
    mode,
    upsertKeys,
    lossy: "stop",
    signal: never,
  } as never);
  return receipt.rows;
}

const EVERY = `CREATE TABLE every (
  id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
  t TINYINT, tu TINYINT UNSIGNED, s SMALLINT, su SMALLINT UNSIGNED, m MEDIUMINT, mu MEDIUMINT UNSIGNED,
  i INT, iu INT UNSIGNED, b BIGINT, bu BIGINT UNSIGNED, bool_ TINYINT(1), bit1 BIT(1), bit64 BIT(64),
  y YEAR, d65 DECIMAL(65,30), d5 DECIMAL(5,2) UNSIGNED, f FLOAT, db DOUBLE,
  da DATE, dt DATETIME(6), dt0 DATETIME, ts TIMESTAMP(6) NULL, ti TIME(6),
  c CHAR(5), v VARCHAR(50), l VARCHAR(20) CHARACTER SET latin1, tx TEXT, e ENUM('a','b''c','ż'), st SET('x','y'),
  bi BINARY(4), vb VARBINARY(50), bl LONGBLOB, g GEOMETRY
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`;

onServers("every type is read with its field, at its ends, and as NULL", async ({ url, sql }) => {
  await sql(EVERY);
  await sql(`INSERT INTO every VALUES
    (1, -128, 255, -32768, 65535, -8388608, 16777215, -2147483648, 4294967295,
     -9223372036854775808, 18446744073709551615, 1, b'1', 18446744073709551615,
     2155, 99999999999999999999999999999999999.999999999999999999999999999999, 999.99, 0.1, 5e-324,
     '9999-12-31', '9999-12-31 23:59:59.999999', '1000-01-01 00:00:00', '2038-01-19 03:14:07.999999', '23:59:59.999999',
     'ab', 'żółć 🦕 ', 'Größe', 'line\\nbreak', 'b''c', 'x,y',
     X'00ff', X'0001', X'', GeomFromText('POINT(1 2)')),
    (2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9007199254740993, 0, b'0', 1, 0, -0.000000000000000000000000000001, 0, -1.5, -2.5e10,
     '0001-01-01', '0001-01-01 00:00:00.000001', '1969-12-31 23:59:59', '1970-01-01 00:00:01', '00:00:00', '', '', '', '', 'ż', '',
     X'01020304', X'ff', X'00', NULL)`);
  await sql("INSERT INTO every (id) VALUES (3)");
  await using connector = await connect(url);
  const { fields, records } = await read(connector, "every");
  assert.deepEqual(
    Object.fromEntries(fields.map(({ name, dtype }) => [name, dtype])),
    {
      id: "uint32",
      t: "int8",
      tu: "uint8",
      s: "int16",
      su: "uint16",
      m: "int32",
      mu: "uint32",
      i: "int32",
      iu: "uint32",
      b: "int64",
      bu: "uint64",
      bool_: "bool",
      bit1: "bool",
      bit64: "uint64",
      y: "int16",
      d65: "decimal",
      d5: "decimal",
      f: "float32",
      db: "float64",
      da: "date",
      dt: "timestamp",
      dt0: "timestamp",
      ts: "timestamp_tz",
      ti: "time",
      c: "string",
      v: "string",
      l: "string",
      tx: "string",
      e: "string",
      st: "string",
      bi: "binary",
      vb: "binary",
      bl: "binary",
      g: "binary",
    },
  );
  const [first, second, third] = comparableRecords(records) as [
    Record<string, unknown>,
    Record<string, unknown>,
    Record<string, unknown>,
  ];
  const { g, ...rest } = first;
  assert.match(String(g), /^binary 000000000101000000000000000000f03f0000000000000040$/);
  assert.deepEqual(rest, {
    id: 1,
    t: -128,
    tu: 255,
    s: -32768,
    su: 65535,
    m: -8388608,
    mu: 16777215,
    i: -2147483648,
    iu: 4294967295,
    b: -9223372036854775808n,
    bu: 18446744073709551615n,
    bool_: true,
    bit1: true,
    bit64: 18446744073709551615n,
    y: 2155,
    d65: "99999999999999999999999999999999999.999999999999999999999999999999",
    d5: "999.99",
    f: Math.fround(0.1),
    db: 5e-324,
    da: "PlainDate 9999-12-31",
    dt: "PlainDateTime 9999-12-31T23:59:59.999999",
    dt0: "PlainDateTime 1000-01-01T00:00:00",
    ts: "Instant 2038-01-19T03:14:07.999999Z",
    ti: "PlainTime 23:59:59.999999",
    c: "ab",
    v: "żółć 🦕 ",
    l: "Größe",
    tx: "line\nbreak",
    e: "b'c",
    st: "x,y",
    bi: "binary 00ff0000",
    vb: "binary 0001",
    bl: "binary ",
  });
  assert.deepEqual(
    [
      second["bu"],
      second["d65"],
      second["da"],
      second["dt"],
      second["dt0"],
      second["ts"],
      second["y"],
    ],
    [
      9007199254740993n,
      "-0.000000000000000000000000000001",
      "PlainDate 0001-01-01",
      "PlainDateTime 0001-01-01T00:00:00.000001",
      "PlainDateTime 1969-12-31T23:59:59",
      "Instant 1970-01-01T00:00:01Z",
      0,
    ],
  );
  assert.ok(Object.entries(third).every(([name, value]) => name === "id" || value === null));

  // The server itself compares what was written again.
  const loaded = fields.filter(({ name }) => name !== "ts");
  assert.equal(await write(connector, "again", loaded, records), 3);
  await sql("CREATE TABLE same LIKE every");
  assert.equal(await write(connector, "same", fields, records), 3);
  const names = fields.map(({ name }) => `a.${name} <=> b.${name}`).join(" AND ");
  assert.deepEqual(
    await sql(
      `SELECT COUNT(*) FROM every a JOIN same b ON ${
        names.replace("a.g <=> b.g", "AsText(a.g) <=> AsText(b.g)")
      }`,
    ),
    [["3"]],
  );
});

onServers(
  "what no calendar and no day has is refused, and read as text where that is declared",
  async ({ url, sql }) => {
    await sql("SET sql_mode = ''");
    await sql(
      "CREATE TABLE odd (zero DATE, part DATETIME, ts TIMESTAMP NULL, span TIME, below TIME(3), flag TINYINT(1), x INT)",
    );
    await sql(
      "INSERT INTO odd VALUES ('0000-00-00', '2026-00-00', '0000-00-00', '838:59:59', '-00:00:00.5', 7, 1)",
    );
    await using connector = await connect(url);
    const text = { dtype: "string" } as const;
    const all = {
      zero: text,
      part: text,
      ts: text,
      span: text,
      below: text,
      flag: { dtype: "int8" } as const,
    };
    const { records } = await read(connector, "odd", all);
    assert.deepEqual(records, [{
      zero: "0000-00-00",
      part: "2026-00-00 00:00:00",
      ts: "0000-00-00 00:00:00",
      span: "838:59:59",
      below: "-00:00:00.500",
      flag: 7,
      x: 1,
    }]);
    for (const name of Object.keys(all)) {
      const { [name as keyof typeof all]: _one, ...others } = all;
      await assert.rejects(
        read(connector, "odd", others),
        (error: unknown) =>
          error instanceof ValueError && error.field === name && error.row === 1 &&
          /"dtype: \w+" in fields/.test(error.message),
      );
    }
  },
);

onServers(
  "what a column would change in silence is refused, and nothing is left",
  async ({ url, sql }) => {
    await using connector = await connect(url);
    const string = (v: string) => [{ name: "v", dtype: "string", nullable: true }, v] as const;
    const at = (text: string) =>
      [
        { name: "v", dtype: "timestamp", nullable: true },
        Temporal.PlainDateTime.from(text),
      ] as const;
    const CASES: readonly [type: string, of: readonly [Field, unknown]][] = [
      ["CHAR(5)", string("ab ")],
      ["CHAR(5)", string("abcdef")],
      ["VARCHAR(3)", string("abcd")],
      ["VARCHAR(3)", string("abc ")],
      ["TINYTEXT", string("x".repeat(256))],
      ["VARCHAR(20) CHARACTER SET latin1", string("żółć")],
      ["ENUM('a','b')", string("A")],
      ["ENUM('a','b')", string("")],
      ["DATETIME", at("2024-01-01T00:00:00.5")],
      ["DATETIME(3)", at("2024-01-01T00:00:00.0005")],
      ["BINARY(4)", [{ name: "v", dtype: "binary", nullable: true }, new Uint8Array(3)]],
      ["YEAR", [{ name: "v", dtype: "int16", nullable: true }, 99]],
    ] as never;
    for (const [i, [type, [field, value]]] of CASES.entries()) {
      await sql(`CREATE TABLE hard_${i} (v ${type}) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`);
      await assert.rejects(
        write(connector, `hard_${i}`, [field], [{ v: value } as never]),
        (error: unknown) => error instanceof DXTError && /\bv\b/.test(error.message),
        type,
      );
      assert.deepEqual(await sql(`SELECT COUNT(*) FROM hard_${i}`), [["0"]], type);
    }
    await sql("CREATE TABLE plain (v INT) ENGINE=MyISAM");
    const int: Field = { name: "v", dtype: "int32", nullable: true };
    await assert.rejects(
      write(connector, "plain", [int], [{ v: 1 }]),
      /engine MyISAM has no transactions/,
    );
  },
);

onServers(
  "a float32 is the same number as a double, and as text has its own digits",
  async ({ url, sql }) => {
    await using connector = await connect(url);
    await sql("CREATE TABLE floats (d DOUBLE, t VARCHAR(20))");
    const fields = ["d", "t"].map((name): Field => ({ name, dtype: "float32", nullable: true }));
    await write(connector, "floats", fields, [{ d: Math.fround(0.1), t: Math.fround(0.1) }]);
    assert.deepEqual(await sql("SELECT d, t FROM floats"), [["0.10000000149011612", "0.1"]]);
  },
);

onServers(
  "a server that takes no file gets the same rows by statements",
  async ({ url, sql }, server) => {
    const admin = await openSession(server.url);
    await using connector = await connect(url);
    try {
      const records = extremes().map((record): DXTRecord => ({
        ...record,
        f_float32: 0.5,
        f_float64: Number.isFinite(record["f_float64"]) ? record["f_float64"]! : 1e300,
      })).filter((record) => !Object.is(record["f_float64"], -0));
      await admin.query("SET GLOBAL local_infile = 0");
      await write(connector, "stated", FIELDS_OF_EVERY_TYPE, records);
      await admin.query("SET GLOBAL local_infile = 1");
      await write(connector, "filed", FIELDS_OF_EVERY_TYPE, records);
      const same = FIELDS_OF_EVERY_TYPE.map(({ name }) => `a.${name} <=> b.${name}`).join(" AND ");
      const count = String(records.length);
      assert.ok(records.length > 3);
      assert.deepEqual(await sql("SELECT COUNT(*) FROM stated"), [[count]]);
      assert.deepEqual(
        await sql(
          `SELECT COUNT(*) FROM stated a WHERE EXISTS (SELECT * FROM filed b WHERE ${same})`,
        ),
        [[count]],
      );
      const text: Field = { name: "f_string", dtype: "string", nullable: true };
      const hostile = [{ f_string: "'); DROP TABLE stated; -- \\'" }, { f_string: "\\" }];
      await admin.query("SET GLOBAL local_infile = 0");
      await write(connector, "stated", [text], hostile, { mode: "replace" });
      assert.deepEqual(
        (await sql("SELECT f_string FROM stated")).flat(),
        hostile.map(({ f_string }) => f_string),
      );
    } finally {
      await admin.query("SET GLOBAL local_infile = 1");
      await admin.close();
    }
  },
);

onServers(
  "a replacement by a new table keeps its indexes, and refuses what it would lose",
  async ({ url, sql }) => {
    await sql("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(10), KEY by_v (v)) ENGINE=InnoDB");
    await sql("INSERT INTO t VALUES (1, 'old'), (2, 'old')");
    await using connector = await connect(url);
    const fields: Field[] = [
      { name: "id", dtype: "int32", nullable: false },
      { name: "v", dtype: "string", nullable: true },
    ];
    const swap = { mode: "replace", replace: "swap" } as const;
    await write(connector, "t", fields, [{ id: 3, v: "new" }], swap);
    assert.deepEqual(await sql("SELECT * FROM t"), [["3", "new"]]);
    assert.equal((await sql("SHOW INDEX FROM t WHERE Key_name = 'by_v'")).length, 1);
    assert.deepEqual(await sql("SHOW TABLES LIKE 'dxt%'"), []);
    await assert.rejects(
      write(connector, "t", fields, [{ id: 4, v: "x" }, { id: 4, v: "y" }], swap),
      /MySQL changed or left out what it was given|MySQL took 1 rows, staged are 2/,
    );
    assert.deepEqual(await sql("SELECT * FROM t"), [["3", "new"]]);
    assert.deepEqual(await sql("SHOW TABLES LIKE 'dxt%'"), []);
    await sql(
      "CREATE TABLE child (id INT PRIMARY KEY, t INT, FOREIGN KEY (t) REFERENCES t (id)) ENGINE=InnoDB",
    );
    await assert.rejects(
      write(connector, "t", fields, [], swap),
      /it has foreign key ".*", expected "replace: delete"/,
    );
  },
);

onServers("the plan of a new table in the place of another is what runs", async ({ url, sql }) => {
  await sql("CREATE TABLE t (id SMALLINT) ENGINE=InnoDB");
  const sent: string[] = [];
  await using connector = await connect(url, {}, never, [], sent);
  const loader = new MySQLLoader(connector);
  const fields: Field[] = [
    { name: "id", dtype: "int32", nullable: true },
    { name: "v", dtype: "string", nullable: true },
  ];
  const task = {
    target: { type: "relation", name: "t" },
    staged: stagedOf(fields, [{ id: 100_000, v: "new" }]),
    mode: "replace",
    upsertKeys: [],
    signal: never,
  } as const;
  const { statements } = await loader.plan(task);
  assert.match(statements[0]!, /^CREATE TABLE `dxt_new_[0-9a-f]{32}` LIKE `t`$/);
  assert.ok(!statements.some((sql) => /ALTER TABLE (`\w+`\.)?`t`/.test(sql)));
  assert.ok(!statements.some((sql) => /DELETE FROM/.test(sql)), "the table is new");
  assert.match(statements.at(-2)!, /^RENAME TABLE `t` TO `dxt_old_/);
  sent.length = 0;
  await loader.load(task);
  const ran = sent.filter((sql) => statements.includes(sql));
  for (const sql of statements) assert.ok(ran.includes(sql), sql);
  assert.ok(!sent.some((sql) => /DELETE FROM/.test(sql)), "the table is new");
  assert.deepEqual(await sql("SELECT * FROM t"), [["100000", "new"]]);
});

onServers("with schema: evolve a column of text gets the source's length", async ({ url, sql }) => {
  await sql(
    `CREATE TABLE t (a VARCHAR(10) CHARACTER SET latin1 NOT NULL COMMENT 'it''s \\\\ żółć', b VARCHAR(10), c CHAR(5),
    d VARCHAR(10) DEFAULT 'x', e VARCHAR(10), KEY (e)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
  );
  await sql("INSERT INTO t VALUES ('old', 'old', 'old', 'old', 'old')");
  const types: Record<string, string> = {
    ...{ a: "mysql:varchar(20)", b: "postgres:text", c: "mysql:char(7)" },
    ...{ d: "mysql:varchar(20)", e: "postgres:text" },
  };
  const fields = Object.entries(types).map(([name, source_type]): Field => ({
    ...{ name, dtype: "string", nullable: true, source_type },
  }));
  const warnings: string[] = [];
  await using connector = await connect(url, {}, never, warnings);
  const loader = new MySQLLoader(connector);
  const task = {
    target: { type: "relation", name: "t" },
    staged: stagedOf(fields, [{ a: "a".repeat(20), b: "b".repeat(30), c: "c", d: "d", e: "e" }]),
    mode: "append",
    upsertKeys: [],
    signal: never,
  } as const;
  const { statements } = await loader.plan(task);
  assert.deepEqual(statements.filter((sql) => !sql.includes("_dxt_commits")), []);
  assert.deepEqual(warnings.map((text) => /make the column (\w+\(\d+\))/.exec(text)?.[1]), [
    ...["varchar(20)", "char(7)"],
  ]);
  await loader.load({ ...task, schema: "evolve" });
  const columns = await sql("SHOW FULL COLUMNS FROM t");
  assert.deepEqual(columns.map(([, type]) => type), [
    ...["varchar(20)", "longtext", "char(7)", "varchar(10)", "varchar(10)"],
  ]);
  assert.match(columns[0]![2]!, /^latin1_/);
  assert.deepEqual([columns[0]![3], columns[0]!.at(-1)], ["NO", "it's \\ żółć"]);
  assert.deepEqual(await sql("SELECT a, LENGTH(b) FROM t ORDER BY LENGTH(a)"), [
    ...[["old", "3"], ["a".repeat(20), "30"]],
  ]);
});

onServers("an upsert that would find rows by another key is refused", async ({ url, sql }) => {
  await using connector = await connect(url);
  const fields: Field[] = [
    { name: "id", dtype: "int32", nullable: false },
    { name: "mail", dtype: "string", nullable: false },
  ];
  await sql("CREATE TABLE two (id INT PRIMARY KEY, mail VARCHAR(50) UNIQUE) ENGINE=InnoDB");
  await assert.rejects(
    write(connector, "two", fields, [{ id: 1, mail: "a" }], { mode: "upsert", upsertKeys: ["id"] }),
    /its unique index of "mail" would make MySQL update rows of other keys/,
  );
  await sql(
    "CREATE TABLE folded (mail VARCHAR(50) PRIMARY KEY, id INT) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE utf8mb4_general_ci",
  );
  await sql("INSERT INTO folded VALUES ('a', 1)");
  const upsert = { mode: "upsert", upsertKeys: ["mail"] } as const;
  for (const records of [[{ id: 2, mail: "A" }], [{ id: 3, mail: "b" }, { id: 4, mail: "B " }]]) {
    await assert.rejects(
      write(connector, "folded", fields, records, { ...upsert, upsertKeys: ["mail"] }),
      /its collation takes two keys for one/,
    );
  }
  assert.deepEqual(await sql("SELECT * FROM folded"), [["a", "1"]]);
  await write(connector, "folded", fields, [{ id: 5, mail: "a" }, { id: 6, mail: "c" }], {
    ...upsert,
    upsertKeys: ["mail"],
  });
  assert.deepEqual(await sql("SELECT * FROM folded ORDER BY 1"), [["a", "5"], ["c", "6"]]);
});

onServers("a trigger that may change rows is refused by plan and load", async ({ url, sql }) => {
  await sql("CREATE TABLE hooked (v INT) ENGINE=InnoDB");
  await sql("CREATE TRIGGER more BEFORE INSERT ON hooked FOR EACH ROW SET NEW.v = NEW.v + 1");
  await using connector = await connect(url);
  const field: Field = { name: "v", dtype: "int32", nullable: true };
  await assert.rejects(
    write(connector, "hooked", [field], [{ v: 1 }]),
    /trigger "more" runs before each row/,
  );
});

onServers(
  "a table of more columns than one function reads is the same, NULLs among them",
  async ({ url, sql }) => {
    const names = Array.from({ length: 200 }, (_, i) => `c${i}`);
    await sql(
      `CREATE TABLE wide (${
        names.map((name, i) => `${name} ${i % 2 === 0 ? "INT" : "TEXT"}`).join(", ")
      })`,
    );
    const value = (row: number, i: number) =>
      (row + i) % 7 === 0 ? null : i % 2 === 0 ? row * i : `${row}/${i}`;
    for (let row = 1; row < 9; row++) {
      const values = names.map((_, i) => value(row, i)).map((v) =>
        typeof v === "string" ? `'${v}'` : v ?? "NULL"
      );
      await sql(`INSERT INTO wide VALUES (${values.join(", ")})`);
    }
    await using connector = await connect(url);
    const { records } = await read(connector, "wide");
    assert.deepEqual(
      records,
      Array.from(
        { length: 8 },
        (_, row) => Object.fromEntries(names.map((name, i) => [name, value(row + 1, i)])),
      ),
    );
  },
);
