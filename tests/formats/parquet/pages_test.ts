/** Pages of other writers: every encoding of text, and pages that are not what they say. */
import assert from "node:assert/strict";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { DXTError, ValidationError, ValueError } from "../../../src/core/errors.ts";
import type { Value } from "../../../src/core/values/values.ts";
import { concat } from "../../../src/core/values/bytes.ts";
import {
  ConvertedType,
  Encoding,
  FileMetaData,
  LogicalType,
  MAGIC,
  PhysicalType,
  RowGroup,
  SchemaElement,
} from "../../../src/formats/parquet/thrift/metadata.ts";
import parquet from "../../../src/formats/parquet/parquet.ts";
import { snappyCompress } from "../../../src/formats/parquet/snappy.ts";
import { I32, I64, ThriftStruct } from "../../../src/formats/parquet/thrift/thrift.ts";
import { field, inputOf, readAll } from "../json/support.ts";
import {
  handmade,
  type HandmadeFile,
  type HandmadePage,
  plainTexts,
  run,
  uint32,
} from "./handmade.ts";
import { asForeign, writeParquet } from "./support.ts";

const { PLAIN, RLE_DICTIONARY, PLAIN_DICTIONARY, DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY } =
  Encoding;

async function values(file: HandmadeFile): Promise<Value[]> {
  const input = inputOf(handmade(file));
  const fields = await parquet.inferFields(input, { compression: "none", options: {} });
  return (await readAll(parquet, input, fields)).map(({ v }) => v!);
}

const dictionary = (...texts: string[]): HandmadePage => ({
  kind: "dictionary",
  values: texts.length,
  encoding: PLAIN,
  bytes: plainTexts(...texts),
});
const hex = (text: string) => Uint8Array.fromHex(text);

/** Levels in front of the values of a page of the first version. */
const leveled = (levels: Uint8Array, bytes: Uint8Array) =>
  concat(uint32(levels.length), levels, bytes);

/** 1, 0, 1 as packed levels. */
const LEVELS = hex("0305");

const READ: Record<string, readonly [HandmadeFile, Value[]]> = {
  "plain": [{
    rows: 3,
    pages: [{ values: 3, encoding: PLAIN, bytes: plainTexts("a", "", "żółć") }],
  }, [
    "a",
    "",
    "żółć",
  ]],
  "plain with NULL": [{
    rows: 3,
    optional: true,
    pages: [{ values: 3, encoding: PLAIN, bytes: leveled(LEVELS, plainTexts("a", "b")) }],
  }, ["a", null, "b"]],
  "levels as the first writers packed them": [{
    rows: 3,
    optional: true,
    pages: [{
      values: 3,
      encoding: PLAIN,
      definitionEncoding: Encoding.BIT_PACKED,
      bytes: concat(hex("a0"), plainTexts("a", "b")),
    }],
  }, ["a", null, "b"]],
  "the second version": [{
    rows: 3,
    optional: true,
    pages: [{
      kind: "second",
      values: 3,
      encoding: PLAIN,
      definition: LEVELS,
      bytes: plainTexts("a", "b"),
    }],
  }, ["a", null, "b"]],
  "a dictionary": [{
    rows: 5,
    pages: [dictionary("x", "yy", ""), {
      values: 5,
      encoding: RLE_DICTIONARY,
      // Two bits: a run of two 1, then packed 2, 0, 1.
      bytes: concat(hex("02"), run(2, 1), hex("031200")),
    }],
  }, ["yy", "yy", "", "x", "yy"]],
  "a dictionary under its old name, of one word, and plain values behind it": [{
    rows: 4,
    pages: [
      { ...dictionary("w"), encoding: PLAIN_DICTIONARY },
      { values: 2, encoding: PLAIN_DICTIONARY, bytes: concat(hex("00"), hex("04")) },
      { values: 2, encoding: PLAIN, bytes: plainTexts("p", "q") },
    ],
  }, ["w", "w", "p", "q"]],
  "nothing but NULL": [{
    rows: 4,
    optional: true,
    pages: [dictionary(), {
      values: 4,
      encoding: RLE_DICTIONARY,
      bytes: leveled(run(4, 0), new Uint8Array()),
    }],
  }, [null, null, null, null]],
  "packed lengths": [{
    rows: 3,
    pages: [{
      values: 3,
      encoding: DELTA_LENGTH_BYTE_ARRAY,
      // Lengths 1, 3, 0: blocks of 128 in 4 parts; the least difference -3, widths 3.
      bytes: concat(
        hex("8001040302"),
        hex("0503000000"),
        hex("0500"),
        new Uint8Array(10),
        hex("61626364"),
      ),
    }],
  }, ["a", "bcd", ""]],
  "shared beginnings": [{
    rows: 3,
    pages: [{
      values: 3,
      encoding: DELTA_BYTE_ARRAY,
      bytes: concat(
        // Prefixes 0, 2, 3; suffixes 3, 1, 0.
        hex("8001040300"),
        hex("0201000000"),
        hex("0100"),
        new Uint8Array(2),
        hex("8001040306"),
        hex("0301000000"),
        hex("0200"),
        new Uint8Array(2),
        hex("616263"),
        hex("64"),
      ),
    }],
  }, ["abc", "abd", "abd"]],
  "an empty page, and a page of an index, between others": [{
    rows: 2,
    pages: [
      { values: 1, encoding: PLAIN, bytes: plainTexts("a") },
      { values: 0, encoding: PLAIN, bytes: new Uint8Array() },
      { values: 1, encoding: PLAIN, bytes: plainTexts("b") },
    ],
  }, ["a", "b"]],
};

