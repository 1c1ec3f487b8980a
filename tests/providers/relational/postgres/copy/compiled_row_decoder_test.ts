import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Field } from "../../../../../src/models/field.ts";
import {
  chooseColumnDecoder,
  type ColumnDecoder,
} from "../../../../../src/providers/relational/postgres/copy/column_decoders.ts";
import { fromSource } from "../../../../../src/providers/relational/postgres/types/type_mapper.ts";
import { buffersOf, copyStream, decodeStream, REFUSED, rowBytes, WIRE } from "./wire_values.ts";

const fieldOf = (type: string, i: number): Field => ({
  name: `c${i}`,
  ...fromSource(type),
  nullable: true,
});
const readingsOf = (types: readonly string[]) =>
  types.map((type, i) => chooseColumnDecoder(type, fieldOf(type, i), false));

/** The same readings, each value through its decoder. */
const general = (readings: readonly ColumnDecoder[]): ColumnDecoder[] =>
  readings.map(({ select, decoder }) => ({ select, decoder }));

const TYPES = Object.keys(WIRE);

/** Some columns and some rows of them, NULLs among them. */
const tables = fc.array(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 8 }).chain((types) =>
  fc.record({
    types: fc.constant(types),
    rows: fc.array(
      fc.tuple(...types.map((type) => fc.option(WIRE[type]!, { freq: 4 }))).map(rowBytes),
      { maxLength: 40 },
    ),
    cuts: fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 4 }),
    bounds: fc.record({
      rows: fc.integer({ min: 1, max: 20 }),
      bytes: fc.integer({ min: 1, max: 5000 }),
    }),
  })
);

Deno.test("generated readers fill the columns as the decoders do, however rows are cut", async () => {
  await fc.assert(
    fc.asyncProperty(tables, async ({ types, rows, cuts, bounds }) => {
      const fields = types.map(fieldOf);
      const readings = readingsOf(types);
      const stream = copyStream(rows);
      const options = { cuts, ...bounds };
      const read = await decodeStream(stream, fields, readings, options);
      const wanted = await decodeStream(stream, fields, general(readings), options);
      assert.deepEqual(buffersOf(read), buffersOf(wanted));
      assert.equal(read.reduce((sum, { numRows }) => sum + numRows, 0), rows.length);
      assert.ok(read.every(({ numRows }) => numRows > 0 && numRows <= bounds.rows));
    }),
    { numRuns: 400 },
  );
});

