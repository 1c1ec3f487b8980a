/** Lowest and highest values, and numbers of NULLs, that column chunks say they have. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { type DXTRecord, INTEGER_BOUNDS } from "../../../src/core/values/values.ts";
import { readFooter } from "../../../src/formats/parquet/reader/footer.ts";
import {
  ColumnChunk,
  ColumnMetaData,
  FileMetaData,
  RowGroup,
  Statistics,
} from "../../../src/formats/parquet/thrift/metadata.ts";
import type { Field } from "../../../src/models/field.ts";
import { field, inputOf } from "../json/support.ts";
import { writeParquet } from "./support.ts";

interface Told {
  readonly nulls: number | undefined;
  readonly min: Uint8Array | undefined;
  readonly max: Uint8Array | undefined;
  readonly isMinExact: boolean | undefined;
  readonly isMaxExact: boolean | undefined;
}

/** What each row group of a file with one column tells. */
async function told(given: Field, values: readonly unknown[], rows = 65_536): Promise<Told[]> {
  const records = values.map((value) => ({ [given.name]: value }) as DXTRecord);
  const bytes = await writeParquet([given], records, { options: { row_group_rows: rows } });
  const { metadata } = await readFooter(inputOf(bytes));
  return metadata.structs(FileMetaData.rowGroups).map((group) => {
    const statistics = group.structs(RowGroup.columns)[0]!.struct(ColumnChunk.metadata)!
      .struct(ColumnMetaData.statistics)!;
    return {
      nulls: statistics.number(Statistics.nullCount),
      min: statistics.get(Statistics.min) as Uint8Array | undefined,
      max: statistics.get(Statistics.max) as Uint8Array | undefined,
      isMinExact: statistics.flag(Statistics.isMinExact),
      isMaxExact: statistics.flag(Statistics.isMaxExact),
    };
  });
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const text = (bytes: Uint8Array | undefined) => bytes && utf8.decode(bytes);

Deno.test("integers have their lowest and highest value, signed or not", async () => {
  for (const dtype of Object.keys(INTEGER_BOUNDS) as (keyof typeof INTEGER_BOUNDS)[]) {
    const [min, max] = INTEGER_BOUNDS[dtype];
    const value = fc.option(fc.bigInt({ min, max }));
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 50 }), async (values) => {
        const isLong = dtype.endsWith("64");
        const [one] = await told(
          field("v", dtype),
          values.map((value) => value === null || isLong ? value : Number(value)),
        );
        const present = values.filter((value) => value !== null).sort((a, b) => a < b ? -1 : 1);
        assert.equal(one!.nulls, values.length - present.length);
        if (present.length === 0) return assert.equal(one!.min, undefined);
        const read = (bytes: Uint8Array) => {
          assert.equal(bytes.length, isLong ? 8 : 4);
          if (isLong) return viewOf(bytes).getBigInt64(0, true);
          return BigInt(viewOf(bytes).getInt32(0, true));
        };
        const wrapped = (value: bigint) => BigInt.asIntN(isLong ? 64 : 32, value);
        assert.equal(read(one!.min!), wrapped(present[0]!));
        assert.equal(read(one!.max!), wrapped(present.at(-1)!));
      }),
      { numRuns: 30 },
    );
  }
});

