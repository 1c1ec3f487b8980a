/** Declared types and the values that others keep under them. */
import assert from "node:assert/strict";
import { TypeMappingError, ValueError } from "../../../../src/core/errors.ts";
import type { MappedType } from "../../../../src/core/contracts/type_mapper.ts";
import {
  declaredType,
  findAffinity,
  typeMapper,
} from "../../../../src/providers/relational/sqlite/types/type_mapper.ts";
import { FIELDS_OF_EVERY_TYPE } from "../../../conformance/values.ts";
import { field, withDatabase } from "./support.ts";

const plain = (dtype: MappedType["dtype"]): MappedType => ({ dtype });
const decimal = (precision: number, scale: number): MappedType => ({
  dtype: "decimal",
  precision,
  scale,
});

const DECLARED: Record<string, MappedType | undefined> = {
  INTEGER: plain("int64"),
  int: plain("int64"),
  BIGINT: plain("int64"),
  "INT(11)": plain("int64"),
  TINYINT: plain("int64"),
  "UNSIGNED BIG INT": plain("int64"),
  INT1: plain("int8"),
  INT2: plain("int16"),
  int4: plain("int32"),
  INT8: plain("int64"),
  "TINYINT SIGNED": plain("int8"),
  "SMALLINT SIGNED": plain("int16"),
  "INTEGER SIGNED": plain("int32"),
  DOUBLE: plain("float64"),
  "SMALLINT UNSIGNED": plain("uint16"),
  "smallint(5)  unsigned": plain("uint16"),
  REAL: plain("float64"),
  FLOAT: plain("float64"),
  "DOUBLE PRECISION": plain("float64"),
  NUMERIC: plain("float64"),
  "NUMERIC(10,2)": decimal(10, 2),
  "decimal( 18 , 4 )": decimal(18, 4),
  "DECIMAL(5)": decimal(5, 0),
  "NUMERIC(99,2)": undefined,
  "NUMERIC(2,5)": undefined,
  TEXT: plain("string"),
  "VARCHAR(255)": plain("string"),
  "NVARCHAR(160)": plain("string"),
  "CHAR": plain("string"),
  CLOB: plain("string"),
  BLOB: plain("binary"),
  "VARBINARY(16)": plain("binary"),
  BOOLEAN: plain("bool"),
  bool: plain("bool"),
  DATE: plain("date"),
  TIME: plain("time"),
  DATETIME: plain("timestamp"),
  "TIMESTAMP(6)": plain("timestamp"),
  "TIMESTAMP WITH TIME ZONE": plain("timestamp_tz"),
  "TIMESTAMP(3) WITH TIME ZONE": plain("timestamp_tz"),
  JSON: plain("json"),
  STRING: undefined,
  UUID: undefined,
  "": undefined,
};

Deno.test("declared types of others mean what the table says", () => {
  for (const [name, type] of Object.entries(DECLARED)) {
    assert.deepEqual(declaredType(name), type, name);
    if (type === undefined) assert.throws(() => typeMapper.fromSource(name), TypeMappingError);
  }
});

Deno.test("what dxt declares means the same DXTType when it is read again", () => {
  for (const { name: _, nullable: __, uuid: ___, ...type } of FIELDS_OF_EVERY_TYPE) {
    assert.deepEqual(
      typeMapper.fromSource(typeMapper.toTarget(field("x", type.dtype, type))),
      type,
    );
  }
});

Deno.test("types whose values SQLite would make numbers are declared with text affinity", () => {
  for (const dtype of ["uint64", "json", "array", "object", "string"] as const) {
    assert.equal(findAffinity(typeMapper.toTarget(field("x", dtype))), "text", dtype);
  }
  const wide = field("x", "decimal", { precision: 16, scale: 2 });
  assert.equal(findAffinity(typeMapper.toTarget(wide)), "text");
});

