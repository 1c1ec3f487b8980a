import assert from "node:assert/strict";
import { freshDatabase, type TestDatabase } from "../../../support/services.ts";
import { findRelation } from "../../../../src/providers/relational/postgres/sql/catalog.ts";
import { chooseEncoding } from "../../../../src/providers/relational/postgres/types/column_encoding.ts";
import {
  chooseFormat,
  type CopyFormat,
} from "../../../../src/providers/relational/postgres/copy/batch_encoder.ts";
import { connect, extract, load, never, onServers, stagedBatches } from "./support.ts";

/** Each type with its lowest, highest and oddest values; NULL comes with every one. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  "smallint": ["-32768", "32767", "0"],
  "integer": ["-2147483648", "2147483647"],
  "bigint": ["-9223372036854775808", "9223372036854775807", "9007199254740993"],
  "real": ["-3.4028235e38", "1e-45", "NaN", "Infinity", "-Infinity", "-0", "0.1"],
  "double precision": ["-1.7976931348623157e308", "5e-324", "NaN", "-Infinity", "-0", "0.1"],
  "numeric(12,2)": ["-9999999999.99", "9999999999.99", "0.01", "0", "-0.10"],
  "numeric(38,10)": [`${"9".repeat(28)}.${"9".repeat(10)}`, "-0.0000000001", "10000", "100000000"],
  "numeric(76,38)": [`-${"9".repeat(38)}.${"9".repeat(38)}`, `0.${"0".repeat(37)}1`],
  "numeric(5,-2)": ["1234500", "-100"],
  "numeric(100,50)": [`${"9".repeat(50)}.${"1".repeat(50)}`, "NaN"],
  "numeric": ["1.50", "NaN", "Infinity", "-Infinity", "1e100", "0.000", "-1e-100"],
  "text": ["", "\t\r\n\\", "\\N", "NULL", "żółć 日本語 🦕", "{a,b}", "\u0001\u007f\ufeff"],
  "character varying(5)": ["", "🦕🦕🦕🦕🦕", "ab "],
  "character(5)": ["ab", "     ", "żółć"],
  "bpchar": ["ab ", ""],
  "name": ["a name", ""],
  '"char"': ["a", ""],
  "boolean": ["true", "false"],
  "date": ["4713-01-01 BC", "5874897-12-31", "infinity", "-infinity", "0001-12-31 BC"],
  "time without time zone": ["00:00:00", "23:59:59.999999"],
  "time(2) without time zone": ["12:34:56.78"],
  "time with time zone": ["24:00:00+15:59", "00:00:00.000001-15:59"],
  "timestamp without time zone": [
    "4713-01-01 00:00:00 BC",
    "294246-12-31 23:59:59.999999",
    "infinity",
    "-infinity",
    "1999-12-31 23:59:59.999999",
  ],
  "timestamp(0) without time zone": ["2024-02-29 12:34:56"],
  "timestamp with time zone": ["4713-01-01 00:00:00+00 BC", "2024-06-01 12:00:00.1+02", "infinity"],
  "interval": [
    "178000000 years",
    "-178000000 years",
    "1 mon -2 days +03:04:05.000006",
    "-1 year 1 day",
    "0",
  ],
  "interval day to second(3)": ["1 day 00:00:01.234"],
  "uuid": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00000000-0000-0000-0000-000000000000"],
  "json": ['{"b": 1,  "a": 1.50, "a": 12345678901234567890}', "null", "[]", '"\\u0041"'],
  "jsonb": ['{"b": 1, "a": 1.50, "n": 12345678901234567890.10}', "null", "[[]]"],
  "bytea": ["\\x", "\\x00ff5c0a", "\\xdeadbeef"],
  "integer[]": ["{}", "{1,NULL,-2147483648}", "{{1,2},{3,4}}"],
  "bigint[]": ["{9223372036854775807,-9223372036854775808}"],
  "numeric[]": ["{1.50,NaN,12345678901234567890.00}"],
  "numeric(10,2)[]": ["{1.50,-0.01}"],
  "double precision[]": ["{NaN,Infinity,-0,0.1,5e-324}"],
  "real[]": ["{0.1,-Infinity}"],
  "boolean[]": ["{t,f,NULL}"],
  "text[]": ['{"",NULL,"NULL","a,b","{}","\\"q\\"","\\\\","\ttab","🦕"}', '{{"a"},{"b"}}'],
  "character varying(3)[]": ["{abc,NULL}"],
  "uuid[]": ["{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"],
  "date[]": ['{2024-02-29,infinity,"0044-03-15 BC"}'],
  "time without time zone[]": ["{24:00:00,00:00:00.000001}"],
  "timestamp without time zone[]": [
    '{"2024-02-29 12:34:56.789",-infinity,"0044-03-15 01:02:03 BC",294276-12-31}',
  ],
  "timestamp with time zone[]": ['{"2024-02-29 12:34:56.789+05","0044-03-15 01:02:03+00 BC"}'],
  "bytea[]": ['{"\\\\x00ff",NULL}'],
  "json[]": ['{"[1]","{}",NULL,"null"}'],
  "jsonb[]": ['{"[1]","null"}'],
  "interval[]": ['{"1 day","-1 mons"}'],
  "inet[]": ["{10.0.0.1}"],
  "mood": ["happy", 'it\'s, "complicated"'],
  "mood[]": ["{happy,NULL}"],
  "point2": ["(1,)", '("-2147483648","a ""b"" , c")'],
  "positive": ["1", "2147483647"],
  "money": ["-92233720368547758.08", "92233720368547758.07"],
  "bit(3)": ["101"],
  "bit varying": ["", "10101"],
  "bit varying(8)": ["10101"],
  "inet": ["10.0.0.1", "10.0.0.0/8", "::1", "fe80::/64"],
  "cidr": ["10.0.0.0/8", "::/0"],
  "macaddr": ["08:00:2b:01:02:03"],
  "macaddr8": ["08:00:2b:01:02:03:04:05"],
  "tsvector": ["'a':1A 'it''s' 'b':2,3"],
  "tsquery": ["'a' & ( 'b' | !'c':* )"],
  "xml": ['<a b="1">x</a>', "text &amp; <b/>"],
  "int4range": ["empty", "[1,5)", "(,)"],
  "numrange": ["(1.50,2.00]"],
  "tstzrange": ['["2024-01-01 00:00:00+00",infinity)'],
  "int4multirange": ["{}", "{[1,3),[5,9)}"],
  "int4range[]": ['{"[1,2)",empty}'],
  "point": ["(0.1,-1e300)"],
  "line": ["{1,2,3}"],
  "lseg": ["[(0,0),(1,1)]"],
  "box": ["(1,1),(0,0)"],
  "path": ["[(0,0),(1,1)]", "((0,0),(1,1))"],
  "polygon": ["((0,0),(1,1),(2,0))"],
  "circle": ["<(0,0),1>"],
  "oid": ["4294967295"],
  "regclass": ["pg_class"],
  "regtype": ["integer"],
  "pg_lsn": ["16/B374D848"],
  "xid": ["4294967295"],
  "tid": ["(0,1)"],
  "jsonpath": ['$."a"[*]?(@ > 1)'],
  "citext": ["MiXeD"],
  "hstore": ['"a"=>"1", "b"=>NULL'],
};

const TYPES = `
  CREATE EXTENSION citext; CREATE EXTENSION hstore;
  CREATE TYPE mood AS ENUM ('happy', 'it''s, "complicated"');
  CREATE TYPE point2 AS (x integer, label text);
  CREATE DOMAIN positive AS integer CHECK (VALUE > 0);`;

const quoted = (text: string) => ` E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;

/** Types that go to the server as text, and with them all columns of their tables. */
const AS_TEXT: ReadonlySet<string> = new Set([
  ...['"char"', "time with time zone", "interval", "interval day to second(3)", "point2", "money"],
  ...["bit(3)", "bit varying", "bit varying(8)", "inet", "cidr", "macaddr", "macaddr8"],
  ...["tsvector", "tsquery", "int4range", "numrange", "tstzrange", "int4multirange", "point"],
  ...["line", "lseg", "box", "path", "polygon", "circle", "oid", "regclass", "regtype", "pg_lsn"],
  ...["xid", "tid", "jsonpath", "hstore", ...Object.keys(VALUES).filter((t) => t.endsWith("[]"))],
]);

