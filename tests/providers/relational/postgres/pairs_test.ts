/**
 * Every type into columns of every other type: what the plan says is what happens, and a value is in
 * the table as it was or refused with its field. The database compares, not the code that is tested.
 */
import assert from "node:assert/strict";
import type { Batch } from "../../../../src/core/contracts/batch.ts";
import { DXTError, LossyConversionError } from "../../../../src/core/errors.ts";
import type { Field } from "../../../../src/models/field.ts";
import { PostgresCopyLoader } from "../../../../src/providers/relational/postgres/copy_loader.ts";
import type { DXTRecord } from "../../../../src/core/values/values.ts";
import type { LoadMode, LossRule } from "../../../../src/models/stream.ts";
import { freshDatabase, type TestDatabase } from "../../../support/services.ts";
import { stagedOf } from "../../../support/staged.ts";
import { connect, extract, load, never, onServers, stagedBatches } from "./support.ts";

/** Types as the catalogue prints them, with values that narrower types round, cut or refuse. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  "smallint": ["7", "-32768"],
  "integer": ["7", "16777217"],
  "bigint": ["7", "9007199254740993", "-1"],
  "real": ["0.5", "0.1", "3.4028235e38", "NaN"],
  "double precision": ["0.5", "0.1", "1.23456789012", "1e300", "-0"],
  "numeric": ["7", "1.239", "1.23456789012345678901", "12345678901234567890", "1e400"],
  "numeric(10,3)": ["7", "1.239"],
  "numeric(5,-2)": ["1200"],
  "money": ["1.24", "7"],
  "text": [
    ...["7", "1.239", "1e400", "0.1234567890123456789", "abc", "ab ", "1.9999999 sec", "1.5 days"],
    ...["10:00:00.9999999+02", "2024-01-01 10:00:00.9+02", "[1,5]", "(0.12345678901234567890,1)"],
    ...['{"a":1,"a":2}', "{1.23456789012345678901}", "10.0.0.1/32", "P1DT1.9S", "t", "1 day"],
    ...['<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>', "x".repeat(70)],
  ],
  "character varying(4)": ["7", "ab ", "1.23"],
  "character(4)": ["7", "abcd"],
  '"char"': ["7", "a"],
  "name": ["7", "abcde"],
  "boolean": ["t"],
  "date": ["2024-01-01", "0044-03-15 BC", "12024-01-01"],
  "time without time zone": ["10:00:00", "10:00:00.9"],
  "time(0) without time zone": ["10:00:00"],
  "time with time zone": ["10:00:00+02", "10:00:00.9+02"],
  "time(0) with time zone": ["10:00:00+02"],
  "timestamp without time zone": ["2024-01-01 00:00:00", "2024-01-01 10:00:00.9"],
  "timestamp(0) without time zone": ["2024-01-01 00:00:00"],
  "timestamp with time zone": ["2024-01-01 00:00:00+00", "2024-01-01 10:00:00.9+00"],
  "timestamp(0) with time zone": ["2024-01-01 00:00:00+00"],
  "interval": ["1 day", "1 day 00:00:01.9", "1 year 2 mons", "90 min"],
  "interval(0)": ["00:00:02"],
  "interval hour": ["1 day 02:00"],
  "interval day to minute": ["1 day 02:03"],
  "interval year": ["2 years"],
  "json": ['{"a":1,"a":2}', '{"b":"x:\\"y\\"","a":[{"c":1}]}', "7", "[1,2.5]"],
  "jsonb": ['{"a": 1}', "7", "[1, 2]"],
  "uuid": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
  "bytea": ["\\x00ff"],
  "inet": ["10.0.0.1", "10.0.0.0/8"],
  "cidr": ["10.0.0.0/8"],
  "macaddr": ["08:00:2b:01:02:03"],
  "macaddr8": ["08:00:2b:01:02:03:04:05"],
  "bit(3)": ["101"],
  "bit varying": ["101", "10101"],
  "oid": ["7", "4294967295"],
  "xml": ["<a>é</a>"],
  "point": ["(0.1,1)"],
  "tsvector": ["'a' 'b'"],
  "int4range": ["[1,5)", "empty"],
  "int8range": ["[1,5000000000)"],
  "numrange": ["[1.5,2)", "[1,2]"],
  "daterange": ["[2024-01-01,2024-01-02)"],
  "tsrange": ['["2024-01-01 10:00:00.9","2024-01-02 00:00:00")'],
  "tstzrange": ['["2024-01-01 10:00:00.9+00","2024-01-02 00:00:00+00")'],
  "int4multirange": ["{[1,5)}"],
  "smallint[]": ["{7,NULL}"],
  "integer[]": ["{7}", "{16777217}", "{{1,2},{3,4}}"],
  "bigint[]": ["{9007199254740993}", "{7}"],
  "real[]": ["{0.1,0.5,NaN}"],
  "double precision[]": ["{1.23456789012}", "{0.1}", "{0.5,Infinity}"],
  "numeric[]": ["{1.23456789012345678901}", "{7,1.5}"],
  "numeric(10,2)[]": ["{1.23}"],
  "text[]": ['{"ab  ",NULL}', "{7}", "{1.239}", '{"a,b"}'],
  "character varying(2)[]": ["{ab}"],
  "boolean[]": ["{t,f}"],
  "date[]": ["{2024-01-01}", '{"0044-03-15 BC"}'],
  "timestamp without time zone[]": ['{"2024-01-01 10:00:00.9"}', '{"2024-01-01 00:00:00"}'],
  "timestamp(0) without time zone[]": ['{"2024-01-01 10:00:00"}'],
  "timestamp with time zone[]": ['{"2024-01-01 10:00:00.9+00"}'],
  "interval[]": ['{"1 day 00:00:01.9"}'],
  "mood": ["happy"],
  "pair": ["(1.23456789012,x)"],
};

/** A value of one type and what another made of it, both as text: the same by one of the two types. */
const SAME = `
  CREATE TYPE mood AS ENUM ('happy', '7');
  CREATE TYPE pair AS (n double precision, label text);
  CREATE FUNCTION as_number(v text) RETURNS numeric LANGUAGE plpgsql AS $$BEGIN
    RETURN replace(replace(v, '$', ''), ',', '')::numeric; EXCEPTION WHEN OTHERS THEN RETURN NULL; END$$;
  CREATE FUNCTION as_numbers(v text) RETURNS numeric[] LANGUAGE plpgsql AS $$BEGIN
    RETURN v::numeric[]; EXCEPTION WHEN OTHERS THEN RETURN NULL; END$$;
  CREATE FUNCTION readable(v text, t text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN
      EXECUTE format('SELECT %L::%s', v, t); RETURN true; EXCEPTION WHEN OTHERS THEN RETURN false; END$$;
  CREATE FUNCTION compared(a text, b text, t text) RETURNS boolean LANGUAGE plpgsql AS $$
    DECLARE result boolean; BEGIN
      EXECUTE format('SELECT (%L::%s)::text = (%L::%s)::text', a, t, b, t) INTO result; RETURN result;
    EXCEPTION WHEN OTHERS THEN RETURN false; END$$;
  CREATE FUNCTION same(made text, was text, made_type text, was_type text) RETURNS boolean
    LANGUAGE sql AS $$SELECT CASE
      WHEN made = was THEN true
      WHEN as_number(made) IS NOT NULL AND as_number(was) IS NOT NULL
        THEN as_number(made) = as_number(was) OR (was_type = 'real' AND made::real = was::real)
      WHEN as_numbers(made) IS NOT NULL AND as_numbers(was) IS NOT NULL
        THEN as_numbers(made) = as_numbers(was) OR (was_type = 'real[]' AND made::real[] = was::real[])
      -- Text that another type reads: only what its own spelling says again.
      WHEN was_type IN ('text', 'character varying(4)', 'character(4)', 'name', '"char"', 'text[]',
        'character varying(2)[]', 'json') THEN compared(made, was,
          regexp_replace(made_type, '\\(.*?\\)| hour| day to minute| year', '', 'g'))
      ELSE compared(made, was, was_type) END$$`;

