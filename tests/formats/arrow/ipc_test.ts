import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { SchemaError, ValidationError } from "../../../src/core/errors.ts";
import arrow from "../../../src/formats/arrow/arrow.ts";
import { comparableRecords, extremes, FIELDS_OF_EVERY_TYPE } from "../../conformance/values.ts";
import { field, inputOf, readAll, writeAll } from "../json/support.ts";

const urlOf = (name: string) => new URL(`../../data/arrow/${name}`, import.meta.url);
const sample = (name: string) => Deno.readFile(urlOf(name));

const infer = (bytes: Uint8Array) =>
  arrow.inferFields(inputOf(bytes), { compression: "none", options: {} });

async function all(bytes: Uint8Array): Promise<Record<string, unknown>[]> {
  return comparableRecords(await readAll(arrow, inputOf(bytes), await infer(bytes)));
}

const SECOND_ROW = {
  dict: "b",
  large: "ż",
  view: "a text of more than twelve bytes",
  bview: `binary ${"78".repeat(20)}`,
  ts_ns: "PlainDateTime 1970-01-01T00:00:00.000001",
  ts_ms: "Instant 1970-01-01T00:00:01.5Z",
  d64: "PlainDateTime 1970-01-02T00:00:00",
  t32: "PlainTime 00:00:01",
  fsb: "binary 6364",
  f16: 1.5,
  nul: null,
  dec: "-0.01",
  list: "JSONText []",
  map: "JSONText {}",
};

for (const name of ["plain.arrows", "zstd.feather", "lz4.feather"]) {
  Deno.test(`columns of other writers are read in all their layouts from ${name}`, async () => {
    const records = await all(await sample(name));
    assert.equal(records.length, 4);
    assert.deepEqual(records[1], SECOND_ROW);
    assert.ok(Object.values(records[2]!).every((value) => value === null));
    assert.deepEqual([records[0]!["list"], records[0]!["map"]], [
      "JSONText [9007199254740993,null]",
      'JSONText {"k":1}',
    ]);
    assert.deepEqual([records[3]!["dict"], records[3]!["map"]], ["a", 'JSONText {"a":null}']);
  });
}

Deno.test("files that are no Arrow of today are refused with the reason", async () => {
  const files: [Uint8Array, RegExp][] = [
    [new Uint8Array(), /it has 0 bytes/],
    [new TextEncoder().encode("FEA1\0\0\0\0FEA1"), /Feather version 1, expected version 2/],
    [new TextEncoder().encode("PAR1\0\0\0\0PAR1"), /it is Parquet, expected format parquet/],
    [(await sample("zstd.feather")).slice(0, -6), /its end is missing/],
  ];
  for (const [bytes, reason] of files) {
    await assert.rejects(infer(bytes), (error) => {
      assert.ok(error instanceof ValidationError);
      assert.match(error.message, reason);
      return true;
    });
  }
});

Deno.test("a compressed batch that says to be huge is refused before memory is taken", async () => {
  for (const name of ["zstd.feather", "lz4.feather"]) {
    const bytes = await sample(name);
    const fields = await infer(bytes);
    const view = new DataView(bytes.buffer);
    const magic = name === "zstd.feather" ? 0xfd2fb528 : 0x184d2204;
    let at = 8;
    while (view.getUint32(at + 8, true) !== magic) at += 8;
    for (const size of [2n ** 28n + 1n, 2n ** 40n, 2n ** 62n, -2n]) {
      view.setBigInt64(at, size, true);
      await assert.rejects(
        readAll(arrow, inputOf(bytes), fields),
        /expected at most 268435456: write the file again in smaller|compressed column is malformed/,
      );
    }
  }
});

Deno.test("dictionaries may grow and be replaced", async () => {
  const values = async (name: string) => (await all(await sample(name))).map(({ d }) => d);
  assert.deepEqual(await values("deltas.arrows"), ["a", "b", null, "c", "a"]);
  assert.deepEqual(await values("replaced.arrows"), ["a", "b", null, null, "x"]);
});

