/** Staged data into files and folders. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  ConfigurationError,
  LoaderError,
  SchemaError,
  ValueError,
  VerificationError,
} from "../../../../src/core/errors.ts";
import type { Field } from "../../../../src/models/field.ts";
import { comparableRecords } from "../../../conformance/values.ts";
import { stagedFiles, stagedRecords, type Store, withStore } from "./support.ts";
import { ignoreIf, notLinux, notRoot } from "../../../support/ignore.ts";

const FIELDS: Field[] = [
  { name: "id", dtype: "int64", nullable: false, key: true },
  { name: "name", dtype: "string", nullable: true },
];
const records = (...ids: number[]) => ids.map((id) => ({ id: BigInt(id), name: `n${id}` }));
const ids = async (store: Store, source: string) =>
  (await store.read(source)).records.map(({ id }) => Number(id));

const FORMATS = ["parquet", "csv", "csv.gz", "tsv", "json", "jsonl", "jsonl.zst", "arrow"];

for (const ending of FORMATS) {
  Deno.test(`a ${ending} file is made, added to and replaced, and says what it took`, () =>
    withStore(async (store) => {
      const target = `a.${ending}`;
      const made = await store.load(target, stagedRecords(FIELDS, records(1, 2)));
      assert.equal(made.rows, 2);
      assert.match(made.evidence, new RegExp(`^2 rows, \\d+ bytes in "a\\.${ending}"$`));
      const added = await store.load(target, stagedRecords(FIELDS, records(3)));
      assert.equal(added.rows, 1);
      assert.deepEqual((await store.read(target)).records, records(1, 2, 3));
      const nothing = await store.load(target, stagedRecords(FIELDS, []));
      assert.equal(nothing.rows, 0);
      assert.deepEqual(await ids(store, target), [1, 2, 3]);
      await store.load(target, stagedRecords(FIELDS, records(4)), "replace");
      assert.deepEqual(await ids(store, target), [4]);
      assert.deepEqual(await store.names(), [target]);
    }));

  Deno.test(`a folder of ${ending} parts is added to once a stage, and replaced`, () =>
    withStore(async (store) => {
      const [format, end] = ending.split(".");
      const target = {
        type: "directory" as const,
        path: "parts",
        format: format as "csv",
        ...(end === undefined
          ? {}
          : { compression: end === "gz" ? "gzip" as const : "zstd" as const }),
      };
      await store.load(target, stagedRecords(FIELDS, records(1), "first"));
      const second = stagedRecords(FIELDS, records(2, 3), "second");
      await store.load(target, second);
      await store.load(target, second);
      const names = await store.names("parts");
      assert.equal(names.length, 2);
      assert.ok(names.every((name) => name.endsWith(`.${ending}`)), names.join());
      assert.match(names[1]!, /^part-00001-[0-9a-f]{16}\./);
      assert.deepEqual(await ids(store, "parts/"), [1, 2, 3]);
      await store.load(target, stagedRecords(FIELDS, records(9)), "replace");
      assert.deepEqual(await store.names("parts"), [`part-00000.${ending}`]);
      assert.deepEqual(await ids(store, "parts/"), [9]);
    }));
}

Deno.test("a folder's parts are Parquet unless the target says otherwise", () =>
  withStore(async (store) => {
    await store.load("parts/", stagedRecords(FIELDS, records(1)), "replace");
    assert.deepEqual(await store.names("parts"), ["part-00000.parquet"]);
  }));

Deno.test("a file is compressed as the target says, else as its name, else as its format is wont to", () =>
  withStore(async (store) => {
    const same = Array.from({ length: 2000 }, () => ({ id: 7n, name: "the same" }));
    const size = async (path: string, compression?: "none" | "gzip" | "zstd") => {
      const target = { type: "file" as const, path, ...(compression && { compression }) };
      await store.load(target, stagedRecords(FIELDS, same), "replace");
      assert.equal((await store.read(target)).records.length, 2000);
      return (await Deno.stat(join(store.folder, path))).size;
    };
    assert.ok(await size("a.parquet") < await size("a.parquet", "none") / 4);
    assert.ok(await size("a.csv.gz") < await size("a.csv") / 4);
    assert.ok(await size("b.csv", "gzip") < await size("b.csv") / 4);
    await assert.rejects(size("a.csv.bz2"), ConfigurationError);
  }));

Deno.test("a file to add to keeps the order of its columns", () =>
  withStore(async (store) => {
    await store.put("a.csv", "name,id\nn1,1\n");
    await store.load("a.csv", stagedRecords(FIELDS, records(2)));
    assert.equal(await store.text("a.csv"), "name,id\nn1,1\nn2,2\n");
  }));

Deno.test("a file without a line end at its end is added to on a line of its own", () =>
  withStore(async (store) => {
    await store.put("a.csv", "id,name\n1,n1");
    await store.load("a.csv", stagedRecords(FIELDS, records(2)));
    assert.equal(await store.text("a.csv"), "id,name\n1,n1\n2,n2\n");
  }));

Deno.test("a CSV file without a header is added to by the order of its columns", () =>
  withStore(async (store) => {
    const target = { type: "file" as const, path: "a.csv", options: { header: false } };
    await store.load(target, stagedRecords(FIELDS, records(1)));
    await store.load(target, stagedRecords(FIELDS, records(2)));
    assert.equal(await store.text("a.csv"), "1,n1\n2,n2\n");
    await assert.rejects(
      store.load(target, stagedRecords([FIELDS[0]!], [{ id: 3n }])),
      /Cannot add to "a\.csv": it has 2 columns, staged are 1/,
    );
  }));

Deno.test("columns that do not fit are refused before anything is written", () =>
  withStore(async (store) => {
    const other: Field[] = [FIELDS[0]!, { name: "total", dtype: "float64", nullable: true }];
    const wide: Field[] = [{ ...FIELDS[0]!, dtype: "int32" }, FIELDS[1]!];
    for (const target of ["a.parquet", "a.csv", "a.jsonl", "parts/"]) {
      await store.load(target, stagedRecords(FIELDS, records(1)));
      await assert.rejects(
        store.load(target, stagedRecords(other, [{ id: 2n, total: 1 }])),
        (error: unknown) => {
          assert.ok(error instanceof SchemaError);
          assert.match(error.message, /^Cannot add to ".*": its column "name" is not staged/);
          return true;
        },
      );
      await assert.rejects(
        store.load(target, stagedRecords([FIELDS[0]!], [{ id: 2n }])),
        SchemaError,
      );
      await assert.rejects(
        store.load(target, stagedRecords([...FIELDS, other[1]!], [])).then(() =>
          store.load(target, stagedRecords([...FIELDS, other[1]!], [{ id: 1n }]))
        ),
        /staged column "total" is not in it/,
      );
      assert.deepEqual(await ids(store, target), [1], target);
    }
    for (const target of ["a.parquet", "parts/"]) {
      await assert.rejects(
        store.load(target, stagedRecords(wide, [{ id: 2, name: "x" }])),
        /column "id" is int64, staged is int32/,
      );
    }
  }));

Deno.test("values of an old file that the staged type cannot hold are refused", () =>
  withStore(async (store) => {
    await store.put("a.csv", "id,name\nabc,x\n");
    await assert.rejects(store.load("a.csv", stagedRecords(FIELDS, records(1))), ValueError);
    assert.equal(await store.text("a.csv"), "id,name\nabc,x\n");
    assert.deepEqual(await store.names(), ["a.csv"]);
  }));

Deno.test("upsert is refused, and what is there instead is named", () =>
  withStore(async (store) => {
    await assert.rejects(
      store.load("a.csv", stagedRecords(FIELDS, records(1)), "upsert"),
      (error: unknown) => {
        assert.ok(error instanceof LoaderError);
        assert.match(error.message, /append or replace/);
        return true;
      },
    );
  }));

Deno.test("a target type in another system's words is refused", () =>
  withStore(async (store) => {
    const fields: Field[] = [{ ...FIELDS[0]!, target_type: "bigserial" }];
    await assert.rejects(
      store.load("a.csv", stagedRecords(fields, [{ id: 1n }])),
      ConfigurationError,
    );
    const same: Field[] = [{ ...FIELDS[0]!, target_type: "int64" }];
    await store.load("a.csv", stagedRecords(same, [{ id: 1n }]));
  }));

Deno.test("an infinite date does not get into a Parquet or Arrow file", () =>
  withStore(async (store) => {
    for (const dtype of ["date", "timestamp", "timestamp_tz"] as const) {
      const field: Field = { name: "d", dtype, nullable: true };
      for (const value of ["infinity", "-infinity"]) {
        for (const target of ["a.parquet", "a.arrow"]) {
          await assert.rejects(
            store.load(target, stagedRecords([field], [{ d: null }, { d: value }])),
            (error: unknown) => {
              assert.ok(error instanceof ValueError);
              assert.match(error.message, new RegExp(`field "d", row 2: .*"${value}"$`));
              return true;
            },
          );
        }
      }
    }
    assert.deepEqual(await store.names(), []);
  }));

Deno.test("a stage that gives other than its count is refused before the target changes", () =>
  withStore(async (store) => {
    const staged = stagedRecords(FIELDS, records(1, 2), "r", 3);
    for (const target of ["a.csv", "a.parquet", "parts/"]) {
      await assert.rejects(store.load(target, staged), (error: unknown) => {
        assert.ok(error instanceof VerificationError);
        assert.match(error.message, /reads back as 2 rows, expected 3/);
        return true;
      });
    }
    assert.deepEqual(await store.names(), []);
  }));

Deno.test("a folder with other files is not emptied", () =>
  withStore(async (store) => {
    await store.load("parts/", stagedRecords(FIELDS, records(1)), "replace");
    await store.put("parts/notes.txt", "mine");
    await assert.rejects(
      store.load("parts/", stagedRecords(FIELDS, records(2)), "replace"),
      /Cannot replace folder "parts\/": it contains "notes\.txt"/,
    );
    assert.deepEqual(await store.names("parts"), ["notes.txt", "part-00000.parquet"]);
  }));

Deno.test("the highest watermark is found over all files of a folder", () =>
  withStore(async (store) => {
    const fields: Field[] = [{ name: "at", dtype: "timestamp_tz", nullable: true }];
    const at = (text: string | null) => ({
      at: text === null ? null : Temporal.Instant.from(text),
    });
    const staged = (...texts: (string | null)[]) => stagedRecords(fields, texts.map(at));
    const folder = { type: "directory" as const, path: "parts" };
    assert.equal(await store.loader.getMaxWatermark(folder, "at"), undefined);
    await store.load(folder, staged(null));
    assert.equal(await store.loader.getMaxWatermark(folder, "at"), undefined);
    await store.load(folder, staged("2024-01-01T00:00:00.000002Z", "2023-01-01T00:00:00Z"));
    await store.load(folder, staged("2024-01-01T00:00:00.000001Z"));
    const max = await store.loader.getMaxWatermark(folder, "at");
    assert.deepEqual(comparableRecords([{ max: max! }]), [
      { max: "Instant 2024-01-01T00:00:00.000002Z" },
    ]);
    await assert.rejects(
      store.loader.getMaxWatermark(folder, "gone"),
      /Cannot find the highest "gone" in "parts": it has "at"/,
    );
  }));

Deno.test("staged files are copied as they are, into folders of their own", () =>
  withStore(async (store) => {
    const files = { "a.bin": "\0\xff raw", "x/b.csv": "id\n1\n" };
    const receipt = await store.load("copy/", stagedFiles(files));
    assert.equal(receipt.rows, 2);
    assert.match(receipt.evidence, /^2 files, 12 bytes in "copy\/", SHA-256 equal$/);
    assert.equal(await store.text("copy/a.bin"), "\0\xff raw");
    assert.equal(await store.text("copy/x/b.csv"), "id\n1\n");
    await store.load("copy/", stagedFiles(files));
    await store.load("copy/", stagedFiles({ "c.txt": "c" }));
    assert.deepEqual(await store.names("copy"), ["a.bin", "c.txt", "x"]);
    await assert.rejects(
      store.load("copy/", stagedFiles({ "d.txt": "d", "a.bin": "other" })),
      /Cannot add "a\.bin": "copy\/a\.bin" exists with different content/,
    );
    assert.deepEqual(await store.names("copy"), ["a.bin", "c.txt", "x"]);
    await store.load("copy/", stagedFiles({ "a.bin": "other" }), "replace");
    assert.deepEqual(await store.names("copy"), ["a.bin"]);
  }));

Deno.test("one staged file may get a name of its own", () =>
  withStore(async (store) => {
    await store.load("b.csv", stagedFiles({ "a.csv": "x" }));
    assert.equal(await store.text("b.csv"), "x");
    await assert.rejects(store.load("b.csv", stagedFiles({ "a.csv": "y" })), LoaderError);
    await store.load("b.csv", stagedFiles({ "a.csv": "y" }), "replace");
    assert.equal(await store.text("b.csv"), "y");
    await assert.rejects(store.load("b.csv", stagedFiles({ a: "1", b: "2" })), LoaderError);
  }));

Deno.test("a staged name that leads out of the folder is refused", () =>
  withStore(async (store) => {
    for (const name of ["../out.txt", "/out.txt", "a/../../out.txt", "a//b", "./a", "", "a\0b"]) {
      await assert.rejects(store.load("copy/", stagedFiles({ [name]: "x" })), LoaderError, name);
    }
    assert.deepEqual(await store.names(), []);
  }));

Deno.test("a copy that arrives changed is refused", () =>
  withStore(async (store) => {
    const staged = stagedFiles({ "a.txt": "right" });
    const wrong = {
      ...staged,
      openFile: () => Promise.resolve(new Blob(["wrong"]).stream()),
    };
    await assert.rejects(store.load("copy/", wrong), VerificationError);
    await assert.rejects(store.load("a.txt", wrong), VerificationError);
    assert.deepEqual(await store.names(), []);
  }));

Deno.test({
  ...ignoreIf(notLinux ?? notRoot(), "a full disk is named, and the target is as it was"),
  fn: (t) =>
    withStore(async (store) => {
      const disk = join(store.folder, "disk");
      await Deno.mkdir(disk);
      const mounted = await new Deno.Command("mount", {
        args: ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk],
      }).output();
      if (!mounted.success) {
        await t.step({ ...ignoreIf("no file system can be mounted", "the disk"), fn: () => {} });
        return;
      }
      try {
        await store.load("disk/a.csv", stagedRecords(FIELDS, records(1)));
        const long = "x".repeat(1000);
        const many = Array.from({ length: 1000 }, (_, i) => ({ id: BigInt(i), name: long }));
        for (const target of ["disk/a.csv", "disk/parts/"]) {
          await assert.rejects(
            store.load({ ...targetOfCSV(target) }, stagedRecords(FIELDS, many)),
            /no space is left on the device/,
          );
        }
        assert.deepEqual(await store.names("disk"), ["a.csv"]);
        assert.deepEqual(await ids(store, "disk/a.csv"), [1]);
      } finally {
        await new Deno.Command("umount", { args: [disk] }).output();
      }
    }),
});

function targetOfCSV(path: string) {
  return path.endsWith("/")
    ? { type: "directory" as const, path, format: "csv" as const }
    : { type: "file" as const, path };
}