/** Text whose reading by the type loses digits, although both spellings are read as the same. */
const NEVER: readonly [value: string, type: RegExp][] = [
  ["1.9999999 sec", /^interval/],
  ["10:00:00.9999999+02", /time zone$/],
  ["1.23456789012345678901", /^(real|double precision|money|numeric\(|interval)/],
  ["12345678901234567890", /^(real|double precision)/],
  ["9007199254740993", /^(real|double precision)/],
  ["1.23456789012", /^real/],
  ["{1.23456789012345678901}", /^(real|double precision|numeric\()/],
  ["{9007199254740993}", /^(real|double precision)/],
  ["0.1234567890123456789", /^(real|double precision|money|numeric\()/],
  ["1e400", /^(real|double precision)/],
  ['{"a":1,"a":2}', /^jsonb$/],
  ["(0.12345678901234567890,1)", /^(point|pair)/],
  ["abc", /^"char"$/],
  ["ab ", /^character\(4\)$/],
];

const SETTINGS = "SET TimeZone = 'UTC'; SET IntervalStyle = iso_8601; SET lc_monetary = 'C';";

/** Whether the server itself would take each of the texts for a value of the type. */
async function readable(database: TestDatabase, texts: readonly string[], type: string) {
  const list = texts.map((text) => `(${quoted(text)})`).join(", ");
  const rows = await database.sql(
    `${SETTINGS} SELECT readable(v, ${quoted(type)}) AS r FROM (VALUES ${list}) AS x(v)`,
  );
  return new Map(texts.map((text, i) => [text, rows[i]!["r"] === true]));
}

/** Types that hold words. */
const WORDS = /^(?:text|name|character|"char"|xml)/;

interface Source {
  readonly type: string;
  readonly field: Field;
  /** Values as the server prints them, and one row of each. */
  readonly texts: readonly string[];
  readonly batches: readonly Batch[];
}

async function sourcesOf(database: TestDatabase): Promise<Source[]> {
  await using connector = await connect(database.url);
  const sources: Source[] = [];
  for (const [type, values] of Object.entries(VALUES)) {
    await database.sql(
      `DROP TABLE IF EXISTS source; CREATE TABLE source (v ${type}); INSERT INTO source VALUES ${
        values.map((value) => `(${quoted(value)}::${type})`).join(", ")
      }`,
    );
    const { fields: [field], batches } = await extract(connector, "source", { batchRows: 1 });
    assert.equal(batches.length, values.length);
    const printed = await database.sql(`${SETTINGS} SELECT v::text AS v FROM source`);
    sources.push({ type, field: field!, batches, texts: printed.map(({ v }) => String(v)) });
  }
  return sources;
}

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

onServers("a value is kept in every other type, or refused", async (database) => {
  await database.sql(SAME);
  const sources = await sourcesOf(database);
  await using connector = await connect(database.url);
  const loader = new PostgresCopyLoader(connector);
  const counts = { pairs: 0, exact: 0, widened: 0, lossy: 0, kept: 0, refused: 0 };
  const faults: string[] = [];
  const [server] = await database.sql(
    "SELECT current_setting('server_version_num')::int AS version",
  );
  // The oldest server takes all pairs, which needs a minute; a newer one every fourth.
  const step = Number(server!["version"]) < 160_000 ? 1 : 4;
  for (const wanted of Object.keys(VALUES)) {
    await database.sql(`DROP TABLE IF EXISTS made; CREATE TABLE made (v ${wanted})`);
    const taken = await readable(database, sources.flatMap(({ texts }) => texts), wanted);
    for (const { type, field, batches, texts } of sources) {
      // What the server refuses as text is refused in any case.
      const tried = batches.map((batch, i) => ({ batch, i })).filter(({ i }) =>
        taken.get(texts[i]!)
      );
      if (tried.length === 0) continue;
      if (counts.pairs++ % step !== 0) continue;
      const task = (rows: readonly Batch[], lossy: LossRule) => ({
        target: { type: "relation", name: "made" } as const,
        staged: stagedBatches([field], rows),
        mode: "replace" as const,
        schema: "strict" as const,
        upsertKeys: [],
        lossy,
        signal: never,
      });
      const pair = `${type} → ${wanted}`;
      const { columns: [column] } = await loader.plan(task([], "stop"));
      const { kind, limit } = column!.conversion;
      counts[kind]++;
      if (kind === "lossy" && limit !== true && counts.pairs % 5 === 1) {
        const stopped = await loader.load(task(batches, "stop")).then(() => "nothing", (e) => e);
        if (!(stopped instanceof LossyConversionError)) {
          faults.push(`${pair}: not stopped, ${stopped}`);
        }
      }
      for (const { batch, i } of tried) {
        const value = VALUES[type]![i]!;
        const at = `${pair}: ${JSON.stringify(value)}`;
        try {
          await loader.load(task([batch], "accept"));
        } catch (error) {
          counts.refused++;
          if (!(error instanceof DXTError)) faults.push(`${at}: ${error}`);
          else if (!/"v"|column v\b|SQLSTATE 2/.test(error.message)) {
            faults.push(`${at}: refused without its field, ${error.message}`);
          }
          // A year that only the server's calendar has is refused by the others, as the rule says.
          if (kind !== "lossy" && !value.includes('"a":1,"a":2')) {
            faults.push(`${at}: ${kind}, yet refused, ${(error as Error).message}`);
          }
          continue;
        }
        counts.kept++;
        // Numbers, dates and arrays are written in dxt's own words, bytes are read from them.
        if (WORDS.test(wanted) && field.dtype !== "string") continue;
        if (wanted === "bytea" && WORDS.test(type)) continue;
        const [row] = await database.sql(
          `${SETTINGS} SELECT made.v::text AS made, same(made.v::text, (${
            quoted(value)
          }::${type})::text, ${quoted(wanted)}, ${quoted(type)}) AS same FROM made`,
        );
        const rounds = NEVER.some(([text, types]) => text === value && types.test(wanted));
        if (row!["same"] !== true || rounds) faults.push(`${at} became ${row!["made"]}, ${kind}`);
      }
    }
  }
  assert.deepEqual(faults, []);
  const { pairs, kept, refused } = counts;
  assert.ok(pairs > 700 && kept * step > 500 && refused * step > 200, Deno.inspect(counts));
});

/** Rows of several columns, some of which only the server reads. */
onServers(
  "what only the server reads is held against what was sent, in every mode",
  async (database) => {
    await database.sql(
      `CREATE TABLE rows (id int, i interval hour, n numeric(5,-2), m money);
     CREATE TABLE keyed (LIKE rows, PRIMARY KEY (id))`,
    );
    await using connector = await connect(database.url);
    const loader = new PostgresCopyLoader(connector);
    const text = (name: string): Field => ({ name, dtype: "string", nullable: true });
    const fields: Field[] = [
      { name: "id", dtype: "int32", nullable: false },
      ...["i", "n", "m"].map(text),
    ];
    const good = [
      { id: 1, i: "P1DT2H", n: "1200", m: "1.5" },
      { id: 2, i: null, n: null, m: null },
      { id: 1, i: "1 day 3 hours", n: "-300", m: "$7.25" },
    ];
    const task = (name: string, records: readonly DXTRecord[], mode: LoadMode) => ({
      target: { type: "relation", name } as const,
      staged: stagedOf(fields, records),
      mode,
      upsertKeys: mode === "upsert" ? ["id"] : [],
      lossy: "accept" as const,
      signal: never,
    });
    const modes = [["rows", "append"], ["rows", "replace"], ["keyed", "upsert"]] as const;
    for (const [table, mode] of modes) {
      assert.equal((await loader.load(task(table, good, mode))).rows, 3);
      const kept = await database.sql(
        `SET IntervalStyle = iso_8601; SELECT id, i::text, n::text, m::numeric::text AS m FROM ${table} ORDER BY id, n DESC`,
      );
      const [, second, third] = [
        { id: 1, i: "P1DT2H", n: "1200", m: "1.50" },
        { id: 1, i: "P1DT3H", n: "-300", m: "7.25" },
        { id: 2, i: null, n: null, m: null },
      ];
      assert.deepEqual(kept.slice(-2).map((row) => ({ ...row })), [second, third], mode);
      const wrong: readonly [DXTRecord, RegExp][] = [
        [
          { id: 4, i: "P1DT2M", n: null, m: null },
          /"i", row 4: expected a value that interval hour keeps, PostgreSQL would make "P1D" of it, value is "P1DT2M"/,
        ],
        [{ id: 4, i: null, n: "1250", m: null }, /"n", row 4: .*numeric\(5,-2\).*"1300"/],
        [{ id: 4, i: null, n: null, m: "0.005" }, /"m", row 4: .*money keeps/],
      ];
      for (const [record, words] of wrong) {
        await assert.rejects(loader.load(task(table, [...good, record], mode)), words);
        assert.equal((await database.sql(`SELECT FROM ${table}`)).length, kept.length);
      }
      // What the server refuses by itself it refuses with line and column.
      await assert.rejects(
        loader.load(task(table, [...good, { id: 4, i: "soon", n: null, m: null }], mode)),
        /invalid input syntax for type interval: "soon".*line 4, column i: /,
      );
    }
  },
);

onServers("a composite type of the same name need not be the same", async (database, { url }) => {
  await database.sql(
    `CREATE TYPE pair AS (n double precision, label text);
     CREATE TABLE pairs AS SELECT '(0.5,x)'::pair AS p UNION ALL SELECT '(1.23456789012,x)'`,
  );
  await using target = await freshDatabase(url);
  await target.sql("CREATE TYPE pair AS (n real, label text); CREATE TABLE pairs (p pair)");
  await using from = await connect(database.url);
  await using to = await connect(target.url);
  const { fields, batches } = await extract(from, "pairs", { batchRows: 1 });
  await load(to, "pairs", stagedBatches(fields, batches.slice(0, 1)));
  await assert.rejects(
    load(to, "pairs", stagedBatches(fields, batches)),
    /field "p", row 2: .*PostgreSQL would make "\(1.2345679,x\)" of it/,
  );
});