async function createValues(
  database: TestDatabase,
  values: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  await database.sql(TYPES);
  const entries = Object.entries(values);
  await database.sql(
    `CREATE TABLE every (n integer PRIMARY KEY, ${
      entries.map(([type], i) => `c${i} ${type}`).join(", ")
    })`,
  );
  const rows = Math.max(...entries.map(([, values]) => values.length)) + 1;
  for (let n = 0; n < rows; n++) {
    const row = entries.map(([type, values]) =>
      n < values.length ? `${quoted(values[n]!)}::${type}` : "NULL"
    );
    await database.sql(`INSERT INTO every VALUES (${[n, ...row].join(", ")})`);
  }
}

const SETTINGS = "SET extra_float_digits = 3; SET TimeZone = 'UTC'; SET lc_monetary = 'C';";

/** Each value in the server's own text, and the type of each column. */
async function contents(database: TestDatabase, count: number): Promise<unknown> {
  const numbers = Array.from({ length: count }, (_, i) => i);
  const columns = numbers.map((i) => `format('%s', c${i}) || '|' AS c${i}`);
  const types = await database.sql(
    `SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute
     WHERE attrelid = 'every'::regclass AND attnum > 0 ORDER BY attname`,
  );
  const nulls = numbers.map((i) => `c${i} IS NULL AS n${i}`);
  return {
    types,
    rows: await database.sql(
      `${SETTINGS} SELECT n, ${[...columns, ...nulls].join(", ")} FROM every ORDER BY n`,
    ),
  };
}