Deno.test("a column of a type that no DXTType holds is refused by name, others are read", async () => {
  const bytes = await sample("units.arrows");
  await assert.rejects(
    infer(bytes),
    (error) => error instanceof SchemaError && /"u"/.test(error.message),
  );
  const records = await readAll(arrow, inputOf(bytes), [field("i", "int64")]);
  assert.deepEqual(records, [{ i: 1n }, { i: 2n }]);
});

Deno.test("a stream that is cut anywhere is refused", async () => {
  const bytes = await sample("plain.arrows");
  const fields = await infer(bytes);
  for (let size = 0; size < bytes.length; size += 4) {
    await assert.rejects(readAll(arrow, inputOf(bytes.slice(0, size)), fields), ValidationError);
  }
});

Deno.test("a message that says to be longer than the file is refused before it is read", async () => {
  const bytes = await sample("plain.arrows");
  const fields = await infer(bytes);
  const long = bytes.slice();
  new DataView(long.buffer).setInt32(4, 0x7ffffff0, true);
  await assert.rejects(readAll(arrow, inputOf(long), fields), /longer than the file/);
});

Deno.test("text that is not UTF-8 and offsets that lead elsewhere are refused", async () => {
  const fields = [field("s", "string")];
  const bytes = await writeAll(arrow, fields, [{ s: "zażółć gęślą jaźń" }, { s: "x" }]);
  const at = new TextDecoder("latin1").decode(bytes).indexOf("jaźń".slice(0, 2));
  assert.ok(at > 0);
  const broken = bytes.with(at, 0xff);
  await assert.rejects(readAll(arrow, inputOf(broken), fields), /its text is not UTF-8/);
  const offsets = bytes.slice();
  const view = new DataView(offsets.buffer);
  const length = new TextEncoder().encode("zażółć gęślą jaźń").length;
  let place = 0;
  while (view.getInt32(place, true) !== length || view.getInt32(place + 4, true) !== length + 1) {
    place += 4;
  }
  view.setInt32(place, length + 2, true);
  await assert.rejects(readAll(arrow, inputOf(offsets), fields), /offsets go back/);
});

Deno.test("damaged files are refused or read, in little time and memory", async () => {
  const seed = String(1 + Math.floor(Math.random() * 2 ** 31));
  const own = await Deno.makeTempFile({ suffix: ".arrow" });
  try {
    await Deno.writeFile(own, await writeAll(arrow, FIELDS_OF_EVERY_TYPE, extremes()));
    const samples = [
      "zstd.feather",
      "lz4.feather",
      "plain.arrows",
      "deltas.arrows",
      "replaced.arrows",
    ];
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--allow-read",
        "--v8-flags=--max-old-space-size=128",
        fileURLToPath(new URL("./fuzz.ts", import.meta.url)),
        seed,
        "300",
        ...samples.map((name) => fileURLToPath(urlOf(name))),
        own,
      ],
      signal: AbortSignal.timeout(60_000),
    }).output();
    assert.ok(success, `seed ${seed}: ${new TextDecoder().decode(stderr).slice(-2000)}`);
    const figures = JSON.parse(new TextDecoder().decode(stdout)) as Record<string, number>;
    assert.equal(figures["read"]! + figures["refused"]!, 1800);
    assert.ok(figures["read"]! > 0 && figures["refused"]! > 0);
    assert.ok(figures["slowest"]! < 10_000, `${figures["slowest"]} ms for one file`);
    assert.ok(figures["peakBytes"]! < 600 * 2 ** 20, `${figures["peakBytes"]} bytes`);
  } finally {
    await Deno.remove(own);
  }
});

Deno.test("metadata with half an entry is refused, not read without end", async () => {
  // The size of a vtable of the schema.
  const bytes = (await sample("replaced.arrows")).with(104, 9);
  await assert.rejects(infer(bytes), /its metadata is malformed/);
});
