import assert from "node:assert/strict";
import fc from "fast-check";
import {
  arrowSchema,
  buildBatch,
  buildBatches,
  createColumn,
} from "../../../../../src/arrow/mod.ts";
import type { BytesColumn, NumberColumn } from "../../../../../src/arrow/mod.ts";
import type { Batch } from "../../../../../src/core/contracts/batch.ts";
import type { DXTRecord } from "../../../../../src/core/values/values.ts";
import type { DXTType } from "../../../../../src/models/dtype.ts";
import type { Field } from "../../../../../src/models/field.ts";
import { binaryColumn } from "../../../../../src/providers/relational/postgres/copy/column_encoders.ts";
import type { TableColumn } from "../../../../../src/providers/relational/postgres/sql/catalog.ts";
import { CopyBuffer } from "../../../../../src/providers/relational/postgres/copy/copy_buffer.ts";
import { chooseColumnDecoder } from "../../../../../src/providers/relational/postgres/copy/column_decoders.ts";
import {
  chooseEncoding,
  type ColumnEncoding,
} from "../../../../../src/providers/relational/postgres/types/column_encoding.ts";
import {
  BatchEncoder,
  chooseFormat,
  encodeFrames,
} from "../../../../../src/providers/relational/postgres/copy/batch_encoder.ts";
import { MESSAGE } from "../../../../../src/providers/relational/postgres/wire/messages.ts";
import { COPY_HEADER } from "../../../../../src/providers/relational/postgres/copy/row_decoder.ts";
import type { LoadColumn } from "../../../../../src/providers/relational/postgres/types/column_encoding.ts";
import { fromSource } from "../../../../../src/providers/relational/postgres/types/type_mapper.ts";
import { copyStream, decodeStream, joined, rowBytes, WIRE } from "./wire_values.ts";

const TYPES = Object.keys(WIRE);

function columnOf(field: Field, type: string, at = 0): LoadColumn {
  const column: TableColumn = {
    name: field.name,
    type,
    kind: "b",
    nullable: true,
    hasDefault: false,
    generated: false,
    identity: false,
    key: false,
  };
  return { field, column, fit: chooseEncoding(field, column)!, at };
}

const fieldOf = (type: string, i: number): Field => ({
  name: `c${i}`,
  ...fromSource(type),
  nullable: true,
  source_type: `postgres:${type}`,
});

/** The bytes within messages. */
function bodies(frames: Iterable<Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const frame of frames) {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    assert.equal(frame[0], MESSAGE.copyData);
    assert.equal(view.getInt32(1), frame.length - 1);
    parts.push(frame.slice(5));
  }
  return joined(...parts);
}

function encoded(batches: readonly Batch[], columns: readonly LoadColumn[]): Uint8Array {
  assert.equal(chooseFormat(columns), "binary");
  const encoder = new BatchEncoder(columns, "binary");
  const parts: Uint8Array[] = [];
  for (const batch of batches) for (const frame of encoder.encode(batch)) parts.push(frame.slice());
  return bodies([...parts, encoder.rest()]);
}

/** What the encoders of single values write. */
function general(batches: readonly Batch[], columns: readonly LoadColumn[]): Uint8Array {
  const out = new CopyBuffer();
  for (const { numRows, data: { children } } of batches) {
    const writers = columns.map(({ field, fit }, i) =>
      binaryColumn((fit as ColumnEncoding & { how: "binary" }).as, field, children[i]!)
    );
    for (let row = 0; row < numRows; row++) {
      out.int16(writers.length);
      for (const write of writers) write(row, out);
    }
  }
  return bodies([out.take()]);
}

const same = (a: Uint8Array, b: Uint8Array, what = "") =>
  assert.ok(a.toHex() === b.toHex(), `${what}\n${a.toHex()}\n${b.toHex()}`);

const tables = fc.array(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 8 }).chain((types) =>
  fc.record({
    types: fc.constant(types),
    rows: fc.array(
      fc.tuple(...types.map((type) => fc.option(WIRE[type]!, { freq: 4 }))).map(rowBytes),
      { maxLength: 30 },
    ),
    size: fc.integer({ min: 1, max: 20 }),
  })
);