for (const type of TYPES) {
  Deno.test(`generated readers and the decoder read the same values of ${type}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(WIRE[type]!, { maxLength: 200 }), async (values) => {
        const fields = [fieldOf(type, 0)];
        const readings = readingsOf([type]);
        const stream = copyStream(values.map((value) => rowBytes([value])));
        const read = await decodeStream(stream, fields, readings);
        const wanted = await decodeStream(stream, fields, general(readings));
        assert.deepEqual(buffersOf(read), buffersOf(wanted));
      }),
      { numRuns: 40 },
    );
  });
}

Deno.test("generated readers refuse what the decoders refuse, with field, row and value", async () => {
  for (const [type, refused] of Object.entries(REFUSED)) {
    await fc.assert(
      fc.asyncProperty(fc.array(WIRE[type]!, { maxLength: 5 }), refused, async (good, bad) => {
        const fields = [fieldOf("integer", 0), fieldOf(type, 1)];
        const readings = readingsOf(["integer", type]);
        const stream = copyStream([...good, bad].map((value) => rowBytes([null, value])));
        const messages = [];
        for (const some of [readings, general(readings)]) {
          const error = await decodeStream(stream, fields, some).then(
            () => assert.fail(`${type} took ${bad.toHex()}`),
            (error: Error) => error,
          );
          messages.push(`${error.name} ${error.message}`);
        }
        assert.equal(messages[0], messages[1]);
        assert.match(
          messages[0]!,
          new RegExp(`^ValueError .*field "c1", row ${good.length + 1}: `),
        );
      }),
      { numRuns: 50 },
    );
  }
});

Deno.test("a row may be cut at every byte", async () => {
  const types = ["bigint", "text", "numeric(12,2)", "jsonb", "boolean", "uuid"];
  const fields = types.map(fieldOf);
  const readings = readingsOf(types);
  const rows = fc.sample(fc.tuple(...types.map((type) => fc.option(WIRE[type]!))), {
    numRuns: 6,
    seed: 3,
  }).map(rowBytes);
  const stream = copyStream(rows);
  const wanted = buffersOf(await decodeStream(stream, fields, readings));
  for (let cut = 1; cut < stream.length; cut++) {
    const read = await decodeStream(stream, fields, readings, { cuts: [cut, stream.length] });
    assert.deepEqual(buffersOf(read), wanted, `cut at ${cut}`);
  }
});

Deno.test("a table with more columns than are generated is read to its last", async () => {
  const types = Array.from({ length: 150 }, (_, i) => TYPES[i % TYPES.length]!);
  const fields = types.map(fieldOf);
  const readings = readingsOf(types);
  const rows = fc.sample(fc.tuple(...types.map((type) => fc.option(WIRE[type]!))), {
    numRuns: 30,
    seed: 5,
  }).map(rowBytes);
  const read = await decodeStream(copyStream(rows), fields, readings, { rows: 7 });
  const wanted = await decodeStream(copyStream(rows), fields, general(readings), { rows: 7 });
  assert.deepEqual(buffersOf(read), buffersOf(wanted));
});

Deno.test("a value much longer than the buffers is one value", async () => {
  const fields = [fieldOf("text", 0), fieldOf("integer", 1)];
  const readings = readingsOf(["text", "integer"]);
  const long = Uint8Array.from({ length: 5_000_001 }, (_, i) => i % 127);
  const rows = [[long, null], [Uint8Array.of(1), null], [long, Uint8Array.of(0, 0, 0, 7)]];
  const [batch, ...others] = await decodeStream(copyStream(rows.map(rowBytes)), fields, readings, {
    bytes: 1 << 30,
    cuts: [300_000],
  });
  assert.equal(others.length, 0);
  const [text, number] = batch!.data.children;
  assert.deepEqual([...text!.valueOffsets], [0, 5_000_001, 5_000_002, 10_000_003]);
  assert.equal(Buffer.compare(text!.values.subarray(0, 5_000_001), long), 0);
  assert.equal(Buffer.compare(text!.values.subarray(5_000_002), long), 0);
  assert.deepEqual([number!.nullCount, number!.values[2]], [2, 7]);
});

Deno.test("a row that is not as long as its values is refused", async () => {
  const int = Uint8Array.of(0, 0, 0, 1);
  const good = rowBytes([int, int]);
  const wrong: [row: Uint8Array, words: RegExp][] = [
    [rowBytes([int, Uint8Array.of(1)]), /row 2: column 2 has a value of 1 bytes/],
    [Uint8Array.of(...good, 0), /row 2: its columns end 1 bytes before it/],
    [good.subarray(0, -1), /row 2: its columns end 1 bytes behind it/],
    [rowBytes([int]), /row 2: it has 1 columns, expected 2/],
    [rowBytes([]), /row 2: it has 0 columns, expected 2/],
  ];
  const fields = [fieldOf("integer", 0), fieldOf("integer", 1)];
  const readings = readingsOf(["integer", "integer"]);
  for (const [row, words] of wrong) {
    await assert.rejects(decodeStream(copyStream([good, row, good]), fields, readings), words);
  }
  const text = rowBytes([Uint8Array.of(1), Uint8Array.of(1, 2, 3)]);
  text[10] = 200;
  for (const some of [readingsOf(["text", "text"]), general(readingsOf(["text", "text"]))]) {
    await assert.rejects(
      decodeStream(copyStream([text]), ["text", "text"].map(fieldOf), some),
      /row 1: column 2 has a value of 200 bytes/,
    );
  }
});