for (const [what, [file, wanted]] of Object.entries(READ)) {
  Deno.test(`text is read: ${what}`, async () => {
    assert.deepEqual(await values(file), wanted);
  });
}

const plain = plainTexts("one", "two", "three".repeat(50));
const page = (bytes: Uint8Array, more: Partial<HandmadePage> = {}): HandmadePage => ({
  values: 3,
  encoding: PLAIN,
  bytes,
  size: plain.length,
  ...more,
});

/** A block of LZ4 of literals alone: more than 15 of them, told in bytes that are summed. */
const lz4 = concat(
  hex("f0"),
  new Uint8Array(Math.floor((plain.length - 15) / 255)).fill(255),
  Uint8Array.of((plain.length - 15) % 255),
  plain,
);

const CODECS: Record<string, readonly [number, Uint8Array]> = {
  none: [0, plain],
  snappy: [1, snappyCompress(plain)],
  gzip: [2, gzipSync(plain)],
  "gzip of two members": [2, concat(gzipSync(plain.subarray(0, 9)), gzipSync(plain.subarray(9)))],
  brotli: [4, brotliCompressSync(plain)],
  "LZ4 of Hadoop": [5, concat(bigEndian(plain.length), bigEndian(lz4.length), lz4)],
  "LZ4 without a frame, under the old number": [5, lz4],
  zstd: [6, zstdCompressSync(plain)],
  LZ4: [7, lz4],
};

function bigEndian(value: number): Uint8Array {
  return uint32(value).toReversed();
}

for (const [name, [codec, bytes]] of Object.entries(CODECS)) {
  Deno.test(`pages are decompressed, and those that say another size refused: ${name}`, async () => {
    const texts = ["one", "two", "three".repeat(50)];
    assert.deepEqual(await values({ rows: 3, codec, pages: [page(bytes)] }), texts);
    for (const size of [plain.length - 1, plain.length + 1, 1]) {
      await assert.rejects(
        values({ rows: 3, codec, pages: [page(bytes, { size })] }),
        ValidationError,
      );
    }
  });
}

