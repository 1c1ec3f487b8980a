/** Files that say that dxt wrote them, and are damaged or hostile. */
import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { DXTError, SchemaError, ValidationError, ValueError } from "../../../src/core/errors.ts";
import { concat } from "../../../src/core/values/bytes.ts";
import { readFooter } from "../../../src/formats/parquet/reader/footer.ts";
import {
  ColumnChunk,
  ColumnMetaData,
  DataPageHeaderV2,
  FileMetaData,
  MAGIC,
  PageHeader,
  RowGroup,
} from "../../../src/formats/parquet/thrift/metadata.ts";
import { isNative } from "../../../src/formats/parquet/reader/native_reader.ts";
import { encodeFooter } from "../../../src/formats/parquet/reader/row_group_file.ts";
import parquet from "../../../src/formats/parquet/parquet.ts";
import {
  decodePrefix,
  decodeStruct,
  encodeStruct,
  I32,
  I64,
  type ThriftStruct,
} from "../../../src/formats/parquet/thrift/thrift.ts";
import type { Field } from "../../../src/models/field.ts";
import type { Compression } from "../../../src/models/format.ts";
import { comparableRecords, extremes, FIELDS_OF_EVERY_TYPE } from "../../conformance/values.ts";
import { field, inputOf, readAll } from "../json/support.ts";
import { writeParquet } from "./support.ts";

const read = (bytes: Uint8Array, fields: readonly Field[]) =>
  readAll(parquet, inputOf(bytes), fields);

interface Parts {
  readonly body: Uint8Array;
  readonly footer: ThriftStruct;
}

function partsOf(bytes: Uint8Array): Parts {
  const size = new DataView(bytes.buffer).getUint32(bytes.length - 8, true);
  const end = bytes.length - 8 - size;
  return { body: bytes.slice(0, end), footer: decodeStruct(bytes.subarray(end, -8)) };
}

const wholeOf = ({ body, footer }: Parts) => concat(body, ...encodeFooter(footer));

const chunkOf = (footer: ThriftStruct, column = 0) =>
  footer.structs(FileMetaData.rowGroups)[0]!.structs(RowGroup.columns)[column]!
    .struct(ColumnChunk.metadata)!;

/** A file with one column and one page, whose header and bytes are changed; its checksum is right. */
async function withPage(
  given: Field,
  values: readonly unknown[],
  change: (header: ThriftStruct, page: Uint8Array) => Uint8Array | void,
  compression: Compression = "none",
): Promise<Uint8Array> {
  const records = values.map((value) => ({ [given.name]: value as null }));
  const { body, footer } = partsOf(await writeParquet([given], records, { compression }));
  const { struct, size } = decodePrefix(body.subarray(MAGIC.length));
  const page = body.slice(MAGIC.length + size);
  const changed = change(struct, page) ?? page;
  struct.set(PageHeader.crc, I32, crc32(changed) | 0);
  const bytes = concat(encodeStruct(struct), changed);
  chunkOf(footer).set(ColumnMetaData.compressedSize, I64, bytes.length);
  return wholeOf({ body: concat(MAGIC, bytes), footer });
}

Deno.test("files that dxt wrote are told from those of others", async () => {
  const own = await writeParquet(FIELDS_OF_EVERY_TYPE, extremes());
  assert.equal(isNative(await readFooter(inputOf(own))), true);
  const many = await Deno.readFile(new URL("../../data/parquet/many.parquet", import.meta.url));
  assert.equal(isNative(await readFooter(inputOf(many))), false);
  const { body, footer } = partsOf(own);
  footer.setText(FileMetaData.createdBy, "dxt");
  const renamed = wholeOf({ body, footer });
  assert.equal(isNative(await readFooter(inputOf(renamed))), false);
  const back = await read(renamed, FIELDS_OF_EVERY_TYPE);
  assert.deepEqual(comparableRecords(back), comparableRecords(extremes()));
});

