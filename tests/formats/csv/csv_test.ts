/** CSV and TSV: dialects, quotes, line ends and what is wrong with files. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ConfigurationError,
  type DXTError,
  ValidationError,
  ValueError,
} from "../../../src/core/errors.ts";
import { type DXTRecord, parseText } from "../../../src/core/values/values.ts";
import csv from "../../../src/formats/csv/csv.ts";
import tsv from "../../../src/formats/csv/tsv.ts";
import type { Field } from "../../../src/models/field.ts";
import type { FormatOptions } from "../../../src/models/format.ts";
import { comparableRecords, extremes, FIELDS_OF_EVERY_TYPE } from "../../conformance/values.ts";
import { testFormat } from "../../conformance/format.ts";
import { field, inferAll, inputOf, readAll, writeAll } from "../json/support.ts";

// A file without its last bytes may look whole: the end of a line is optional.
testFormat(csv, { cut: "shortened" });
testFormat(tsv, { cut: "shortened" });

const strings = (...names: string[]) => names.map((name) => field(name, "string"));

/** All records, every field as a string. */
async function texts(content: string, options: FormatOptions = {}): Promise<DXTRecord[]> {
  const fields = await inferAll(csv, content, options);
  return await readAll(csv, inputOf(content), strings(...fields.map(({ name }) => name)), options);
}

async function written(
  fields: readonly Field[],
  records: readonly DXTRecord[],
  options?: FormatOptions,
): Promise<string> {
  return new TextDecoder().decode(await writeAll(csv, fields, records, options));
}

const refused = (content: string, message: RegExp, options: FormatOptions = {}) =>
  assert.rejects(texts(content, options), (error) => {
    assert.ok(error instanceof ValidationError, String(error));
    assert.match(error.message, message);
    return true;
  });

const SPECTRUM = new URL("../../data/csv-spectrum/", import.meta.url);
const spectrum = [...Deno.readDirSync(new URL("csvs/", SPECTRUM))].map(({ name }) =>
  name.replace(".csv", "")
);

Deno.test("csv-spectrum is there", () => assert.equal(spectrum.length, 11));

for (const name of spectrum) {
  Deno.test(`csv-spectrum: ${name} is read as its JSON says`, async () => {
    const content = await Deno.readTextFile(new URL(`csvs/${name}.csv`, SPECTRUM));
    const wanted = JSON.parse(await Deno.readTextFile(new URL(`json/${name}.json`, SPECTRUM)));
    assert.deepEqual(await texts(content), wanted);
  });
}

Deno.test("line ends of all three kinds, and none at the end, are read alike", async () => {
  const wanted = [{ a: "1", b: "x" }, { a: "2", b: "y" }];
  for (const end of ["\n", "\r\n", "\r"]) {
    const content = ["a,b", "1,x", "2,y"].join(end);
    assert.deepEqual(await texts(content), wanted);
    assert.deepEqual(await texts(content + end), wanted);
  }
  assert.deepEqual(await texts("a,b\r\n1,x\r2,y\n"), wanted);
});

Deno.test("blank lines hold no record, but where a record has one field they are NULL", async () => {
  assert.deepEqual(await texts("\n\na,b\n\n1,2\n\r\n\n3,4\n\n"), [{ a: "1", b: "2" }, {
    a: "3",
    b: "4",
  }]);
  assert.deepEqual(await texts("a\n1\n\n2\n"), [{ a: "1" }, { a: null }, { a: "2" }]);
  assert.deepEqual(await texts('a\n""\n'), [{ a: "" }]);
});

Deno.test("without a header a file of one field begins with its NULLs", async () => {
  const read = (content: string) =>
    readAll(csv, inputOf(content), strings("column_1"), { header: false });
  assert.deepEqual(
    await read("\n\nx\n\n"),
    [null, null, "x", null].map((column_1) => ({
      column_1,
    })),
  );
  assert.deepEqual(await read("\n\n"), [{ column_1: null }, { column_1: null }]);
  assert.deepEqual(await read(""), []);
  assert.deepEqual(await texts("\n\n1,2\n", { header: false }), [{ column_1: "1", column_2: "2" }]);
});

Deno.test("a byte order mark is no part of the first name", async () => {
  assert.deepEqual(await texts("\ufeffa,b\n1,2\n"), [{ a: "1", b: "2" }]);
  assert.deepEqual(await texts('\ufeff"a",b\n1,2\n'), [{ a: "1", b: "2" }]);
});

