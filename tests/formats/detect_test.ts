/** Formats by name: of paths, of the registry. */
import assert from "node:assert/strict";
import { ConfigurationError } from "../../src/core/errors.ts";
import { checkOptions, detectFormat, loadFormat, resolveFormat } from "../../src/formats/mod.ts";
import { COMPRESSIONS, FormatOptions, FORMATS } from "../../src/models/format.ts";

const CASES: readonly (readonly [string, string | undefined, string])[] = [
  ["orders.csv", "csv", "none"],
  ["orders.csv.gz", "csv", "gzip"],
  ["in/2024.01/orders.csv.zst", "csv", "zstd"],
  ["orders.tsv.bz2", "tsv", "bz2"],
  ["orders.tab", "tsv", "none"],
  ["orders.json.xz", "json", "xz"],
  ["orders.jsonl", "jsonl", "none"],
  ["orders.ndjson.gz", "jsonl", "gzip"],
  ["orders.parquet", "parquet", "none"],
  ["orders.snappy.parquet", "parquet", "none"],
  ["orders.pq", "parquet", "none"],
  ["orders.arrow", "arrow", "none"],
  ["orders.feather", "arrow", "none"],
  ["orders.ipc", "arrow", "none"],
  ["ORDERS.CSV.GZ", "csv", "gzip"],
  ["orders", undefined, "none"],
  ["orders.gz", undefined, "gzip"],
  ["orders.txt", undefined, "none"],
  ["orders.csv/part-0", undefined, "none"],
  ["orders.csv.bak", undefined, "none"],
  ["csv", undefined, "none"],
  ["orders.constructor", undefined, "none"],
  ["", undefined, "none"],
];

Deno.test("a name tells format and compression", () => {
  for (const [path, format, compression] of CASES) {
    assert.deepEqual(detectFormat(path), { format, compression }, path);
  }
});

Deno.test("what is said wins over the name", () => {
  assert.deepEqual(resolveFormat("a.csv.gz", {}), { format: "csv", compression: "gzip" });
  assert.deepEqual(resolveFormat("a.csv.gz", { format: "tsv", compression: "none" }), {
    format: "tsv",
    compression: "none",
  });
  assert.deepEqual(resolveFormat("a.txt.gz", { format: "csv" }), {
    format: "csv",
    compression: "gzip",
  });
});

Deno.test("a name that does not tell is refused, with what would", () => {
  assert.throws(() => resolveFormat("orders.txt", {}), (error) => {
    assert.ok(error instanceof ConfigurationError);
    assert.match(
      error.message,
      /^Cannot tell the format of file "orders.txt": .*\.csv .*set format$/,
    );
    return true;
  });
});

Deno.test("a typed file that its name says to be compressed as a whole is refused", () => {
  for (const path of ["orders.parquet.gz", "orders.pq.zst", "orders.arrow.xz"]) {
    assert.throws(() => resolveFormat(path, {}), (error) => {
      assert.ok(error instanceof ConfigurationError, path);
      assert.match(error.message, /compressed inside, expected a name without \.(gz|zst|xz)$/);
      return true;
    });
  }
  assert.throws(() => resolveFormat("orders.gz", { format: "parquet" }), ConfigurationError);
  assert.equal(resolveFormat("a.parquet", { compression: "zstd" }).compression, "zstd");
});

for (const name of FORMATS) {
  Deno.test(`${name} is loaded by its name, and knows its own options alone`, async () => {
    const format = await loadFormat(name);
    assert.equal(format.name, name);
    assert.equal(detectFormat(`orders.${format.extension}`).format, name);
    assert.ok(format.compressions.every((compression) => COMPRESSIONS.includes(compression)));
    for (const key of Object.keys(FormatOptions.shape)) {
      const check = () => checkOptions(format, { [key]: undefined } as FormatOptions);
      if ((format.optionKeys as readonly string[]).includes(key)) check();
      else assert.throws(check, ConfigurationError, key);
    }
  });
}
