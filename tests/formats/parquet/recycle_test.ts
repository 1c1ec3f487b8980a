/** Batches that are kept, and batches whose memory is used again for the next. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openBuffer, stagePart } from "../../../src/buffers/mod.ts";
import { buildBatches } from "../../../src/arrow/mod.ts";
import type { Batch } from "../../../src/core/contracts/batch.ts";
import type { DXTRecord } from "../../../src/core/values/values.ts";
import parquet from "../../../src/formats/parquet/parquet.ts";
import type { Field } from "../../../src/models/field.ts";
import type { Compression } from "../../../src/models/format.ts";
import { withFolder } from "../../support/run.ts";
import { field, inputOf } from "../json/support.ts";
import { textsOf, writeParquet } from "./support.ts";

const FIELDS: readonly Field[] = [
  field("small", "int16"),
  field("number", "int64"),
  field("real", "float64"),
  field("flag", "bool"),
  field("short", "decimal", { precision: 9, scale: 2 }),
  field("long", "decimal", { precision: 18, scale: 3 }),
  field("wide", "decimal", { precision: 38, scale: 4 }),
  field("wider", "decimal", { precision: 60, scale: 4 }),
  field("day", "date"),
  field("at", "timestamp"),
  field("text", "string"),
  field("id", "string", { uuid: true }),
  field("bytes", "binary"),
];

/** Runs without NULL, with some, and of nothing else, so that pages differ; signs and lengths too. */
function record(n: number): DXTRecord {
  const block = Math.floor(n / 7000) % 4;
  const isNull = (column: number) => block === 1 ? (n + column) % 3 === 0 : block === 3;
  const sign = n % 2 === 0 ? "" : "-";
  const values: DXTRecord = {
    small: n % 30_000 - 15_000,
    number: BigInt(n) * 7919n * (n % 2 === 0 ? 1n : -1n),
    real: n / 3,
    flag: n % 5 < 2,
    short: `${sign}${n % 1000}.25`,
    long: `${sign}${n}.125`,
    wide: `${sign}${n}000000000000.0625`,
    wider: `${sign}${n}000000000000000000000000000000.0625`,
    day: new Temporal.PlainDate(2000, 1, 1).add({ days: n % 9000 }),
    at: new Temporal.PlainDateTime(2000, 1, 1).add({ seconds: n }),
    text: "é".repeat(n % 50) + n,
    id: `${n.toString(16).padStart(8, "0")}-0000-4000-8000-00000000000${n % 10}`,
    bytes: Uint8Array.of(n, n >> 8, n % 7),
  };
  FIELDS.forEach(({ name }, column) => {
    if (isNull(column)) values[name] = null;
  });
  return values;
}

const RECORDS = Array.from({ length: 45_000 }, (_, n) => record(n));

function batches(bytes: Uint8Array, batchRows: number, compression: Compression, recycle: boolean) {
  return parquet.read(inputOf(bytes), {
    projections: FIELDS.map((one) => ({ field: one, column: one.name })),
    ...{ batchRows, batchBytes: 1 << 24, compression, options: {}, recycle },
  });
}

for (const compression of ["zstd", "none"] as const) {
  Deno.test(`parquet ${compression}: memory that is used again shows nothing of what it held`, async () => {
    const options = { row_group_rows: 12_000 };
    const bytes = await writeParquet(FIELDS, RECORDS, { compression, options });
    for (const batchRows of [65_536, 1000]) {
      const kept = await Array.fromAsync(batches(bytes, batchRows, compression, false));
      const wanted = kept.flatMap((batch) => textsOf(batch));
      assert.equal(wanted.length, RECORDS.length);
      const seen: ReturnType<typeof textsOf> = [];
      for await (const batch of batches(bytes, batchRows, compression, true)) {
        seen.push(...textsOf(batch));
      }
      assert.deepEqual(seen, wanted);
    }
  });
}

Deno.test("batches of a stage may be kept, unless its reader says that they are not", () =>
  withFolder(async (folder) => {
    const buffer = await openBuffer({}, join(folder, "stage"));
    async function* extracted() {
      yield* buildBatches(FIELDS, RECORDS, { rows: 8192, bytes: 1 << 26 });
      return await Promise.resolve({ rows: RECORDS.length, evidence: "all" });
    }
    const staged = await buffer.write(
      FIELDS,
      async ({ folder }) => [await stagePart({}, { folder, fields: FIELDS }, extracted())],
      () => ({ pipeline: "p", stream: "s", run_id: "r", source: null }),
      { unrepeatable: "a test has staged it" },
    );
    const kept: Batch[] = await Array.fromAsync(staged.readBatches());
    const seen: ReturnType<typeof textsOf> = [];
    for await (const batch of staged.readBatches(true)) seen.push(...textsOf(batch));
    assert.ok(kept.length > 2);
    assert.deepEqual(kept.flatMap((batch) => textsOf(batch)), seen);
  }));