Deno.test("a text that begins with a byte order mark keeps it", async () => {
  const [fields, records] = [strings("column_1"), [{ column_1: "\ufeffx" }]];
  const options = { header: false };
  const bytes = await writeAll(csv, fields, records, options);
  assert.deepEqual(await readAll(csv, inputOf(bytes), fields, options), records);
});

Deno.test("an unquoted empty field is NULL, a quoted one is empty", async () => {
  assert.deepEqual(await texts('a,b,c\n,"",x\n'), [{ a: null, b: "", c: "x" }]);
  assert.equal(
    await written(strings("a", "b", "c"), [{ a: null, b: "", c: "x" }]),
    'a,b,c\n,"",x\n',
  );
});

Deno.test("null_value is NULL only where it is not quoted", async () => {
  const options = { null_value: "\\N" };
  const records = [{ a: null, b: "\\N", c: "" }];
  assert.deepEqual(await texts('a,b,c\n\\N,"\\N",\n', options), records);
  assert.equal(await written(strings("a", "b", "c"), records, options), 'a,b,c\n\\N,"\\N",""\n');
});

Deno.test("only what must be is quoted", async () => {
  const values = ["plain", " blanks ", "a,b", 'say "hi"', "two\nlines", "ret\rurn", "ż", "a;b\tc"];
  assert.equal(
    await written(strings("a"), values.map((a) => ({ a }))),
    'a\nplain\n blanks \n"a,b"\n"say ""hi"""\n"two\nlines"\n"ret\rurn"\nż\na;b\tc\n',
  );
});

Deno.test("a float32 has no more digits than it needs", async () => {
  const records = [{ f: Math.fround(0.1) }, { f: Math.fround(-3.4028235e38) }, { f: NaN }];
  assert.equal(
    await written([field("f", "float32")], records),
    "f\n0.1\n-3.4028235e+38\nNaN\n",
  );
});

Deno.test("TSV has tabs between fields, and quotes", async () => {
  const records = [{ a: "x\ty", b: "1,5" }];
  const bytes = await writeAll(tsv, strings("a", "b"), records);
  assert.equal(new TextDecoder().decode(bytes), 'a\tb\n"x\ty"\t1,5\n');
  assert.deepEqual(await readAll(tsv, inputOf(bytes), strings("a", "b")), records);
});

Deno.test("infer_rows bounds what the types are told from", async () => {
  const content = `a\n${"1\n".repeat(9)}x\n`;
  const dtype = async (options: FormatOptions) => (await inferAll(csv, content, options))[0]!.dtype;
  assert.equal(await dtype({}), "string");
  assert.equal(await dtype({ infer_rows: 10 }), "string");
  assert.equal(await dtype({ infer_rows: 9 }), "int64");
});

Deno.test("quoted numbers and dates are numbers and dates", async () => {
  const fields = await inferAll(csv, 'a,b\n"1","2024-02-29"\n"2",\n');
  assert.deepEqual(fields.map(({ dtype }) => dtype), ["int64", "date"]);
});

Deno.test("a record with more or fewer fields than the header is refused with its line", async () => {
  await refused("a,b\n1,2\n3\n", /line 3: it has 1 fields, expected 2/);
  await refused("a,b\n1,2\n3,4,5\n", /line 3: it has 3 fields, expected 2/);
  await refused("a,b\n1,2,\n", /line 2: it has 3 fields, expected 2/);
  await refused("1,2\n3\n", /line 2: it has 1 fields/, { header: false });
});

Deno.test("lines are counted through quotes, whatever their ends", async () => {
  await refused('a,b\n"x\ny\n\nz",2\n3\n', /line 6:/);
  await refused('a,b\r\n"x\r\ny",2\r\n3\r\n', /line 4:/);
  await refused('a,b\r"x\ry",2\r3\r', /line 4:/);
  await refused('\n\na,b\n\n1,"2\n"\n\n3\n', /line 8:/);
});

Deno.test("a quote that is not closed is refused with its line and field", async () => {
  await refused('a,b\n1,2\n3,"x\ny,z\n', /line 3, field 2: its quote is not closed/);
  await refused('a,"b\n', /line 1, field 2: its quote is not closed/);
  await refused('a\n"', /line 2, field 1: its quote is not closed/);
  await refused('a\n"x""', /line 2, field 1: its quote is not closed/);
});