/** Moves a table of these values from one database to another and compares all that it holds. */
async function move(
  source: TestDatabase,
  server: string,
  values: Readonly<Record<string, readonly string[]>>,
): Promise<CopyFormat> {
  await createValues(source, values);
  await using target = await freshDatabase(server);
  await target.sql(TYPES);
  await using from = await connect(source.url);
  await using to = await connect(target.url);
  const { fields, batches, proof } = await extract(from, "every");
  assert.equal(proof.evidence, `COPY ${proof.rows}`);
  const receipt = await load(to, "every", stagedBatches(fields, batches));
  assert.equal(receipt.evidence, proof.evidence);
  const count = Object.keys(values).length;
  const [sent, taken] = [await contents(source, count), await contents(target, count)] as {
    types: { attname: string; type: string }[];
    rows: Record<string, unknown>[];
  }[];
  // A domain is its base type.
  const base = (types: { attname: string; type: string }[]) =>
    types.map(({ attname, type }) => `${attname} ${type.replace("positive", "integer")}`);
  assert.deepEqual(base(taken!.types), base(sent!.types));
  assert.deepEqual(taken!.rows, sent!.rows);
  const session = await to.begin("read", never);
  const relation = (await findRelation(session, '"every"'))!;
  await session.close();
  return chooseFormat(fields.map((field, i) => {
    const column = relation.columns[i]!;
    return { field, column, fit: chooseEncoding(field, column)!, at: i };
  }));
}

onServers("every type goes from one database to another unchanged", async (source, { url }) => {
  assert.equal(await move(source, url, VALUES), "text");
});

onServers("types with a binary form go in it unchanged", async (source, { url }) => {
  const values = Object.entries(VALUES).filter(([type]) => !AS_TEXT.has(type));
  assert.equal(await move(source, url, Object.fromEntries(values)), "binary");
});

onServers("a type that the target does not have becomes text", async (source, { url }) => {
  await source.sql(
    `${TYPES} CREATE TABLE moods AS SELECT 'happy'::mood AS m, '{happy}'::mood[] AS a`,
  );
  await using target = await freshDatabase(url);
  await using from = await connect(source.url);
  await using to = await connect(target.url);
  const { fields, batches } = await extract(from, "moods");
  await load(to, "moods", stagedBatches(fields, batches));
  assert.deepEqual(
    (await to.getStreamFields({ type: "relation", name: "moods" }))!.map((f) => f.source_type),
    ["postgres:text", "postgres:text"],
  );
  assert.deepEqual([...await target.sql("SELECT * FROM moods")], [{ m: "happy", a: "{happy}" }]);
});

const REFUSED: readonly [type: string, value: string, words: RegExp][] = [
  ["numeric(5,2)", "NaN", /"c", row 2: expected decimal\(5,2\), "dtype: string".*"NaN"/],
  ["time", "24:00:00", /"c", row 2: .*before 24:00:00, "dtype: string"/],
  ["timestamp", "294276-12-31 00:00:00", /"c", row 2: .*before the year 294247/],
  ["integer[]", "[0:1]={1,2}", /"c", row 2: .*subscripts begin at 1.*\[0:1\]=/],
];

onServers("what a type cannot hold is refused by name, and moved as text", async (database) => {
  await using connector = await connect(database.url);
  for (const [type, value, words] of REFUSED) {
    await database.sql(
      `DROP TABLE IF EXISTS odd; CREATE TABLE odd (n int, c ${type});
       INSERT INTO odd VALUES (1, NULL), (2, '${value}')`,
    );
    await assert.rejects(extract(connector, "odd"), words);
    const fields = [{ name: "c", dtype: "string", nullable: true } as const];
    const { batches } = await extract(connector, "odd", { fields });
    assert.equal(batches[0]!.get(1)!["c"], value);
  }
});

onServers("a declared type takes the values that fit and refuses the others", async (database) => {
  await using connector = await connect(database.url);
  await database.sql(
    "CREATE TABLE amounts AS SELECT x::numeric AS c FROM unnest('{1.5,2.25}'::numeric[]) x",
  );
  const decimal = (
    scale: number,
  ) => [{ name: "c", dtype: "decimal", precision: 10, scale, nullable: true } as const];
  const { batches } = await extract(connector, "amounts", { fields: decimal(3) });
  assert.equal(batches[0]!.numRows, 2);
  await assert.rejects(
    extract(connector, "amounts", { fields: decimal(1) }),
    /field "c", row 2: expected decimal\(10,1\), value is "2.25"/,
  );
  await assert.rejects(
    extract(connector, "amounts", { fields: [{ name: "c", dtype: "int32", nullable: true }] }),
    /field "c", row 1: expected int32, value is "1.5"/,
  );
});