Deno.test("a changed byte of any page is reported by its checksum", async () => {
  const fields = [field("i", "int64"), field("s", "string"), field("b", "bool")];
  const records = Array.from({ length: 100 }, (_, i) => ({
    i: i % 3 === 0 ? null : BigInt(i),
    s: `text ${i}`,
    b: i % 7 === 0,
  }));
  for (const compression of parquet.compressions) {
    const good = await writeParquet(fields, records, { compression });
    const { body } = partsOf(good);
    const change = fc.tuple(
      fc.integer({ min: MAGIC.length, max: body.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
    );
    await fc.assert(
      fc.asyncProperty(change, async ([at, mask]) => {
        const bytes = good.with(at, good[at]! ^ mask);
        try {
          // What a header says for others alone may change.
          assert.deepEqual(await read(bytes, fields), records);
        } catch (error) {
          assert.ok(error instanceof ValidationError, String(error));
        }
      }),
      { numRuns: 200 },
    );
  }
});

Deno.test("a footer that is changed anywhere is an error of dxt or the same records", async () => {
  const good = await writeParquet(FIELDS_OF_EVERY_TYPE, extremes(), { compression: "none" });
  const { body } = partsOf(good);
  const change = fc.tuple(
    fc.integer({ min: body.length, max: good.length - 1 }),
    fc.nat(255),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      const bytes = good.slice();
      for (const [at, value] of changes) bytes[at] = value;
      await read(bytes, FIELDS_OF_EVERY_TYPE).catch((error) => {
        assert.ok(error instanceof DXTError, String(error));
      });
    }),
    { numRuns: 500 },
  );
});

Deno.test("a page that says more than it has is refused", async () => {
  const hostile: Record<string, (header: ThriftStruct, page: Uint8Array) => Uint8Array | void> = {
    "two billion rows": (header) => {
      const data = header.struct(PageHeader.dataV2)!;
      data.set(DataPageHeaderV2.numRows, I32, 0x7fffffff);
      data.set(DataPageHeaderV2.numValues, I32, 0x7fffffff);
    },
    "no rows": (header) => {
      header.struct(PageHeader.dataV2)!.set(DataPageHeaderV2.numRows, I32, 0)
        .set(DataPageHeaderV2.numValues, I32, 0);
    },
    "two gigabytes": (header) => {
      header.set(PageHeader.uncompressedSize, I32, 0x7fffffff)
        .struct(PageHeader.dataV2)!.setFlag(DataPageHeaderV2.isCompressed, true);
    },
    "a negative size": (header) => void header.set(PageHeader.compressedSize, I32, -5),
    "more NULLs": (header) => {
      header.struct(PageHeader.dataV2)!.set(DataPageHeaderV2.numNulls, I32, 2);
    },
    "other levels": (header) => {
      header.struct(PageHeader.dataV2)!.set(DataPageHeaderV2.definitionSize, I32, 1);
    },
    "levels longer than the page": (header) => {
      header.struct(PageHeader.dataV2)!.set(DataPageHeaderV2.definitionSize, I32, 1000);
    },
    "another encoding": (header) => {
      header.struct(PageHeader.dataV2)!.set(DataPageHeaderV2.encoding, I32, 8);
    },
    "fewer bytes": (header, page) => {
      header.set(PageHeader.uncompressedSize, I32, page.length - 1)
        .set(PageHeader.compressedSize, I32, page.length - 1);
      return page.subarray(0, -1);
    },
    "another kind": (header) => void header.set(PageHeader.type, I32, 0),
  };
  for (const given of [field("v", "int32"), field("v", "string"), field("v", "bool")]) {
    const values = { int32: [1, null, 3], string: ["a", null, "b"], bool: [true, null, false] }[
      given.dtype as "int32"
    ];
    for (const [name, change] of Object.entries(hostile)) {
      const bytes = await withPage(given, values, change);
      await assert.rejects(read(bytes, [given]), ValidationError, `${given.dtype}: ${name}`);
    }
  }
});

Deno.test("pages with changed bytes and right checksums are errors of dxt or records", async () => {
  const change = fc.tuple(fc.nat(), fc.nat(255));
  const numbers = Object.values(DataPageHeaderV2).filter((id) => id < 7);
  const header = fc.tuple(fc.constantFrom(...numbers), fc.integer({ min: -5, max: 300 }));
  const records = Array.from({ length: 40 }, (_, i) => extremes()[i % 6]!);
  for (const given of FIELDS_OF_EVERY_TYPE) {
    const values = records.map((record) => record[given.name]);
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 4 }),
        fc.option(header, { freq: 4 }),
        fc.constantFrom("none" as const, "zstd" as const, "snappy" as const, "gzip" as const),
        async (changes, number, compression) => {
          const bytes = await withPage(given, values, (struct, page) => {
            for (const [at, value] of changes) page[at % page.length] = value;
            if (number !== null) struct.struct(PageHeader.dataV2)!.set(number[0], I32, number[1]);
          }, compression);
          await read(bytes, [given]).catch((error) => {
            assert.ok(error instanceof DXTError, String(error));
          });
        },
      ),
      { numRuns: 60 },
    );
  }
});