const integers: Pick<HandmadeFile, "type"> = { type: PhysicalType.INT32 };
const int = (value: number) => new Uint8Array(Int32Array.of(value).buffer);
const annotated = (converted: number): Partial<HandmadeFile> => ({
  ...integers,
  element: (element) => element.set(SchemaElement.convertedType, I32, converted),
});

/** Files that say what they are not, or more than they may. */
const REFUSED: Record<string, readonly [HandmadeFile, RegExp]> = {
  "LZO": [
    { rows: 3, codec: 3, pages: [page(plain)] },
    /column "v" of "test": it is compressed with "lzo", expected none, snappy, gzip/,
  ],
  "an unknown codec": [
    { rows: 3, codec: 99, pages: [page(plain)] },
    /unknown codec, number 99/,
  ],
  "an unknown codec of numbers": [
    { ...integers, rows: 1, codec: 99, pages: [page(int(1), { values: 1 })] },
    /unknown codec, number 99/,
  ],
  "an unknown encoding": [
    { rows: 3, pages: [page(plain, { encoding: 77 })] },
    /column "v" has an unknown encoding, number 77/,
  ],
  "an unknown encoding of numbers": [
    { ...integers, rows: 1, pages: [page(int(1), { values: 1, encoding: 10 })] },
    /column "v" has an unknown encoding, number 10/,
  ],
  "an encoding of numbers for text": [
    { rows: 3, pages: [page(plain, { encoding: Encoding.DELTA_BINARY_PACKED })] },
    /an encoding that is not for text, number 5/,
  ],
  "a wrong checksum": [
    { rows: 3, pages: [page(plain, { crc: 1 })] },
    /column "v" has a page with a wrong checksum/,
  ],
  "a wrong checksum of a dictionary": [
    {
      rows: 1,
      pages: [
        { ...dictionary("a"), crc: 7 },
        page(hex("0002"), { values: 1, encoding: RLE_DICTIONARY }),
      ],
    },
    /wrong checksum/,
  ],
  "a wrong checksum of numbers": [
    { ...integers, rows: 1, pages: [page(int(1), { values: 1, crc: 1, size: 4 })] },
    /wrong checksum/,
  ],
  "an index beyond its dictionary": [
    {
      rows: 1,
      pages: [
        dictionary("a", "b"),
        page(concat(hex("08"), run(1, 2)), { values: 1, encoding: RLE_DICTIONARY, size: 3 }),
      ],
    },
    /an index outside its dictionary, 2 of 2/,
  ],
  "indices without a dictionary": [
    {
      rows: 1,
      pages: [page(concat(hex("08"), run(1, 0)), { values: 1, encoding: RLE_DICTIONARY, size: 3 })],
    },
    /no dictionary/,
  ],
  "a dictionary of more words than bytes": [
    {
      rows: 1,
      pages: [
        { ...dictionary("a"), values: 0x7fffffff },
        page(hex("0002"), { values: 1, encoding: RLE_DICTIONARY }),
      ],
    },
    /a dictionary with a wrong size/,
  ],
  "a length beyond its page": [
    { rows: 1, pages: [page(concat(uint32(0xffffffff), hex("61")), { values: 1, size: 5 })] },
    /values outside its page/,
  ],
  "fewer values than rows": [
    { rows: 4, pages: [page(plain, { values: 4 })] },
    /values outside its page/,
  ],
  "more values than rows": [
    { rows: 2, pages: [page(plain, { values: 2 })] },
    /more values than it declares/,
  ],
  "fewer pages than rows": [{ rows: 5, pages: [page(plain)] }, /header of a page is malformed/],
  "more pages than rows": [
    { rows: 4, pages: [page(plain), page(plain)] },
    /column "v" has more values than its metadata declares/,
  ],
  "levels of fewer rows": [
    {
      rows: 3,
      optional: true,
      pages: [page(leveled(run(2, 1), plain), { size: plain.length + 6 })],
    },
    /fewer values than it declares/,
  ],
  "a page of 2 GiB": [
    { rows: 3, codec: 6, pages: [page(zstdCompressSync(plain), { size: 0x7fffffff })] },
    /column "v" has a page of 2147483647 bytes uncompressed.*at most 134217728: write the file again/,
  ],
  "a dictionary of 1 GiB": [
    { rows: 3, codec: 4, pages: [{ ...dictionary("a"), size: 2 ** 30 }, page(plain)] },
    /column "v" has a dictionary of 1073741824 bytes uncompressed/,
  ],
  "numbers of 1 GiB": [
    {
      ...integers,
      rows: 3,
      codec: 4,
      pages: [page(brotliCompressSync(int(1)), { size: 2 ** 30 })],
    },
    /column "v" has pages that take 1073741824 bytes uncompressed at once, expected at most 67108864/,
  ],
  "a prefix longer than the value before": [
    {
      rows: 1,
      pages: [
        page(concat(hex("8001040102"), hex("8001040100")), {
          values: 1,
          encoding: DELTA_BYTE_ARRAY,
          size: 10,
        }),
      ],
    },
    /values outside its page/,
  ],
  "blocks of no parts": [
    {
      rows: 1,
      pages: [page(hex("8001000102"), { values: 1, encoding: DELTA_LENGTH_BYTE_ARRAY, size: 5 })],
    },
    /column "v" has malformed packed lengths/,
  ],
  "a negative length": [
    {
      rows: 1,
      pages: [page(hex("8001040101"), { values: 1, encoding: DELTA_LENGTH_BYTE_ARRAY, size: 5 })],
    },
    /column "v" has malformed packed lengths/,
  ],
};