Deno.test("text after a closing quote is refused with its line and field", async () => {
  await refused('a,b\n1,"x"y\n', /line 2, field 2: text follows a quoted field/);
  await refused('a,b\n1,"x" \n', /line 2, field 2:/);
});

Deno.test("a quote inside an unquoted field is text", async () => {
  assert.deepEqual(await texts('a,b\nx"y,5" pipe\n'), [{ a: 'x"y', b: '5" pipe' }]);
  assert.equal(await written(strings("a"), [{ a: 'x"y' }]), 'a\n"x""y"\n');
});

Deno.test("a column whose header is blank, or is there already, has a made name", async () => {
  for (
    const [content, records] of [
      // As R and pandas write row names.
      ['"","y"\n"1",5\n', [{ column_1: "1", y: "5" }]],
      [",y\n0,5\n", [{ column_1: "0", y: "5" }]],
      ["a,b,a\n1,2,3\n", [{ a: "1", b: "2", a_2: "3" }]],
      ["\na,,c\n1,2,3\n", [{ a: "1", column_2: "2", c: "3" }]],
      ["a,\n1,\n", [{ a: "1", column_2: null }]],
      [",,column_1\n1,2,3\n", [{ column_1_2: "1", column_2: "2", column_1: "3" }]],
      ['""\n7\n', [{ column_1: "7" }]],
    ] as const
  ) {
    assert.deepEqual(await texts(content), records, content);
  }
});

Deno.test("a value that is not of its field's type is reported with field, row and value", async () => {
  const read = readAll(csv, inputOf("a\n1\n2\nx\n"), [field("a", "int32")]);
  await assert.rejects(read, { message: /"a", row 3: expected int32, line 4, value is "x"/ });
});

Deno.test("a file that is not of its encoding is refused", async () => {
  const input = inputOf(Uint8Array.of(0x61, 0x0a, 0xff, 0x0a));
  await assert.rejects(readAll(csv, input, strings("a")), ValidationError);
  await assert.rejects(
    writeAll(csv, strings("a"), [{ a: "łódź" }], { encoding: "latin-1" }),
    /"ł" as latin-1/,
  );
});

Deno.test("characters that cannot be told apart are no dialect", async () => {
  const dialects: readonly (readonly [FormatOptions, RegExp])[] = [
    [{ delimiter: '"' }, /as delimiter: it is also the quote or escape/],
    [{ delimiter: "\\", escape: "\\" }, /as delimiter/],
    [{ delimiter: "\n" }, /as delimiter: expected a tab or a printable ASCII character/],
    [{ delimiter: "ż" }, /as delimiter/],
    [{ quote: "“" }, /as quote/],
    [{ escape: "\r" }, /as escape/],
    [{ null_value: "a,b" }, /as null_value/],
    [{ null_value: '"' }, /as null_value/],
    [{ null_value: "\n" }, /as null_value/],
  ];
  for (const [options, message] of dialects) {
    const wrong = (error: DXTError) => {
      assert.ok(error instanceof ConfigurationError);
      assert.match(error.message, message);
      return true;
    };
    await assert.rejects(texts("a\n", options), wrong);
    await assert.rejects(written(strings("a"), [], options), wrong);
  }
});

const cell = (characters: fc.Arbitrary<string>) =>
  fc.option(
    fc.oneof(
      fc.string({ unit: characters, maxLength: 8 }),
      fc.constantFrom("", "NULL", "\\N", "0", "-1", "\ufeff", "\r\n", '"', "\\", "\\\\", '""'),
    ),
    { nil: null },
  );
const SPECIAL = fc.constantFrom('"', "'", "\\", ",", ";", "|", "\t", "\r", "\n", " ", "0", "a");
const UNICODE = fc.oneof(SPECIAL, fc.string({ unit: "binary", minLength: 1, maxLength: 1 }));
const LATIN = fc.oneof(
  SPECIAL,
  fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)),
);