Deno.test("values that their type cannot hold are refused", async () => {
  const last = (byte: number) => (_: ThriftStruct, page: Uint8Array) => page.with(-1, byte);
  await assert.rejects(
    read(await withPage(field("v", "int8"), [1], last(1)), [field("v", "int8")]),
  );
  await assert.rejects(
    read(await withPage(field("v", "uint16"), [1], last(255)), [field("v", "uint16")]),
    /which its type cannot hold/,
  );
  for (const dtype of ["string", "json", "object"] as const) {
    const given = field("v", dtype);
    const value = dtype === "string" ? "text" : {};
    await assert.rejects(
      read(await withPage(given, [value], last(0xff)), [given]),
      ValidationError,
    );
  }
});

Deno.test("text that is not JSON is reported with field and row, whatever wrote it", async () => {
  const given = field("v", "json");
  const values = Array.from({ length: 50 }, (_, i) => i);
  const bytes = await withPage(given, values, (_, page) => page.with(-3, 0x2c));
  await assert.rejects(read(bytes, [given]), (error) => {
    assert.ok(error instanceof ValueError);
    assert.deepEqual([error.field, error.row], ["v", 49]);
    return true;
  });
});

Deno.test("text whose values cut a character is refused, however whole it is together", async () => {
  const given = field("v", "string");
  // The lengths 1 and 1 of "ż", where "a" and "b" were.
  const bytes = await withPage(given, ["a", "b"], (_, page) => {
    const cut = page.slice();
    cut.set([0xc5, 0xbc], cut.length - 2);
    return cut;
  });
  await assert.rejects(read(bytes, [given]), /not UTF-8/);
});

Deno.test("columns that overlap, or row groups with other rows, are refused", async () => {
  const fields = [field("a", "int32"), field("b", "int32")];
  const records = [{ a: 1, b: 2 }, { a: 3, b: 4 }];
  const good = partsOf(await writeParquet(fields, records, { compression: "none" }));
  const changed = (change: (footer: ThriftStruct) => void) => {
    const footer = decodeStruct(encodeStruct(good.footer));
    change(footer);
    return wholeOf({ body: good.body, footer });
  };
  const overlapping = changed((footer) => {
    const offset = chunkOf(footer, 0).number(ColumnMetaData.dataPageOffset)!;
    chunkOf(footer, 1).set(ColumnMetaData.dataPageOffset, I64, offset);
  });
  await assert.rejects(read(overlapping, fields), /overlap/);
  for (const rows of [1, 3]) {
    const other = changed((footer) => {
      footer.set(FileMetaData.numRows, I64, rows);
      footer.structs(FileMetaData.rowGroups)[0]!.set(RowGroup.numRows, I64, rows);
      for (const column of [0, 1]) {
        chunkOf(footer, column).set(ColumnMetaData.numValues, I64, rows);
      }
    });
    await assert.rejects(read(other, fields), ValidationError);
  }
});

Deno.test("a column that is read as another type is converted as those of others are", async () => {
  const bytes = await writeParquet([field("n", "int32")], [{ n: 7 }, { n: null }]);
  assert.deepEqual(await read(bytes, [field("n", "string")]), [{ n: "7" }, { n: null }]);
  await assert.rejects(read(bytes, [field("m", "string")]), SchemaError);
});

Deno.test("rows are counted where no column is wanted", async () => {
  const records = Array.from({ length: 10 }, (_, i) => ({ i }));
  const options = { row_group_rows: 4 };
  const bytes = await writeParquet([field("i", "int32")], records, { options });
  assert.equal((await read(bytes, [])).length, 10);
});

Deno.test("a column is found by a name that begins with a byte order mark", async () => {
  const given = field("\ufeffname", "string");
  const bytes = await writeParquet([given], [{ [given.name]: "\ufeffvalue" }]);
  assert.deepEqual(await read(bytes, [given]), [{ [given.name]: "\ufeffvalue" }]);
});