for (const [what, [file, reason]] of Object.entries(REFUSED)) {
  Deno.test(`refused with its reason: ${what}`, async () => {
    await assert.rejects(values(file), (error) => {
      assert.ok(error instanceof ValidationError, String(error));
      assert.match(error.message, reason);
      return true;
    });
  });
}

const int96 = (nanos: bigint, day: number) =>
  concat(new Uint8Array(BigInt64Array.of(nanos).buffer), int(day));

/** Values that their column's type does not have. */
const BEYOND: Record<string, readonly [HandmadeFile, value: RegExp]> = {
  "text that is not UTF-8": [
    { rows: 2, pages: [{ values: 2, encoding: PLAIN, bytes: plainTexts("a", hex("ff61")) }] },
    /expected text in UTF-8, value is 0xff61/,
  ],
  "a character cut in two": [
    { rows: 2, pages: [{ values: 2, encoding: PLAIN, bytes: plainTexts("", hex("c5")) }] },
    /expected text in UTF-8, value is 0xc5/,
  ],
  "300 as uint8": [
    {
      ...annotated(ConvertedType.UINT_8),
      rows: 2,
      pages: [page(concat(int(255), int(300)), { values: 2, size: 8 })],
    },
    /expected uint8 \(0 to 255\), value is "300"/,
  ],
  "-1 as uint16": [
    {
      ...annotated(ConvertedType.UINT_8 + 1),
      rows: 2,
      pages: [page(concat(int(65535), int(-1)), { values: 2, size: 8 })],
    },
    /expected uint16 \(0 to 65535\), value is "-1"/,
  ],
  "-129 as int8": [
    {
      ...annotated(ConvertedType.INT_8),
      rows: 2,
      pages: [page(concat(int(-128), int(-129)), { values: 2, size: 8 })],
    },
    /expected int8 \(-128 to 127\), value is "-129"/,
  ],
  "32768 as int16": [
    {
      ...annotated(ConvertedType.INT_8 + 1),
      rows: 2,
      pages: [page(concat(int(-32768), int(32768)), { values: 2, size: 8 })],
    },
    /expected int16 \(-32768 to 32767\), value is "32768"/,
  ],
  "a day beyond the calendar": [
    {
      ...annotated(ConvertedType.DATE),
      rows: 2,
      pages: [page(concat(int(0), int(0x7fffffff)), { values: 2, size: 8 })],
    },
    /expected a date from the year -271821 to 275760, value is "2147483647 days"/,
  ],
  "a time of -1 ms": [
    { ...annotated(7), rows: 2, pages: [page(concat(int(0), int(-1)), { values: 2, size: 8 })] },
    /expected a time of day, from 00:00 to before 24:00, value is "-1 ms"/,
  ],
  "digits beyond a decimal's": [
    {
      ...integers,
      element: (element) =>
        element.set(SchemaElement.convertedType, I32, ConvertedType.DECIMAL)
          .set(SchemaElement.scale, I32, 2).set(SchemaElement.precision, I32, 3),
      rows: 2,
      pages: [page(concat(int(999), int(1000)), { values: 2, size: 8 })],
    },
    /expected decimal\(3,2\), value is "10.00"/,
  ],
  "an INT96 of the year 5,000,000": [
    {
      type: PhysicalType.INT96,
      rows: 2,
      pages: [page(concat(int96(0n, 2_440_588), int96(0n, 2 ** 31 - 1)), { values: 2, size: 24 })],
    },
    /expected a date from the year -271821 to 275760, value is "day 2145043059 from 1970"/,
  ],
  "an INT96 with nanoseconds": [
    {
      type: PhysicalType.INT96,
      rows: 2,
      pages: [page(concat(int96(1000n, 2_440_588), int96(1n, 2_440_588)), { values: 2, size: 24 })],
    },
    /expected whole microseconds, value is "1 ns of the day"/,
  ],
};