Deno.test("the user's type wins, then the type that it came from, when it is SQLite's", () => {
  const of = (more: Record<string, unknown>) => typeMapper.toTarget(field("x", "string", more));
  assert.equal(of({ source_type: "sqlite:NVARCHAR(160)" }), "NVARCHAR(160)");
  assert.equal(of({ source_type: "sqlite:NVARCHAR(160)", target_type: "CLOB" }), "CLOB");
  assert.equal(of({ source_type: "postgres:varchar(160)" }), "TEXT");
  assert.equal(of({ source_type: "sqlite:INTEGER" }), "TEXT");
  assert.equal(of({ source_type: "sqlite:UUID" }), "TEXT");
  assert.equal(of({ source_type: "sqlite:TEXT); DROP TABLE x; --" }), "TEXT");
});

Deno.test("SQLite keeps any value in any column: another kind than declared is an error", () =>
  withDatabase(async (database) => {
    const values: [string, string, RegExp][] = [
      ["INTEGER", "'abc'", /SQLite holds text here; .* value is "abc"/],
      ["INTEGER", "1.5", /expected int64, SQLite holds real here/],
      ["INTEGER", "x'00ff'", /SQLite holds blob here; .* value is 0x00ff/],
      ["REAL", "'1,5'", /expected float64, SQLite holds text here/],
      ["NUMERIC(10,2)", "0.999", /expected decimal\(10,2\).* value is "0.999"/],
      ["NUMERIC(4,2)", "100", /expected decimal\(4,2\).* value is "100"/],
      ["NUMERIC", "9007199254740993", /expected float64, SQLite holds integer here/],
      ["BOOLEAN", "2", /expected bool, 0 or 1/],
      ["BOOLEAN", "'true'", /expected bool, 0 or 1/],
      ["DATE", "2460000", /expected date as text/],
      ["DATE", "'2023-02-29'", /expected date \(YYYY-MM-DD\), value is "2023-02-29"/],
      ["DATETIME", "1700000000", /expected timestamp as text.* string, reads it/],
      ["DATETIME", "2460000.5", /SQLite holds real here/],
      ["DATETIME", "'2024-01-01 00:00:00Z'", /expected timestamp/],
      ["DATETIME", "'2024-01-01 24:00:00'", /expected timestamp/],
      ["TIME", "'25:00:00'", /expected time/],
      ["BLOB", "'text'", /expected blob, SQLite holds text/],
      ["TEXT", "x'41'", /expected text, SQLite holds blob/],
      ["JSON", "'{'", /expected json as JSON text/],
      ["TINYINT UNSIGNED", "256", /expected uint8 \(0 to 255\)/],
    ];
    for (const [i, [declared, value, message]] of values.entries()) {
      database.sql(
        `CREATE TABLE t${i} (ok, v ${declared}); INSERT INTO t${i} VALUES (1, NULL), (2, ${value});
        CREATE VIEW v${i} AS SELECT * FROM t${i}`,
      );
      for (const source of [`t${i}`, `v${i}`]) {
        await assert.rejects(database.read(source), (error) => {
          assert.ok(error instanceof ValueError, `${declared} ${value}: ${error}`);
          assert.equal(error.field, "v");
          assert.equal(error.row, 2);
          assert.match(error.message, message);
          return true;
        });
      }
    }
  }));

Deno.test("a declared dtype reads what the column's type does not tell", () =>
  withDatabase(async (database) => {
    database.sql(`CREATE TABLE t (d DATETIME, n NUMERIC(10,2), b BLOB);
      INSERT INTO t VALUES (1700000000, 0.125, 'text'), (2460000.5, 1, 'more')`);
    const types = {
      d: { dtype: "string" },
      n: { dtype: "decimal", precision: 20, scale: 3 },
      b: { dtype: "string" },
    } as const;
    assert.deepEqual(await database.read("t", { types }), [
      { d: "1700000000", n: "0.125", b: "text" },
      { d: "2460000.5", n: "1.000", b: "more" },
    ]);
  }));

Deno.test("numbers under NUMERIC(p,s) are exact, whether SQLite keeps integers or doubles", () =>
  withDatabase(async (database) => {
    database.sql(`CREATE TABLE t (n NUMERIC(15,2), w NUMERIC(18,4));
      INSERT INTO t VALUES (0.1, 1), (-0.99, 12345678901.1234), (5, 0.0001), ('7.50', -0.5),
        (9999999999999.99, 99999999999999), (-0.0, 0)`);
    assert.deepEqual(await database.read("t"), [
      { n: "0.10", w: "1.0000" },
      { n: "-0.99", w: "12345678901.1234" },
      { n: "5.00", w: "0.0001" },
      { n: "7.50", w: "-0.5000" },
      { n: "9999999999999.99", w: "99999999999999.0000" },
      { n: "0.00", w: "0.0000" },
    ]);
  }));

