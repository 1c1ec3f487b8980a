/** What other readers see in files that dxt wrote. */
import assert from "node:assert/strict";
import { buildBatches } from "../../../src/arrow/mod.ts";
import { INFINITY, NEGATIVE_INFINITY } from "../../../src/core/values/values.ts";
import type { DXTRecord } from "../../../src/core/values/values.ts";
import parquet from "../../../src/formats/parquet/parquet.ts";
import { isJSONType } from "../../../src/core/values/kinds.ts";
import { readFooter } from "../../../src/formats/parquet/reader/footer.ts";
import type { Field } from "../../../src/models/field.ts";
import { extremes, FIELDS_OF_EVERY_TYPE } from "../../conformance/values.ts";
import { field, inputOf } from "../json/support.ts";
import { Repetition, SchemaElement } from "../../../src/formats/parquet/thrift/metadata.ts";
import {
  duckdb,
  duckdbTexts,
  foreignTexts,
  noDuckDB,
  noPyarrow,
  pyarrow,
  readerTest,
} from "./other_readers.ts";
import { textsOf, withFile, writeParquet } from "./support.ts";

const decimal = (precision: number, scale: number) =>
  field(`d${precision}`, "decimal", { precision, scale });

const FIELDS: readonly Field[] = [
  ...FIELDS_OF_EVERY_TYPE,
  ...[1, 9, 10, 18, 19, 27, 38, 39, 57, 76].map((precision) => decimal(precision, precision >> 1)),
  field("required", "int16", { nullable: false }),
  field("only_null", "string"),
  field("never_null", "timestamp"),
  field("nan", "float64"),
  field("a.b ż", "uint16"),
  // Those whose differences are small are packed.
  field("counting", "int64"),
  field("unsigned", "uint64"),
  field("amount", "decimal", { precision: 15, scale: 2 }),
];

const INFINITE = [INFINITY, NEGATIVE_INFINITY]
  .map((value) => ({ f_date: value, f_timestamp: value, f_timestamp_tz: value }));

/** Rows enough for many pages and for NULLs in all places. */
function records(base: readonly DXTRecord[], count: number): DXTRecord[] {
  return Array.from({ length: count }, (_, i) => {
    const record: DXTRecord = { ...base[(i * 7 + (i >> 5)) % base.length]! };
    for (const { name, dtype, precision = 0, scale = 0 } of FIELDS) {
      if (dtype !== "decimal" || !name.startsWith("d")) continue;
      const digits = "9".repeat(1 + i % precision).padStart(scale + 1, "0");
      const whole = digits.slice(0, digits.length - scale);
      const text = scale === 0 ? whole : `${whole}.${digits.slice(-scale)}`;
      record[name] = i % 5 === 0 ? null : i % 2 === 0 ? text : `-${text}`;
    }
    record["required"] = i % 30_000;
    record["only_null"] = null;
    record["never_null"] = new Temporal.PlainDateTime(2024, 1, 1).add({ microseconds: i });
    record["nan"] = i % 3 === 0 ? NaN : i;
    record["a.b ż"] = i % 65_536;
    const steps = i * 37 - (i % 13) * 900;
    record["counting"] = i % 11 === 0 ? null : BigInt(steps) - 5_000_000_000n;
    record["unsigned"] = i % 7 === 0 ? null : 2n ** 64n - 1n - BigInt(i * 3 + i % 5);
    record["amount"] = i % 9 === 0 ? null : `${steps - 100_000}.${10 + i % 90}`;
    return record;
  });
}

const ROWS = records([...extremes(), ...INFINITE], 20_000);
/** DuckDB has other numbers for infinity, and cannot show these. */
const FINITE = records(extremes(), 20_000);
const SMALL = FINITE.slice(0, 500);

async function textsOfRecords(given: readonly DXTRecord[]) {
  const batches = await Array.fromAsync(
    buildBatches(FIELDS, given, { rows: 1000, bytes: 1 << 24 }),
  );
  return batches.flatMap((batch) => textsOf(batch));
}

function assertSame(read: readonly unknown[][], wanted: readonly unknown[][]): void {
  assert.equal(read.length, wanted.length);
  // The whole at once would take the assertion minutes to tell the difference.
  wanted.forEach((row, i) => assert.deepEqual(read[i], row, `row ${i}`));
}

Deno.test("fields of JSON are columns of JSON, and a field without NULL is required", async () => {
  const { columns } = await readFooter(inputOf(await writeParquet(FIELDS, SMALL)));
  assert.deepEqual(
    columns.map(({ isJSON }) => isJSON),
    FIELDS.map(({ dtype }) => isJSONType(dtype)),
  );
  assert.deepEqual(
    columns.map(({ declared: [element] }) => element!.number(SchemaElement.repetition)),
    FIELDS.map(({ nullable }) => nullable ? Repetition.OPTIONAL : Repetition.REQUIRED),
  );
});