Deno.test("rows that were read are written as the server sent them, byte for byte", async () => {
  await fc.assert(
    fc.asyncProperty(tables, async ({ types, rows, size }) => {
      const fields = types.map(fieldOf);
      const readings = types.map((type, i) => chooseColumnDecoder(type, fields[i]!, false));
      const batches = await decodeStream(copyStream(rows), fields, readings, { rows: size });
      const columns = types.map((type, i) => columnOf(fields[i]!, type, i));
      same(encoded(batches, columns), joined(...rows));
      same(general(batches, columns), joined(...rows));
    }),
    { numRuns: 400 },
  );
});

for (const type of TYPES) {
  Deno.test(`values of ${type} are written as the server sent them`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(WIRE[type]!, { maxLength: 200 }), async (values) => {
        const field = fieldOf(type, 0);
        const rows = values.map((value) => rowBytes([value]));
        const reading = chooseColumnDecoder(type, field, false);
        const batches = await decodeStream(copyStream(rows), [field], [reading]);
        same(encoded(batches, [columnOf(field, type)]), joined(...rows), type);
      }),
      { numRuns: 40 },
    );
  });
}

/** Numbers of every dtype, and the columns that take them. */
const INTEGERS: readonly [DXTType, string][] = [
  ["int8", "smallint"],
  ["uint8", "smallint"],
  ["int8", "integer"],
  ["uint16", "integer"],
  ["int16", "bigint"],
  ["uint32", "bigint"],
  ["int32", "bigint"],
  ["int32", "numeric(10,0)"],
  ["uint64", "numeric(20,0)"],
  ["float32", "double precision"],
];

Deno.test("narrower numbers are written as those of a wider column", async () => {
  const fields = INTEGERS.map(([dtype], i): Field => ({ name: `c${i}`, dtype, nullable: true }));
  const columns = INTEGERS.map(([, type], i) => columnOf(fields[i]!, type, i));
  const records: DXTRecord[] = [0, 1, 2].map((n) =>
    Object.fromEntries(fields.map(({ name, dtype }) => {
      const bits = Number(/\d+$/.exec(dtype)![0]);
      if (dtype.startsWith("float")) return [name, [0.5, -Infinity, NaN][n]!];
      const [low, high] = dtype.startsWith("u")
        ? [0n, 2n ** BigInt(bits) - 1n]
        : [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n];
      const value = [low, high, 7n][n]!;
      return [name, bits === 64 ? value : Number(value)];
    }))
  );
  const batches: Batch[] = [];
  for await (const batch of buildBatches(fields, records, { rows: 2, bytes: 1 << 20 })) {
    batches.push(batch);
  }
  same(encoded(batches, columns), general(batches, columns));
});

Deno.test("all columns of a wide table are written", async () => {
  const types = Array.from({ length: 150 }, (_, i) => TYPES[i % TYPES.length]!);
  const fields = types.map(fieldOf);
  const readings = types.map((type, i) => chooseColumnDecoder(type, fields[i]!, false));
  const rows = fc.sample(fc.tuple(...types.map((type) => fc.option(WIRE[type]!))), {
    numRuns: 30,
    seed: 7,
  }).map(rowBytes);
  const batches = await decodeStream(copyStream(rows), fields, readings, { rows: 7 });
  same(encoded(batches, types.map((type, i) => columnOf(fields[i]!, type, i))), joined(...rows));
});

function textBatch(values: readonly (string | null)[], field: Field): Batch {
  const column = createColumn(field) as BytesColumn;
  for (const value of values) value === null ? column.pushNull() : column.pushString(value);
  return buildBatch(arrowSchema([field]), [column]);
}

Deno.test("a value longer than a message is in one", () => {
  const field = fieldOf("text", 0);
  const long = "x".repeat(3_000_000);
  const columns = [columnOf(field, "text")];
  const batches = [textBatch([long, "a", null, long, ""], field)];
  same(encoded(batches, columns), general(batches, columns));
});