Deno.test("dates and times are read in the shapes that SQLite's functions know", () =>
  withDatabase(async (database) => {
    database.sql(`CREATE TABLE t (a DATETIME, z TIMESTAMPTZ, h TIME);
      INSERT INTO t VALUES
        ('2009-01-01 00:00:00', '2024-01-01T02:00:00+02:00', '12:30'),
        ('2009-01-01T00:00:00.123', '2024-01-01 00:00:00Z', '12:30:01.5'),
        ('2009-01-01', '2023-12-31 19:00-05:00', '00:00:00'),
        ('2009-01-01 00:00', 'infinity', NULL)`);
    assert.deepEqual(await database.read("t"), [
      {
        a: "PlainDateTime 2009-01-01T00:00:00",
        z: "Instant 2024-01-01T00:00:00Z",
        h: "PlainTime 12:30:00",
      },
      {
        a: "PlainDateTime 2009-01-01T00:00:00.123",
        z: "Instant 2024-01-01T00:00:00Z",
        h: "PlainTime 12:30:01.5",
      },
      {
        a: "PlainDateTime 2009-01-01T00:00:00",
        z: "Instant 2024-01-01T00:00:00Z",
        h: "PlainTime 00:00:00",
      },
      { a: "PlainDateTime 2009-01-01T00:00:00", z: "infinity", h: null },
    ]);
  }));

Deno.test("without a declared type the values tell: integers, numbers, text, blobs", () =>
  withDatabase(async (database) => {
    database.sql(`CREATE TABLE t (i, r, s, b, m, n, u UUID);
      INSERT INTO t VALUES (1, 1, 'a', x'00', 1, NULL, 'f81d'), (2, 1.5, 'b', x'01', 'x', NULL, 'a')`);
    const dtypes = (await database.fields("t")).map(({ dtype }) => dtype);
    assert.deepEqual(dtypes, [
      "int64",
      "float64",
      "string",
      "binary",
      "string",
      "string",
      "string",
    ]);
    assert.ok((await database.fields("t")).every(({ inferred }) => inferred === true));
    const query = { type: "sql", sql: "SELECT count(*) AS n, max(s) || 'x' AS x FROM t" } as const;
    assert.deepEqual((await database.fields(query)).map((f) => [f.name, f.dtype]), [
      ["n", "int64"],
      ["x", "string"],
    ]);
    assert.deepEqual(await database.read(query), [{ n: 2n, x: "bx" }]);
    assert.deepEqual((await database.read("t")).map(({ m, r }) => [m, r]), [["1", 1], ["x", 1.5]]);
  }));

Deno.test("text with U+0000 is whole, text that is not Unicode is an error, in tables and views", () =>
  withDatabase(async (database) => {
    database.sql(`CREATE TABLE t (s TEXT, u TEXT);
      INSERT INTO t VALUES ('é', CAST(x'610062' AS TEXT)), (CAST(x'00' AS TEXT), char(65533));
      CREATE VIEW v AS SELECT * FROM t`);
    const wanted = [{ s: "é", u: "a\0b" }, { s: "\0", u: "\ufffd" }];
    assert.deepEqual(await database.read("t"), wanted);
    assert.deepEqual(await database.read("v"), wanted);
    // Bytes that the driver would show as long as they are: EF BF BD for a cut character.
    for (const bytes of ["ff", "f09f92", "610080", "eda080"]) {
      database.sql(
        `DELETE FROM t; INSERT INTO t VALUES ('fine', 'fine'), ('x', CAST(x'${bytes}' AS TEXT))`,
      );
      for (const source of ["t", "v"]) {
        await assert.rejects(database.read(source), {
          name: "ValueError",
          message: new RegExp(`field "u", row 2: .*value is 0x${bytes}`),
        });
      }
    }
  }));
