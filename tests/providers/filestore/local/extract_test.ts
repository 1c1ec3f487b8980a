/** Records and files out of folders, all of them or an error. */
import assert from "node:assert/strict";
import { createExtractTask as asTask } from "../../../../src/arrow/mod.ts";
import { join } from "node:path";
import type { FileExtractor } from "../../../../src/core/contracts/extractor.ts";
import {
  ConfigurationError,
  ExtractorError,
  SchemaError,
  ValueError,
} from "../../../../src/core/errors.ts";
import type { Field } from "../../../../src/models/field.ts";
import local from "../../../../src/providers/filestore/local/mod.ts";
import { comparableRecords } from "../../../conformance/values.ts";
import { type Store, withStore } from "./support.ts";

const lines = (...records: unknown[]) => records.map((r) => `${JSON.stringify(r)}\n`).join("");

Deno.test("all files of a stream are read in the order of their names, and counted", () =>
  withStore(async (store) => {
    await store.put("b.jsonl", lines({ n: 3 }));
    await store.put("a.jsonl", lines({ n: 1 }, { n: 2 }));
    const { records, proof } = await store.read("*.jsonl");
    assert.deepEqual(records, [{ n: 1n }, { n: 2n }, { n: 3n }]);
    assert.deepEqual(proof, { rows: 3, evidence: "2 files, 24 bytes, 3 rows" });
  }));

Deno.test("no file is an error, not no records", () =>
  withStore(async (store) => {
    await assert.rejects(store.read("*.jsonl"), (error: unknown) => {
      assert.ok(error instanceof ExtractorError);
      assert.equal(error.message, 'Cannot read files: no file matches pattern "*.jsonl"');
      return true;
    });
    for (const ref of ["gone.jsonl", "gone/"]) {
      await assert.rejects(store.read(ref), ExtractorError, ref);
    }
    const { connector } = store;
    assert.equal(await connector.getStreamFields({ type: "file", path: "gone.csv" }), undefined);
    assert.equal(await connector.getStreamFields({ type: "directory", path: "gone" }), undefined);
  }));

Deno.test("a file whose format nobody tells is named", () =>
  withStore(async (store) => {
    await store.put("notes.txt", "hello");
    await assert.rejects(store.read("notes.txt"), /notes\.txt/);
  }));

Deno.test("only records in the watermark's range are kept, and the proof says so", () =>
  withStore(async (store) => {
    await store.put("a.jsonl", lines({ n: 1 }, { n: 2 }, { n: null }));
    await store.put("b.jsonl", lines({ n: 3 }, { n: 2 }));
    const after = { value: 2n, inclusive: false };
    const newer = await store.read("*.jsonl", { field: "n", after, nulls: "exclude" });
    assert.deepEqual(newer.records, [{ n: 3n }]);
    assert.match(newer.proof.evidence, /5 rows, 1 of them in range$/);
    assert.equal(newer.proof.rows, 1);
    const inclusive = { value: 2n, inclusive: true };
    const overlap = await store.read("*.jsonl", { field: "n", after: inclusive, nulls: "include" });
    assert.deepEqual(overlap.records.map(({ n }) => n), [2n, null, 3n, 2n]);
    const nothing = { value: 3n, inclusive: false };
    const none = await store.read("*.jsonl", { field: "n", after: nothing, nulls: "exclude" });
    assert.deepEqual([none.records, none.proof.rows], [[], 0]);
  }));

Deno.test("an expression is refused: files evaluate none", () =>
  withStore(async (store) => {
    await store.put("a.jsonl", lines({ n: 1 }));
    const extractor = await local.extractors["LocalRecordExtractor"]!.create(store.connector, {});
    const task = asTask({
      source: { type: "file", path: "a.jsonl" },
      projections: [{ field: { name: "m", dtype: "int64", nullable: true }, expression: "n + 1" }],
      batchRows: 10,
      batchBytes: 1 << 20,
      signal: new AbortController().signal,
    });
    await assert.rejects(() => extractor.extract(task).next(), ConfigurationError);
  }));

Deno.test("a value that does not fit names its file", () =>
  withStore(async (store) => {
    await store.put("a.jsonl", lines({ n: 1 }));
    await store.put("b.jsonl", lines({ n: 1 }, { n: 300 }));
    const fields: Field[] = [{ name: "n", dtype: "int8", nullable: true }];
    await assert.rejects(store.read("*.jsonl", undefined, fields), (error: unknown) => {
      assert.ok(error instanceof ValueError);
      assert.match(error.message, /field "n", row 2: .* in "b\.jsonl", value is "300"/);
      return true;
    });
  }));

/** Changes a file when its first batch has been read. */
async function readWhile(store: Store, change: (path: string) => Promise<void>): Promise<void> {
  await store.put("a.jsonl", lines(...Array.from({ length: 150 }, (_, n) => ({ n }))));
  const { signal } = new AbortController();
  const extractor = await local.extractors["LocalRecordExtractor"]!.create(store.connector, {});
  const extraction = extractor.extract(asTask({
    source: { type: "file", path: "a.jsonl" },
    projections: [{ field: { name: "n", dtype: "int64", nullable: true }, column: "n" }],
    batchRows: 100,
    batchBytes: 1 << 20,
    signal,
  }));
  assert.equal((await extraction.next()).done, false);
  await change(join(store.folder, "a.jsonl"));
  while ((await extraction.next()).done !== true);
}