for (const compression of parquet.compressions) {
  const settings = { compression, options: { row_group_rows: 18_000 }, batchRows: 3000 };
  // Pages are the same with each.
  const count = compression === "zstd" ? ROWS.length : 2000;
  const rows = ROWS.slice(0, count);
  const finite = FINITE.slice(0, count);

  Deno.test(`a file is read as that of another writer with ${compression}`, async () => {
    const read = await foreignTexts(await writeParquet(FIELDS, rows, settings));
    assert.deepEqual(read.fields, FIELDS);
    assertSame(read.rows, await textsOfRecords(rows));
  });

  readerTest(
    `DuckDB reads every value of a file with ${compression}`,
    noDuckDB,
    async () =>
      await withFile(await writeParquet(FIELDS, finite, settings), async (path) => {
        const wanted = (await textsOfRecords(finite)).map((row) =>
          row.map((text, i) =>
            FIELDS[i]!.dtype === "decimal" && FIELDS[i]!.precision! > 38 && text !== null
              ? "wide"
              : text
          )
        );
        assertSame(await duckdbTexts(path, FIELDS), wanted);
      }),
  );

  readerTest(
    `pyarrow reads every value and checksum of a file with ${compression}`,
    noPyarrow,
    async () =>
      await withFile(await writeParquet(FIELDS, rows, settings), async (path) => {
        const file = await pyarrow(path, FIELDS);
        assertSame(file.rows, await textsOfRecords(rows));
        assert.deepEqual(file.nullable, FIELDS.map(({ nullable }) => nullable));
        const json = FIELDS.filter(({ dtype }) => isJSONType(dtype)).map(({ name }) => name);
        const typed = FIELDS.filter((_, i) => file.types[i]!.includes("json"));
        assert.deepEqual(typed.map(({ name }) => name), json);
        const uuid = FIELDS.findIndex(({ name }) => name === "f_uuid");
        assert.equal(file.types[uuid], "extension<arrow.uuid>");
      }),
  );
}

readerTest(
  "DuckDB's own lowest and highest values are those of the statistics",
  noDuckDB,
  async () =>
    await withFile(await writeParquet(FIELDS, SMALL), async (path) => {
      const names = FIELDS.filter(({ name, dtype, precision = 0 }) =>
        dtype !== "binary" && precision <= 38 && !["f_string", "only_null", "nan"].includes(name) &&
        // It does not tell infinities.
        !name.startsWith("f_float")
      ).map(({ name }) => name);
      const aggregates = names.map((name) =>
        `min("${name}")::VARCHAR, max("${name}")::VARCHAR, count(*) - count("${name}")`
      );
      const [[own], statistics] = await duckdb(
        `SELECT ${aggregates.join(", ")} FROM read_parquet('${path}')`,
        `SELECT path_in_schema, stats_min_value, stats_max_value, stats_null_count
          FROM parquet_metadata('${path}')`,
      ) as [unknown[][], unknown[][]];
      const told = new Map(statistics.map(([name, ...rest]) => [name, rest]));
      for (const [i, name] of names.entries()) {
        assert.deepEqual(told.get(name), own!.slice(i * 3, i * 3 + 3), name);
      }
    }),
);

readerTest(
  "DuckDB leaves out row groups by their statistics and finds all rows",
  noDuckDB,
  async () => {
    const fields = [
      field("i", "int64"),
      field("u", "uint64"),
      field("f", "float64"),
      field("s", "string"),
      field("d", "decimal", { precision: 30, scale: 2 }),
    ];
    const count = 3000;
    const rows = Array.from({ length: count }, (_, i) => ({
      i: BigInt(i) - 1500n,
      u: 2n ** 64n - 1n - BigInt(i),
      f: i % 7 === 0 ? NaN : i - 1500,
      s: `${"ż".repeat(40)}${String(i).padStart(6, "0")}`,
      d: `${i - 1500}.25`,
    }));
    await withFile(
      await writeParquet(fields, rows, { options: { row_group_rows: 100 } }),
      async (path) => {
        const where = [
          "i = -1500 OR i = 1499",
          "u >= 18446744073709551614",
          "f BETWEEN -10 AND 10",
          `s = '${"ż".repeat(40)}002999'`,
          "d > 1490",
          "i > 5000",
        ];
        const answers = await duckdb(
          ...where.map((w) => `SELECT count(*)::INT FROM read_parquet('${path}') WHERE ${w}`),
        );
        const finite = rows.filter(({ f }) => f >= -10 && f <= 10).length;
        assert.deepEqual(answers.map(([row]) => row![0]), [2, 2, finite, 1, 10, 0]);
      },
    );
  },
);

readerTest(
  "pyarrow reads the statistics of each column",
  noPyarrow,
  async () =>
    await withFile(await writeParquet(FIELDS, SMALL), async (path) => {
      const { statistics: [group] } = await pyarrow(path, FIELDS);
      const of = (name: string) => group![FIELDS.findIndex((field) => field.name === name)]!;
      assert.deepEqual(of("f_uint64").bounds, ["0", "18446744073709551615"]);
      assert.deepEqual(of("f_int8").bounds, ["-128", "127"]);
      assert.deepEqual(of("f_decimal38").bounds, [
        `-${"9".repeat(28)}.${"9".repeat(10)}`,
        `${"9".repeat(28)}.${"9".repeat(10)}`,
      ]);
      assert.deepEqual(of("f_uuid").bounds, ["00".repeat(16), "ff".repeat(16)]);
      assert.deepEqual(of("nan").bounds, ["1.0", "499.0"]);
      assert.deepEqual(of("only_null"), { nulls: SMALL.length, bounds: null });
      assert.equal(of("never_null").nulls, 0);
    }),
);