Deno.test("decimals of every width have their lowest and highest value", async () => {
  for (const precision of [9, 18, 19, 38, 39, 76]) {
    const most = 10n ** BigInt(precision) - 1n;
    const value = fc.bigInt({ min: -most, max: most });
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 20 }), async (values) => {
        const given = field("v", "decimal", { precision, scale: 0 });
        const [one] = await told(given, values.map(String));
        const sorted = values.toSorted((a, b) => a < b ? -1 : 1);
        const read = (bytes: Uint8Array) => {
          // Of more than 18 digits the highest byte is the first.
          const hex = (precision > 18 ? bytes : bytes.toReversed()).toHex();
          return BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`));
        };
        assert.equal(read(one!.min!), sorted[0]);
        assert.equal(read(one!.max!), sorted.at(-1));
      }),
      { numRuns: 30 },
    );
  }
});

Deno.test("NaN is in no bound, and zero is a bound of both signs", async () => {
  for (const dtype of ["float32", "float64"] as const) {
    const read = (bytes: Uint8Array) =>
      dtype === "float32" ? viewOf(bytes).getFloat32(0, true) : viewOf(bytes).getFloat64(0, true);
    const bounds = async (...values: number[]) => {
      const [one] = await told(field("v", dtype), values);
      return one!.min === undefined ? undefined : [read(one!.min), read(one!.max!)];
    };
    assert.deepEqual(await bounds(NaN, 1, 2.5, NaN), [1, 2.5]);
    assert.equal(await bounds(NaN, NaN), undefined);
    const [min, max] = (await bounds(0))!;
    assert.ok(Object.is(min, -0) && Object.is(max, 0));
    const [low, high] = (await bounds(-0, NaN))!;
    assert.ok(Object.is(low, -0) && Object.is(high, 0));
    assert.deepEqual(await bounds(Infinity, Infinity), [Infinity, Infinity]);
    assert.deepEqual(await bounds(-Infinity, 3), [-Infinity, 3]);
  }
});

Deno.test("booleans have the bounds that they are", async () => {
  const bounds = async (...values: (boolean | null)[]) => {
    const [one] = await told(field("v", "bool"), values);
    return [one!.min?.[0], one!.max?.[0], one!.nulls];
  };
  assert.deepEqual(await bounds(true, false), [0, 1, 0]);
  assert.deepEqual(await bounds(true, null), [1, 1, 1]);
  assert.deepEqual(await bounds(...Array.from({ length: 9 }, () => false)), [0, 0, 0]);
  assert.deepEqual(await bounds(null), [undefined, undefined, 1]);
});

Deno.test("text has bounds that are text, exact up to 64 bytes and not far beyond", async () => {
  const piece = fc.constantFrom("a", "ż", "日", "🦕", "\u{10ffff}", "\ud7ff", "\0", "z".repeat(62));
  const beginning = fc.constantFrom("", "", "a", "\ufeff", "customer ", "customer number ");
  const value = fc.tuple(beginning, fc.array(piece, { maxLength: 40 })).map(([begin, pieces]) =>
    begin + pieces.join("")
  );
  const values = fc.array(value, { minLength: 1, maxLength: 24 });
  await fc.assert(
    fc.asyncProperty(values, fc.integer({ min: 1, max: 24 }), async (values, rows) => {
      const groups = await told(field("v", "string"), values, rows);
      assert.equal(groups.length, Math.ceil(values.length / rows));
      groups.forEach((one, i) => checkText(one, values.slice(i * rows, (i + 1) * rows)));
    }),
    { numRuns: 500 },
  );
});

function checkText({ min, max, isMinExact, isMaxExact }: Told, values: readonly string[]): void {
  const bytes = values.map((value) => Buffer.from(value)).sort(Buffer.compare);
  const [lowest, highest] = [bytes[0]!, bytes.at(-1)!];
  if (max === undefined) return assert.match(text(highest)!, /^\u{10ffff}{16}/u);
  assert.ok(text(min) !== undefined && min!.length <= 64);
  assert.equal(isMinExact, lowest.length <= 64);
  assert.ok(isMinExact ? lowest.equals(min!) : Buffer.compare(min!, lowest) < 0);
  assert.ok(text(max) !== undefined && max.length <= 64 + 3);
  assert.equal(isMaxExact, highest.length <= 64);
  assert.ok(isMaxExact ? highest.equals(max) : Buffer.compare(max, highest) > 0);
}

Deno.test("binary has bounds by its bytes, none above the highest ones", async () => {
  const value = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.nat(80).map((size) => new Uint8Array(size).fill(255)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 12 }), async (values) => {
      const [{ min, max, isMaxExact }] = await told(field("v", "binary"), values) as [Told];
      const bytes = values.toSorted(Buffer.compare);
      const highest = bytes.at(-1)!;
      if (max === undefined) return assert.ok(highest.subarray(0, 64).every((b) => b === 255));
      assert.ok(Buffer.compare(min!, bytes[0]!) <= 0);
      assert.ok(Buffer.compare(max, highest) >= (isMaxExact ? 0 : 1));
    }),
    { numRuns: 300 },
  );
});

Deno.test("each row group has bounds of its own", async () => {
  const groups = await told(
    field("v", "string"),
    ["b", "a", null, "d", "c", "e", "lowest", "upmost", "middle", "nearly"],
    2,
  );
  assert.deepEqual(groups.map(({ min, max, nulls }) => [text(min), text(max), nulls]), [
    ["a", "b", 0],
    ["d", "d", 1],
    ["c", "e", 0],
    ["lowest", "upmost", 0],
    ["middle", "nearly", 0],
  ]);
  const numbers = await told(field("v", "int64"), [1n, 9n, 3n, 4n, -2n, -1n], 2);
  const read = (bytes: Uint8Array | undefined) => viewOf(bytes!).getBigInt64(0, true);
  assert.deepEqual(numbers.map(({ min, max }) => [read(min), read(max)]), [
    [1n, 9n],
    [3n, 4n],
    [-2n, -1n],
  ]);
});
