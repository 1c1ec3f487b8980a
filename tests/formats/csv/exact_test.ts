/** What CSV must refuse because it would change it, and how its errors name the file. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { SchemaError, ValidationError, ValueError } from "../../../src/core/errors.ts";
import csv from "../../../src/formats/csv/csv.ts";
import { field, inferAll, inputOf, readAll, writeAll } from "../json/support.ts";

const float = async (text: string, dtype: "float32" | "float64") =>
  (await readAll(csv, inputOf(`a\n${text}\n`), [field("a", dtype)]))[0]!["a"];

Deno.test("a number that a double cannot give back is refused, not rounded", async () => {
  for (
    const text of [
      "9007199254740993",
      "0.1234567890123456789",
      "1e999",
      "-1e999",
      "1e-999",
      "123456789012345678",
    ]
  ) {
    await assert.rejects(float(text, "float64"), (error) => {
      assert.ok(error instanceof ValueError, String(error));
      assert.deepEqual([error.field, error.row, error.value], ["a", 1, text]);
      return true;
    });
  }
});

Deno.test("a number that a 32-bit float cannot give back is refused, not rounded", async () => {
  for (const text of ["16777217", "0.123456789", "1e39", "1e-50"]) {
    await assert.rejects(float(text, "float32"), ValueError, text);
  }
});

Deno.test("every spelling of a float is read as its number", async () => {
  const cases: readonly (readonly [string, number])[] = [
    ["0.1", 0.1],
    ["+1.50", 1.5],
    [".5", 0.5],
    ["-.5", -0.5],
    ["1.", 1],
    ["1.e3", 1000],
    ["1E3", 1000],
    ["007", 7],
    ["-0", -0],
    ["0e5", 0],
    ["0.10000000000000000555", 0.1],
    ["0.1000000000000000000000", 0.1],
    ["1.7976931348623157e308", Number.MAX_VALUE],
    ["5e-324", 5e-324],
    ["9007199254740992", 9007199254740992],
    ["inf", Infinity],
    ["-Infinity", -Infinity],
    ["nan", NaN],
  ];
  for (const [text, wanted] of cases) assert.ok(Object.is(await float(text, "float64"), wanted));
  for (const text of ["0.1", "3.4028235e38", "1e-45", "0.10000000149011612", "-0"]) {
    assert.ok(Object.is(await float(text, "float32"), Math.fround(Number(text))), text);
  }
});

Deno.test("doubles of few digits are those of the language, and others no float", async () => {
  const texts = fc.string({
    unit: fc.constantFrom(..."0123456789.-"),
    minLength: 1,
    maxLength: 17,
  });
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      const read = await float(text, "float64").catch((error) => error);
      if (!/^-?(\d+\.?\d*|\.\d+)$/.test(text)) assert.ok(read instanceof ValueError, text);
      else if (!(read instanceof ValueError)) assert.ok(Object.is(read, Number(text)), text);
      else assert.ok(text.replace(/\D/g, "").length > 15, `${text} is refused`);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("every double and every 32-bit float survives", async () => {
  const kinds = [["float64", fc.double()], ["float32", fc.float()]] as const;
  for (const [dtype, numbers] of kinds) {
    const fields = [field("a", dtype)];
    await fc.assert(fc.asyncProperty(fc.array(numbers, { maxLength: 50 }), async (values) => {
      const bytes = await writeAll(csv, fields, values.map((a) => ({ a })));
      const read = await readAll(csv, inputOf(bytes), fields);
      assert.equal(read.length, values.length);
      read.forEach(({ a }, i) => assert.ok(Object.is(a, values[i]), `${a} of ${values[i]}`));
    }));
  }
});

Deno.test("the types that texts tell can hold them all", async () => {
  const number = fc.oneof(
    fc.double().map(String),
    fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }).map(String),
    fc.string({ unit: fc.constantFrom(..."0123456789.-e"), minLength: 1, maxLength: 24 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(number, { minLength: 1, maxLength: 4 }), async (texts) => {
      const content = `a\n${texts.join("\n")}\n`;
      const read = await readAll(csv, inputOf(content), await inferAll(csv, content));
      assert.equal(read.length, texts.length);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a file with nothing in it has no columns and no records", async () => {
  for (const content of ["", "\n", "\r\n\r\n", "\ufeff"]) {
    assert.deepEqual(await readAll(csv, inputOf(content), [field("id", "int32")]), []);
    assert.deepEqual(await inferAll(csv, content), []);
  }
  const options = { header: false };
  assert.deepEqual(await readAll(csv, inputOf(""), [field("column_1", "int32")], options), []);
});

Deno.test("a name with half a surrogate pair is refused", async () => {
  const fields = [field("a\ud800", "string")];
  await assert.rejects(writeAll(csv, fields, []), SchemaError);
});

Deno.test("errors name the file", async () => {
  const read = (content: string | Uint8Array, compression: "none" | "gzip" = "none") => {
    const projections = [{ field: field("a", "string"), column: "a" }];
    const bounds = { batchRows: 10, batchBytes: 1 << 20 };
    const input = inputOf(content, 64, "orders.csv");
    return Array.fromAsync(csv.read(input, { projections, ...bounds, compression, options: {} }));
  };
  const bytes = Uint8Array.of(0x61, 0x0a, 0xff, 0x0a);
  const later = new Uint8Array([...new TextEncoder().encode("a\n".repeat(40)), 0xff, 0x0a]);
  for (
    const [reading, message] of [
      [read("a,b\n1\n"), /^Cannot read "orders.csv", line 2: it has 1 fields, expected 2/],
      [read('a\n"x'), /^Cannot read "orders.csv", line 2, field 1: its quote is not closed/],
      [read(bytes), /^Cannot read "orders.csv": Cannot read text as utf-8: malformed near byte 2/],
      [read(later), /^Cannot read "orders.csv", after line 32: .* malformed near byte 80/],
      [read(bytes, "gzip"), /^Cannot read "orders.csv": Cannot decompress as gzip/],
    ] as const
  ) {
    await assert.rejects(reading, (error) => {
      assert.ok(error instanceof ValidationError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
  await assert.rejects(read("b\n1\n"), /column "a" of "orders.csv": the file does not have it/);
});