Deno.test("what a column cannot take is refused with field, row over all batches, and value", () => {
  const cases: [type: string, value: string, words: RegExp][] = [
    ["text", "a\0b", /"c0", row 5: expected text without U\+0000/],
    ["jsonb", '"\0"', /"c0", row 5: expected text without U\+0000/],
    ["character varying(3)", "żółć", /"c0", row 5: expected at most 3 characters/],
    ["name", "n".repeat(64), /"c0", row 5: expected at most 63 bytes/],
  ];
  for (const [type, value, words] of cases) {
    const field = fieldOf(type, 0);
    const columns = [columnOf(field, type)];
    const batches = [textBatch(["a", null, "b"], field), textBatch([null, value, "c"], field)];
    assert.throws(() => encoded(batches, columns), words);
  }
  const uuid: Field = { name: "c0", dtype: "string", nullable: true };
  for (
    const wrong of [
      "",
      "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1",
      "a0eebc99-9c0b-4ef8-bb6d_6bb9bd380a11",
      "g".repeat(36),
    ]
  ) {
    assert.throws(
      () => encoded([textBatch([null, wrong], uuid)], [columnOf(uuid, "uuid")]),
      /"c0", row 2: expected a UUID/,
    );
  }
  const upper = "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11";
  same(
    encoded([textBatch([upper], uuid)], [columnOf(uuid, "uuid")]),
    rowBytes([Uint8Array.fromHex(upper.replaceAll("-", ""))]),
  );
});

Deno.test("dates and times beyond the server's, or finer than the column's, are refused", () => {
  const cases: [type: string, value: bigint | number, words: RegExp | undefined][] = [
    ["date", -2_440_589, /row 2: expected a date from 4714-11-24 BC/],
    ["date", -2_440_588, undefined],
    ["date", 2_145_042_905, undefined],
    ["date", 2_145_042_906, /row 2: expected a date from/],
    ["date", 2 ** 31 - 1, undefined],
    ["date", -(2 ** 31), undefined],
    ["time", -1n, /row 2: expected a time of day/],
    ["time", 86_400_000_000n, /row 2: expected a time of day/],
    ["time", 86_399_999_999n, undefined],
    ["time(3)", 1000n, undefined],
    ["time(3)", 1001n, /row 2: expected 3 digits of the second/],
    ["timestamp", -210_866_803_200_000_001n, /row 2: expected a timestamp from/],
    ["timestamp", -210_866_803_200_000_000n, undefined],
    ["timestamp", 2n ** 63n - 2n, undefined],
    ["timestamp", 2n ** 63n - 1n, undefined],
    ["timestamp", -(2n ** 63n), undefined],
    ["timestamp", -(2n ** 63n) + 1n, /row 2: expected a timestamp from/],
    ["timestamp(0) with time zone", 1_000_000n, undefined],
    ["timestamp(0) with time zone", 1_000_001n, /row 2: expected 0 digits of the second/],
    ["timestamp(0) without time zone", -(2n ** 63n), undefined],
  ];
  for (const [type, value, words] of cases) {
    const field = fieldOf(type, 0);
    const column = createColumn(field) as unknown as { push(value: unknown): void } & NumberColumn;
    column.pushNull();
    column.push(value);
    const batches = [buildBatch(arrowSchema([field]), [column])];
    const columns = [columnOf(field, type)];
    if (words === undefined) same(encoded(batches, columns), general(batches, columns), type);
    else assert.throws(() => encoded(batches, columns), words, `${type} ${value}`);
  }
});

Deno.test("a COPY has one beginning and one end, and its batches share messages", async () => {
  const field = fieldOf("text", 0);
  const columns = [columnOf(field, "text")];
  const batches = Array.from({ length: 100 }, (_, i) => textBatch([`value ${i}`], field));
  async function* source() {
    await Promise.resolve();
    yield* batches;
  }
  const frames: Uint8Array[] = [];
  for await (
    const frame of encodeFrames(source(), columns, "binary", new AbortController().signal)
  ) {
    frames.push(frame.slice());
  }
  assert.equal(frames.length, 1);
  same(
    bodies(frames),
    joined(COPY_HEADER, general(batches, columns), Uint8Array.of(255, 255)),
  );
});
