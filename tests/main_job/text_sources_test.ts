/** What is guessed from text files, end to end: nothing is dropped, no value changes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StreamResult } from "../../src/models/result.ts";
import { run, withFolder } from "../support/run.ts";

type Keys = Record<string, unknown>;

const SQLITE = { provider: "sqlite", path: "t.db" };

/** Runs one stream from local files. */
async function move(folder: string, stream: Keys, target: Keys = SQLITE): Promise<StreamResult> {
  const { streams } = await run(folder, {
    version: 1,
    name: "text",
    source: { provider: "local", path: "." },
    target,
    streams: [{ id: "t", ...stream }],
  });
  return streams[0]!;
}

async function moved(folder: string, stream: Keys, target?: Keys): Promise<StreamResult> {
  const result = await move(folder, stream, target);
  assert.deepEqual([result.error?.message, result.status], [undefined, "succeeded"]);
  return result;
}

async function refused(folder: string, stream: Keys, message: RegExp, target?: Keys) {
  const result = await move(folder, stream, target);
  assert.match(result.error?.message ?? result.status, message);
}

function rows(folder: string, sql = "SELECT * FROM t"): unknown[][] {
  using database = new DatabaseSync(join(folder, "t.db"));
  return database.prepare(sql).all().map((row) => Object.values(row));
}

function execute(folder: string, sql: string): void {
  using database = new DatabaseSync(join(folder, "t.db"));
  database.exec(sql);
}

const put = (folder: string, name: string, text: string) =>
  Deno.writeTextFile(join(folder, name), text);

const one = (source: string) => ({
  source: { type: "file", path: source, options: { infer_rows: 1 } },
});
const globbed = (pattern: string) => ({ source: { type: "glob", pattern } });

Deno.test("a key that comes after the sample stops the stream, and each way out works", () =>
  withFolder(async (folder) => {
    await put(folder, "a.jsonl", '{"a":1}\n{"a":2,"b":"kept"}\n');
    for (const target of [SQLITE, { provider: "local", path: "out" }]) {
      const named = target === SQLITE ? {} : { target: "t.jsonl" };
      await refused(folder, { ...one("a.jsonl"), ...named }, /line 2, record 2: key "b"/, target);
    }
    const declared = { ...one("a.jsonl"), load: { mode: "replace" } };
    const fields = [{ id: "b", dtype: "string" }];
    const { warnings } = await moved(folder, { ...declared, fields });
    assert.match(warnings.join("\n"), /field "b" is declared, the first records do not have it/);
    assert.deepEqual(rows(folder), [[1, null], [2, "kept"]]);
    await moved(folder, { ...declared, fields: [{ id: "a" }], only_declared_fields: true });
    assert.deepEqual(rows(folder, "SELECT a FROM t"), [[1], [2]]);
    await moved(folder, { source: "a.jsonl", target: "u" });
    assert.deepEqual(rows(folder, "SELECT * FROM u"), [[1, null], [2, "kept"]]);
    // Without a type nothing could be made of it.
    await refused(
      folder,
      { ...declared, fields: [{ id: "b" }] },
      /"b" is declared, .*declare its dtype/s,
    );
  }));

Deno.test("records of an existing file are kept whole when others are added", () =>
  withFolder(async (folder) => {
    await put(folder, "more.jsonl", '{"a":2}\n');
    const old = '{"a":1}\n{"a":2,"b":"kept"}\n';
    await put(folder, "old.jsonl", old);
    const target = { type: "file", path: "old.jsonl", options: { infer_rows: 1 } };
    const local = { provider: "local", path: "." };
    await refused(folder, { source: "more.jsonl", target }, /record 2: key "b"/, local);
    assert.equal(await Deno.readTextFile(join(folder, "old.jsonl")), old);
  }));