const CHANGES: Record<string, (path: string) => Promise<void>> = {
  "shrinks": (path) => Deno.truncate(path, 100),
  "grows": (path) => Deno.writeTextFile(path, "{}\n", { append: true }),
  "is written again": async (path) => {
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.replace("149", "999"));
    await Deno.utime(path, 1, 1);
  },
};

for (const [what, change] of Object.entries(CHANGES)) {
  Deno.test(`a file that ${what} while it is read is an error`, () =>
    withStore(async (store) => {
      await assert.rejects(readWhile(store, change), (error: unknown) => {
        assert.ok(error instanceof ExtractorError);
        assert.match(error.message, /"a\.jsonl": it changed while it was read/);
        return true;
      });
    }));
}

Deno.test("a file that is removed or replaced while it is read is read as it was", () =>
  withStore(async (store) => {
    await readWhile(store, (path) => Deno.remove(path));
    await readWhile(store, async (path) => {
      await Deno.writeTextFile(`${path}.new`, "{}\n");
      await Deno.rename(`${path}.new`, path);
    });
  }));

Deno.test("files that were listed together are read together, or not at all", () =>
  withStore(async (store) => {
    await store.put("a.jsonl", lines({ n: 1 }));
    await store.put("b.jsonl", lines({ n: 2 }));
    const extractor = await local.extractors["LocalRecordExtractor"]!.create(store.connector, {});
    const extraction = extractor.extract(asTask({
      source: { type: "glob", pattern: "*.jsonl" },
      projections: [{ field: { name: "n", dtype: "int64", nullable: true }, column: "n" }],
      batchRows: 1,
      batchBytes: 1 << 20,
      signal: new AbortController().signal,
    }));
    await extraction.next();
    await store.put("b.jsonl", lines({ n: 3 }, { n: 4 }));
    await assert.rejects(extraction.next(), /"b\.jsonl" with 1 other files: it changed since/);
  }));

Deno.test("JSON files may lack fields, and guessed types widen without loss", () =>
  withStore(async (store) => {
    await store.put("a.jsonl", lines({ id: 1, n: 1, s: "x" }));
    await store.put("b.jsonl", lines({ id: 2, n: 1.5, extra: true }));
    await store.put("c.jsonl", "");
    const { fields, records } = await store.read("*.jsonl");
    assert.deepEqual(fields.map(({ name, dtype }) => `${name} ${dtype}`), [
      "id int64",
      "n float64",
      "s string",
      "extra bool",
    ]);
    assert.deepEqual(comparableRecords(records), [
      { id: 1n, n: 1, s: "x", extra: null },
      { id: 2n, n: 1.5, s: null, extra: true },
    ]);
  }));

Deno.test("CSV files must have the same columns, in any order", () =>
  withStore(async (store) => {
    await store.put("a.csv", "id,name\n1,x\n");
    await store.put("b.csv", "name,id\ny,2\n");
    const { records } = await store.read("*.csv");
    assert.deepEqual(records, [{ id: 1n, name: "x" }, { id: 2n, name: "y" }]);
    await store.put("c.csv", "id\n3\n");
    await assert.rejects(store.read("*.csv"), (error: unknown) => {
      assert.ok(error instanceof SchemaError);
      assert.match(error.message, /"c\.csv" and "a\.csv" .*: column "name" is only in the second/);
      return true;
    });
  }));

Deno.test("CSV columns that are numbers in one file and text in another are text", () =>
  withStore(async (store) => {
    await store.put("a.csv", "zip\n01234\n");
    await store.put("b.csv", "zip\nSW1A\n");
    await store.put("c.csv", "zip\n99\n");
    const { records } = await store.read("*.csv");
    assert.deepEqual(records, [{ zip: "01234" }, { zip: "SW1A" }, { zip: "99" }]);
  }));

Deno.test("whole files are handed on, compressed or not, with their paths below the folder", () =>
  withStore(async (store) => {
    await Deno.mkdir(join(store.folder, "in/x"), { recursive: true });
    await store.put("in/a.bin", "\0raw");
    await store.put("in/x/b.csv.gz", "not gzip at all");
    const extractor = await local.extractors["LocalFileExtractor"]!.create(
      store.connector,
      {},
    ) as FileExtractor;
    const task = (recursive: boolean) =>
      asTask({
        source: { type: "directory", path: "in", recursive },
        projections: [],
        batchRows: 1,
        batchBytes: 1024,
        signal: new AbortController().signal,
      });
    const extraction = extractor.extract(task(true));
    const seen: string[] = [];
    while (true) {
      const next = await extraction.next();
      if (next.done === true) {
        assert.deepEqual(next.value, { rows: 2, evidence: "2 files, 19 bytes" });
        break;
      }
      seen.push(`${next.value.name}: ${await new Response(await next.value.open()).text()}`);
    }
    assert.deepEqual(seen, ["a.bin: \0raw", "x/b.csv.gz: not gzip at all"]);
  }));

Deno.test("discovery lists files of known formats with their fields", () =>
  withStore(async (store) => {
    await store.put("b.jsonl", lines({ n: 1, s: "x" }));
    await store.put("a[1].jsonl", lines({ n: 1 }));
    await store.put("notes.txt", "no stream");
    await store.put("broken.json", "{");
    const found = await store.connector.discover();
    assert.deepEqual(found.map(({ name, fields }) => [name, fields.map((field) => field.name)]), [
      ["a[[]1].jsonl", ["n"]],
      ["b.jsonl", ["n", "s"]],
      ["broken.json", []],
    ]);
    assert.deepEqual((await store.read(found[0]!.name)).records, [{ n: 1n }]);
  }));