const DIALECTS: readonly FormatOptions[] = [
  {},
  { line_end: "\r\n" },
  { header: false },
  { header: false, null_value: "NULL", line_end: "\r\n" },
  { delimiter: ";", quote: "'" },
  { delimiter: "|", escape: "\\" },
  { delimiter: "\t", quote: "'", escape: "\\", null_value: "\\N" },
  { delimiter: "0", quote: "a", null_value: "-1" },
  { delimiter: " ", quote: '"', escape: "'", header: false },
  { encoding: "utf-16" },
  { encoding: "utf-16le", header: false },
  { encoding: "utf-16be", escape: "\\", line_end: "\r\n" },
  { encoding: "latin-1", null_value: "NULL" },
  { encoding: "latin-1", escape: "\\", header: false },
];

for (const options of DIALECTS) {
  Deno.test(`any texts and NULLs survive with ${JSON.stringify(options)}`, async () => {
    const characters = options.encoding === "latin-1" ? LATIN : UNICODE;
    const table = fc.integer({ min: 1, max: 4 }).chain((width) =>
      fc.array(fc.array(cell(characters), { minLength: width, maxLength: width }), { maxLength: 8 })
        .map((rows) => ({ width, rows }))
    );
    const encodable = (value: string | null) =>
      options.encoding === "latin-1" && value === "\ufeff" ? "" : value;
    await fc.assert(
      fc.asyncProperty(table, fc.integer({ min: 1, max: 40 }), async ({ width, rows }, chunk) => {
        const fields = strings(...Array.from({ length: width }, (_, i) => `column_${i + 1}`));
        const records = rows.map((row) =>
          Object.fromEntries(row.map((value, i) => [fields[i]!.name, encodable(value)]))
        );
        const bytes = await writeAll(csv, fields, records, options);
        assert.deepEqual(await readAll(csv, inputOf(bytes, chunk), fields, options), records);
      }),
      { numRuns: 300 },
    );
  });
}

Deno.test("wherever a file is cut in chunks, it is read the same", async () => {
  const content = 'a,b\r\n"x ""y""\r\nż 🦕",1\r\n\r\n"",\r"2",3';
  const wanted = await texts(content);
  for (let chunk = 1; chunk <= content.length; chunk++) {
    assert.deepEqual(await readAll(csv, inputOf(content, chunk), strings("a", "b")), wanted);
  }
});

Deno.test("any text is read or refused, and read as lines wherever it has no quotes", async () => {
  const text = fc.string({ unit: fc.constantFrom('"', ",", "\n", "\r", "a", " "), maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(text, async (content) => {
      try {
        const records = await texts(`a,b\n${content}`);
        if (content.includes('"')) return;
        const lines = content.split(/\r\n|\r|\n/).filter((line) => line !== "");
        assert.deepEqual(
          records.map(({ a, b }) => `${a ?? ""},${b ?? ""}`),
          lines,
        );
      } catch (error) {
        assert.ok(error instanceof ValidationError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("decimals and whole numbers are read as their general spelling says, or refused", async () => {
  const digits = fc.string({
    unit: fc.constantFrom(..."0123456789.-"),
    minLength: 1,
    maxLength: 20,
  });
  const shape = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat(20)).filter(([p, s]) => s <= p);
  await fc.assert(
    fc.asyncProperty(digits, shape, async (text, [precision, scale]) => {
      for (const one of [field("a", "decimal", { precision, scale }), field("a", "int64")]) {
        const wanted = attempt(() => parseText(text, one));
        const read = await readAll(csv, inputOf(`a\n${text}\n`), [one]).catch((e) => e);
        if (wanted === undefined) assert.ok(read instanceof ValueError, `${text} is read`);
        else assert.deepEqual(read, [{ a: wanted }]);
      }
    }),
    { numRuns: 3000 },
  );
});

function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

Deno.test("values of every type survive where their own characters are the dialect's", async () => {
  const records = extremes();
  for (
    const options of [
      { delimiter: "1", quote: "e" },
      { delimiter: ":", quote: "." },
      { delimiter: "-", escape: "T" },
      { null_value: "true" },
      { null_value: "infinity" },
      { null_value: "0" },
      { null_value: "-0.01" },
    ] satisfies FormatOptions[]
  ) {
    const bytes = await writeAll(csv, FIELDS_OF_EVERY_TYPE, records, options);
    const read = await readAll(csv, inputOf(bytes), FIELDS_OF_EVERY_TYPE, options);
    assert.deepEqual(comparableRecords(read), comparableRecords(records));
  }
});