const DAYS: readonly (readonly [type: string, file: string, text: string, error: RegExp])[] = [
  [
    "INTEGER",
    "csv",
    "01220",
    /"v", row 1: expected int64 .* line 2 in "day.csv", value is "01220"/,
  ],
  ["INTEGER", "csv", "+5", /value is "\+5"/],
  ["INTEGER", "csv", "-0", /value is "-0"/],
  ["INTEGER", "csv", "NULL", /set null_value where it means NULL.*value is "NULL"/],
  ["INTEGER", "jsonl", '"01220"', /expected int64 .* line 1 in "day.jsonl", value is "01220"/],
  ["BOOLEAN", "csv", "1", /expected bool as in the target's column, although int64 was guessed/],
  ["BOOLEAN", "jsonl", '"t"', /expected bool .*string was guessed/],
  ["DOUBLE", "csv", "0.1234567890123456789", /expected float64/],
  ["DOUBLE", "jsonl", '"12345678901234567890"', /expected float64/],
  ["DOUBLE", "csv", "1e400", /expected float64/],
  ["DATE", "csv", "+002024-01-01", /expected date/],
  ["DATETIME", "csv", "2024-01-01T10:00", /expected timestamp/],
];

for (const [type, kind, text, error] of DAYS) {
  Deno.test(`${text} in ${kind} is no ${type} of a table that an earlier file made`, () =>
    withFolder(async (folder) => {
      execute(folder, `CREATE TABLE t (v ${type})`);
      await put(folder, `day.${kind}`, kind === "csv" ? `v\n${text}\n` : `{"v":${text}}\n`);
      const lossy = { load: { lossy: "accept" } };
      await refused(folder, { source: `day.${kind}`, ...lossy }, error);
      assert.deepEqual(rows(folder), []);
    }));
}

const AFTER: readonly (readonly [first: string, second: string, kind: "csv" | "jsonl"])[] = [
  ["10001", "01220", "csv"],
  ["5", "+5", "csv"],
  ["true", "1", "csv"],
  ["true", "t", "csv"],
  ["1.50", "01.5", "csv"],
  ["1.5e3", "007", "csv"],
  ["2024-01-01", "+002024-01-01", "csv"],
  ["10:00:00", "10:00", "csv"],
  ["10001", '"01220"', "jsonl"],
  ["10001", '"10002"', "jsonl"],
  ["1.5", '"12345678901234567890"', "jsonl"],
  ["true", '"f"', "jsonl"],
  ["true", "1", "jsonl"],
  ['"abc"', "5", "jsonl"],
];

for (const [first, second, kind] of AFTER) {
  Deno.test(`${second} after ${first} in ${kind} is refused, and kept with a larger sample`, () =>
    withFolder(async (folder) => {
      const lines = kind === "csv"
        ? ["v", first, second]
        : [first, second].map((v) => `{"v":${v}}`);
      await put(folder, `a.${kind}`, `${lines.join("\n")}\n`);
      const bare = second.replaceAll('"', "").replaceAll(/[+.]/g, "\\$&");
      await refused(
        folder,
        one(`a.${kind}`),
        new RegExp(
          `"v", row 2: .*guessed.* line ${lines.length} in "a.${kind}", value is "${bare}"`,
        ),
      );
      await moved(folder, { source: `a.${kind}`, target: `copy.${kind}` }, {
        provider: "local",
        path: ".",
      });
      const [copy, text] = await Promise.all(
        ["copy", "a"].map((name) => Deno.readTextFile(join(folder, `${name}.${kind}`))),
      );
      assert.equal(copy, text);
    }));
}

Deno.test("a column without values says nothing of its type among several files", () =>
  withFolder(async (folder) => {
    await put(folder, "1.csv", "id,price,at,ok\n1,1.50,2024-01-01,true\n");
    await put(folder, "2.csv", "id,price,at,ok\n2,,,\n");
    await put(folder, "3.csv", "at,id,ok,price\n");
    await put(folder, "4.csv", "");
    await put(folder, "1.jsonl", '{"id":1,"v":"abc","n":2.5,"l":[1]}\n');
    await put(folder, "2.jsonl", '{"id":2,"v":null,"n":null}\n');
    await put(folder, "3.jsonl", "");
    const types = (table: string) =>
      rows(folder, `SELECT name, type FROM pragma_table_info('${table}')`).map(([, type]) => type);
    await moved(folder, { source: "1.csv", target: "one_csv" });
    await moved(folder, { source: "1.jsonl", target: "one_jsonl" });
    for (const kind of ["csv", "jsonl"]) {
      await moved(folder, { ...globbed(`*.${kind}`), target: `all_${kind}` });
      assert.deepEqual(types(`all_${kind}`), types(`one_${kind}`));
      assert.equal(rows(folder, `SELECT * FROM all_${kind}`).length, 2);
    }
    assert.deepEqual(rows(folder, "SELECT v FROM all_jsonl WHERE id = 1"), [["abc"]]);
    // The order of the files does not matter.
    await Deno.rename(join(folder, "2.csv"), join(folder, "0.csv"));
    await moved(folder, { ...globbed("[01].csv"), target: "turned" });
    assert.deepEqual(types("turned"), types("one_csv"));
  }));

const EMPTY = {
  "a.jsonl": "",
  "b.jsonl": "\n \n",
  "c.json": "[]",
  "d.csv": "",
  "e.csv": "\n",
  "f.csv": "id,a\n",
};

for (const [name, text] of Object.entries(EMPTY)) {
  Deno.test(`a source without records is none: ${name} as ${JSON.stringify(text)}`, () =>
    withFolder(async (folder) => {
      await put(folder, name, text);
      for (const mode of ["append", "upsert", "replace"]) {
        execute(folder, "DROP TABLE IF EXISTS t; CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)");
        execute(folder, "INSERT INTO t VALUES (1, 'x')");
        const keys = mode === "upsert" ? { upsert_keys: ["id"] } : {};
        const result = await moved(folder, { source: name, load: { mode, ...keys } });
        assert.equal(result.rows_loaded, 0);
        assert.deepEqual(rows(folder), mode === "replace" ? [] : [[1, "x"]]);
      }
      for (const mode of ["append", "replace"]) {
        await put(folder, "t.csv", "id,a\n1,x\n");
        const target = { provider: "local", path: "." };
        await moved(folder, { source: name, target: "t.csv", load: { mode } }, target);
        const left = await Deno.readTextFile(join(folder, "t.csv"));
        assert.equal(left, mode === "replace" ? "id,a\n" : "id,a\n1,x\n");
      }
      if (name !== "f.csv") {
        await refused(
          folder,
          { source: name, target: "new" },
          /Cannot tell the fields of stream "t"/,
        );
      }
      const fields = [{ id: "id", dtype: "int64" }, { id: "a", dtype: "string" }];
      await moved(folder, { source: name, target: "declared", fields });
      assert.deepEqual(rows(folder, "SELECT name FROM pragma_table_info('declared')"), [["id"], [
        "a",
      ]]);
    }));
}

Deno.test("numbers with a point are numbers in a new table, later ones may have more places", () =>
  withFolder(async (folder) => {
    await put(folder, "a.csv", "id,price\n1,1.5\n2,10.25\n3,9.75\n");
    await put(folder, "b.csv", "id,price\n4,0.125\n");
    const append = { target: "t", load: { mode: "append", verify: "full" } };
    for (const source of ["a.csv", "b.csv"]) {
      const { warnings, proof } = await moved(folder, { source, ...append });
      assert.deepEqual([warnings, proof?.verified?.omitted], [[], []]);
    }
    assert.deepEqual(rows(folder, "SELECT sum(price) FROM t"), [[21.625]]);
    assert.deepEqual(rows(folder, "SELECT id FROM t ORDER BY price"), [[4], [1], [3], [2]]);
    await put(folder, "long.csv", "id,price\n5,1.5\n6,12345678901234567.25\n");
    await refused(
      folder,
      { source: "long.csv", ...append },
      /field "price", row 2: SQLite would change it .*12345678901234567\.25/,
    );
    const { warnings } = await moved(folder, { source: "long.csv", target: "u" });
    assert.match(
      warnings.join(),
      /^Column "price" of "u" is text, .*"12345678901234567\.25" is no/,
    );
    assert.deepEqual(rows(folder, "SELECT price FROM u"), [["1.50"], ["12345678901234567.25"]]);
  }));

Deno.test("records without any key are an error, not rows of NULL", () =>
  withFolder(async (folder) => {
    await put(folder, "a.jsonl", "{}\n{}\n");
    execute(folder, "CREATE TABLE t (id INTEGER, a TEXT)");
    await refused(
      folder,
      { source: "a.jsonl" },
      /"a.jsonl": none of its first 2 records has a key/,
    );
    assert.deepEqual(rows(folder), []);
  }));

Deno.test("made names of columns are reported in the result", () =>
  withFolder(async (folder) => {
    await put(folder, "a.csv", '"","y","y"\n"1",5,6\n');
    const { warnings } = await moved(folder, { source: "a.csv" });
    assert.deepEqual(warnings, [
      'Made names for columns of file "a.csv": column 1 has no name, and is read as "column_1"; ' +
      'column 3 has the same name as an earlier column, "y", and is read as "y_2"',
    ]);
    assert.deepEqual(rows(folder), [[1, 5, 6]]);
  }));