for (const [what, [file, value]] of Object.entries(BEYOND)) {
  Deno.test(`a value beyond its type is reported with its row: ${what}`, async () => {
    await assert.rejects(values(file), (error) => {
      assert.ok(error instanceof ValueError, String(error));
      assert.deepEqual([error.field, error.row], ["v", 2]);
      assert.match(error.message, value);
      return true;
    });
  });
}

Deno.test("an INT96 may leave its day on either side", async () => {
  const pages = [page(concat(int96(-1000n, 2_440_588), int96(86_400_000_001_000n, 2_440_588)), {
    values: 2,
    size: 24,
  })];
  const read = await values({ type: PhysicalType.INT96, rows: 2, pages });
  assert.deepEqual(read.map(String), ["1969-12-31T23:59:59.999999", "1970-01-02T00:00:00.000001"]);
});

/** Bytes that this file's tests hold. The process may run those of other files as well. */
function memoryOfTests(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

Deno.test("a UUID of other writers is text", async () => {
  const ids = ["9a38d903-4043-4154-af4b-facbb8c551bb", "00000000-0000-0000-0000-0000000000ff"];
  const read = await values({
    type: PhysicalType.FIXED,
    element: (element) =>
      element.set(SchemaElement.typeLength, I32, 16).setStruct(
        SchemaElement.logicalType,
        new ThriftStruct().setStruct(LogicalType.UUID, new ThriftStruct()),
      ),
    rows: 2,
    pages: [page(hex(ids.join("").replaceAll("-", "")), { values: 2, size: 32 })],
  });
  assert.deepEqual(read, ids);
});

Deno.test("a run of 2^30 rows is read within bounds, of text and of NULL", async () => {
  const word = "w".repeat(1000);
  const rows = 2 ** 30;
  const files = [
    handmade({
      rows,
      pages: [dictionary(word, "x"), {
        values: rows,
        encoding: RLE_DICTIONARY,
        bytes: concat(hex("01"), run(rows, 0)),
      }],
    }),
    handmade({
      rows,
      optional: true,
      pages: [{ values: rows, encoding: PLAIN, bytes: leveled(run(rows, 0), new Uint8Array()) }],
    }),
  ];
  for (const file of files) {
    let read = 0;
    const batches = parquet.read(inputOf(file), {
      projections: [{ field: field("v", "string"), column: "v" }],
      batchRows: 65_536,
      batchBytes: 1 << 24,
      compression: "none",
      options: {},
    });
    for await (const batch of batches) {
      assert.ok(batch.numRows <= 65_536);
      if ((read += batch.numRows) > 200_000) break;
    }
  }
  assert.ok(memoryOfTests() < 2 ** 30);
});

const FIELDS = [
  field("i", "int32"),
  field("s", "string"),
  field("d", "decimal", { precision: 20, scale: 2 }),
  field("b", "binary"),
  field("t", "timestamp"),
];
const RECORDS = Array.from({ length: 300 }, (_, i) => ({
  i: i % 7 === 0 ? null : i,
  s: i % 5 === 0 ? null : `row ${i} ${"ż".repeat(i % 9)}`,
  d: `${i}.25`,
  b: Uint8Array.from({ length: i % 4 }, () => i % 256),
  t: new Temporal.PlainDateTime(2024, 1, 1).add({ minutes: i }),
}));

Deno.test("a changed byte of any page of another writer is reported by its checksum", async () => {
  for (const compression of parquet.compressions) {
    const file = asForeign(await writeParquet(FIELDS, RECORDS, { compression }));
    assert.deepEqual(await readAll(parquet, inputOf(file), FIELDS), RECORDS);
    const end = file.length - 8 - new DataView(file.buffer).getUint32(file.length - 8, true);
    for (let at = 4; at < end; at += 1 + Math.floor(end / 150)) {
      const changed = file.with(at, file[at]! ^ 0x10);
      try {
        // Where it is in a header that does not matter.
        assert.deepEqual(await readAll(parquet, inputOf(changed), FIELDS), RECORDS);
      } catch (error) {
        assert.ok(error instanceof ValidationError, `at ${at}: ${error}`);
      }
    }
  }
});

Deno.test("files of other writers that are changed anywhere end in errors of dxt, or records", async () => {
  const samples: Uint8Array[] = [
    asForeign(await writeParquet(FIELDS, RECORDS, { options: { row_group_rows: 99 } })),
  ];
  for (const name of ["many", "names", "int96"]) {
    samples.push(
      await Deno.readFile(new URL(`../../data/parquet/${name}.parquet`, import.meta.url)),
    );
  }
  let state = 20;
  const below = (bound: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * bound);
  };
  const before = memoryOfTests();
  for (const sample of samples) {
    const fields = await parquet.inferFields(inputOf(sample), { compression: "none", options: {} });
    for (let i = 0; i < 120; i++) {
      const changed = sample.slice();
      for (let n = 1 + below(4); n > 0; n--) changed[below(changed.length)] = below(256);
      try {
        await readAll(parquet, inputOf(changed), fields);
      } catch (error) {
        assert.ok(error instanceof DXTError, String(error));
        assert.doesNotMatch(error.message, /unreachable/);
      }
    }
  }
  assert.ok(memoryOfTests() - before < 2 ** 30);
  assert.equal((await readAll(parquet, inputOf(samples[0]!), FIELDS)).length, RECORDS.length);
});

Deno.test("a footer of more row groups, columns or rows than there are is refused at once", async () => {
  // A list's head: structs, their number in a varint of a billion.
  const billion = "19fc8094ebdc03";
  for (const footer of [`1502${billion}`, `1502190c1600${billion}`]) {
    const bytes = hex(footer);
    const file = concat(MAGIC, bytes, uint32(bytes.length), MAGIC);
    await assert.rejects(readAll(parquet, inputOf(file), FIELDS), ValidationError);
  }
  const file = asForeign(await writeParquet(FIELDS, RECORDS), (metadata) => {
    metadata.structs(FileMetaData.rowGroups)[0]!.set(RowGroup.numRows, I64, 2 ** 51);
    metadata.set(FileMetaData.numRows, I64, 2 ** 51);
  });
  await assert.rejects(readAll(parquet, inputOf(file), FIELDS), ValidationError);
});
