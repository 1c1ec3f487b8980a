/** `dxt diff`, as a whole process. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DiffResult } from "../../../src/models/result.ts";
import { withFolder } from "../../support/run.ts";
import { type Ended, program } from "../program.ts";

const ORDERS = "id,note,total\n1,a,1.5\n2,,2\n3,c,3\n";
const UPSERT = { mode: "upsert", upsert_keys: ["id"] };
const PIPELINE = {
  version: 1,
  name: "shop",
  source: { provider: "local" },
  target: { provider: "sqlite", path: "shop.db" },
  streams: [
    { id: "orders", source: "orders.csv", target: "orders", load: UPSERT },
    { id: "others", source: "orders.csv", target: "others", load: UPSERT },
  ],
};

async function withLoaded(
  work: (folder: string, dxt: (...words: string[]) => Promise<Ended>) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const dxt = (...words: string[]) => program(folder, words);
    await Deno.writeTextFile(join(folder, "shop.yaml"), JSON.stringify(PIPELINE));
    await Deno.writeTextFile(join(folder, "orders.csv"), ORDERS);
    assert.equal((await dxt("run", "shop.yaml", "-q")).code, 0);
    await work(folder, dxt);
  });
}

const change = (folder: string) =>
  Deno.writeTextFile(join(folder, "orders.csv"), "id,note,total\n1,a,1.5\n2,b,2\n4,c,3\n");

Deno.test("equal sides end with exit code 0, and what differs is a table with exit code 4", () =>
  withLoaded(async (folder, dxt) => {
    const equal = await dxt("diff", "shop.yaml");
    assert.deepEqual(
      [equal.code, equal.out, equal.err],
      [0, "orders: equal: 3 rows on both sides\nothers: equal: 3 rows on both sides\n", ""],
    );
    await change(folder);
    const { code, out, err } = await dxt("diff", "shop.yaml", "--select", "orders");
    assert.deepEqual([code, err], [4, ""]);
    assert.equal(
      out,
      `orders: different: 3 rows on both sides; 1 only in the source, 1 only in the target, 1 changed
  difference      id  field  source  target
  only in source   4
  only in target   3
  changed          2  note   b       NULL
`,
    );
  }));

Deno.test("programs get all values as JSON, one document or a line for each stream", () =>
  withLoaded(async (folder, dxt) => {
    await change(folder);
    const { code, out } = await dxt("diff", "shop.yaml", "-q", "--limit", "1");
    assert.equal(code, 4);
    const document = JSON.parse(out);
    DiffResult.parse(document);
    const { status, streams: [orders] } = document;
    const { duration_ms, ...rest } = orders;
    assert.equal(typeof duration_ms, "number");
    assert.deepEqual([status, rest], ["different", {
      stream: "orders",
      status: "different",
      source: "orders.csv",
      target: "orders",
      rows_source: 3,
      rows_target: 3,
      rows_not_loaded: 0,
      only_in_source: 1,
      only_in_target: 1,
      changed: 1,
      several_rows: 0,
      keys: ["id"],
      omitted: [],
      warnings: [],
      differences: [
        { kind: "only_in_source", key: { id: "4" }, source: { note: "c", total: "3.0" } },
        { kind: "only_in_target", key: { id: "3" }, target: { note: "c", total: "3.0" } },
        {
          kind: "changed",
          key: { id: "2" },
          source: { note: "b" },
          target: { note: null },
        },
      ],
    }]);
    const lines = await dxt("diff", "shop.yaml", "--output", "ndjson");
    assert.deepEqual(
      lines.out.trim().split("\n").map((line) => JSON.parse(line).stream),
      ["orders", "others"],
    );
  }));

Deno.test("--key names the fields that identify a row, also without a pipeline file", () =>
  withLoaded(async (folder, dxt) => {
    await Deno.writeTextFile(join(folder, "other.csv"), "id,note,total\n1,a,1.5\n2,x,2\n3,c,3\n");
    const sides = ["--from", "orders.csv", "--to", "other.csv"];
    const named = await dxt("diff", ...sides, "--key", "id");
    assert.equal(named.code, 4);
    assert.match(named.out, /; 1 changed\n.*\n {2}changed +2 {2}note +NULL +x\n$/);
    const whole = await dxt("diff", ...sides);
    assert.equal(whole.code, 4);
    assert.match(whole.out, /; 1 only in the source, 1 only in the target\n/);
    assert.match(whole.err, /^warning: [^:]+: Rows are compared as a whole/);
    const both = await dxt("diff", "shop.yaml", "--key", "note");
    assert.deepEqual([both.code, both.err], [0, ""]);
  }));

Deno.test("what cannot be compared is an error, which a difference takes precedence over", () =>
  withLoaded(async (folder, dxt) => {
    const streams = [
      { ...PIPELINE.streams[0], id: "orders" },
      { id: "missing", source: "orders.csv", target: "missing" },
    ];
    await Deno.writeTextFile(join(folder, "p.yaml"), JSON.stringify({ ...PIPELINE, streams }));
    const some = await dxt("diff", "p.yaml");
    assert.equal(some.code, 3);
    assert.match(
      some.err,
      /^error: Cannot compare stream "missing" of pipeline "shop": Cannot find/,
    );
    assert.equal((await dxt("diff", "p.yaml", "--select", "missing")).code, 1);
    await change(folder);
    assert.equal((await dxt("diff", "p.yaml")).code, 4);
  }));

Deno.test("--repair loads the rows that differ, whatever the stream does otherwise, and looks again", () =>
  withLoaded(async (folder, dxt) => {
    // A replacement by these rows alone would lose the others.
    const [orders] = PIPELINE.streams;
    const stream = { ...orders, load: { mode: "replace" }, expect: { min_rows: 3 } };
    const path = join(folder, "shop.yaml");
    await Deno.writeTextFile(path, JSON.stringify({ ...PIPELINE, streams: [stream] }));
    await change(folder);
    const repaired = await dxt(
      "diff",
      "shop.yaml",
      "--key",
      "id",
      "--repair",
      "--receipts",
      "kept",
    );
    assert.equal(repaired.code, 4);
    assert.match(repaired.out, /\norders {2}succeeded +2 .* upsert {2}full\n/);
    assert.match(
      repaired.out,
      /orders: different: 3 rows in the source, 4 in the target; 1 only in the target\n/,
    );
    using database = new DatabaseSync(join(folder, "shop.db"));
    assert.deepEqual(
      database.prepare("SELECT id, note FROM orders ORDER BY id").all().map((row) => ({ ...row })),
      [
        { id: 1, note: "a" },
        { id: 2, note: "b" },
        { id: 3, note: "c" },
        { id: 4, note: "c" },
      ],
    );
    const [receipt] = await Array.fromAsync(Deno.readDir(join(folder, "kept")));
    const { result } = JSON.parse(await Deno.readTextFile(join(folder, "kept", receipt!.name)));
    assert.match(result.streams[0].proof.source.evidence, /^2 rows by key of 1 file, /);
    database.exec("DELETE FROM orders WHERE id IN (1, 3)");
    const { code, out } = await dxt("diff", "shop.yaml", "--key", "id", "--repair", "-q");
    assert.equal(code, 0);
    const document = JSON.parse(out);
    DiffResult.parse(document);
    const { status, repair, streams } = document;
    assert.deepEqual([status, repair.streams[0].rows_loaded, streams[0].status], [
      "equal",
      1,
      "equal",
    ]);
  }));

Deno.test("--repair is refused while a stage waits, whose load would undo it", () =>
  withLoaded(async (folder, dxt) => {
    await dxt("extract", "shop.yaml", "--full-refresh", "-qq");
    await change(folder);
    const { code, err } = await dxt("diff", "shop.yaml", "--key", "id", "--repair");
    assert.equal(code, 2);
    assert.match(err, /its stage is not loaded yet, .*; load it with dxt load, or remove it with/);
    await dxt("clean", "shop.yaml", "--staged", "--yes", "-qq");
    assert.equal((await dxt("diff", "shop.yaml", "--key", "id", "--repair", "-q")).code, 4);
  }));

Deno.test("--repair deletes nothing, although a run of the stream does", () =>
  withLoaded(async (folder, dxt) => {
    const [orders] = PIPELINE.streams;
    const stream = { ...orders, load: { ...UPSERT, deletes: "hard", where: "id > 0" } };
    const path = join(folder, "shop.yaml");
    await Deno.writeTextFile(path, JSON.stringify({ ...PIPELINE, streams: [stream] }));
    await change(folder);
    const { code, out } = await dxt("diff", "shop.yaml", "--repair", "-q");
    assert.deepEqual([code, JSON.parse(out).streams[0].only_in_target], [4, 1]);
    const run = await dxt("run", "shop.yaml", "-q");
    assert.equal(JSON.parse(run.out).streams[0].rows_deleted, 1);
    assert.equal((await dxt("diff", "shop.yaml", "-q")).code, 0);
  }));

Deno.test("--repair --delete deletes or marks rows that are only in the target, as the stream says", () =>
  withLoaded(async (folder, dxt) => {
    const write = (load: Record<string, unknown>, stream: Record<string, unknown> = {}) =>
      Deno.writeTextFile(
        join(folder, "shop.yaml"),
        JSON.stringify({
          ...PIPELINE,
          streams: [{ ...PIPELINE.streams[0], load: { ...UPSERT, ...load }, ...stream }],
        }),
      );
    const read = (columns: string) => {
      using database = new DatabaseSync(join(folder, "shop.db"));
      return database.prepare(`SELECT ${columns} AS text FROM orders ORDER BY id`).all()
        .map(({ text }) => text);
    };
    await change(folder);
    const alone = await dxt("diff", "shop.yaml", "--delete");
    assert.equal(alone.code, 2);
    assert.match(alone.err, /--delete is part of a repair, expected --repair/);
    const unset = await dxt("diff", "shop.yaml", "-s", "orders", "--repair", "--delete");
    assert.match(unset.err, /stream "orders" that are only in the target: it has no load.deletes/);

    await write({ deletes: "soft", schema: "evolve" });
    const repair = ["diff", "shop.yaml", "--repair", "-q"];
    const marked = await dxt(...repair, "--delete");
    assert.equal(marked.code, 0, marked.err);
    const { repair: run, status } = JSON.parse(marked.out);
    assert.deepEqual([status, run.streams[0].rows_loaded, run.streams[0].rows_deleted], [
      "equal",
      2,
      1,
    ]);
    const left = "id || iif(_dxt_deleted_at IS NULL, '', ' gone')";
    assert.deepEqual(read(left), ["1", "2", "3 gone", "4"]);

    // A row that comes back loses its mark, although nothing is deleted.
    await Deno.writeTextFile(join(folder, "orders.csv"), ORDERS);
    const back = await dxt(...repair);
    assert.equal(back.code, 4, "row 4 is only in the target");
    assert.deepEqual(read(left), ["1", "2", "3", "4"]);

    await write({ deletes: "hard" }, { expect: { max_delete_pct: 10 } });
    const capped = await dxt(...repair, "--delete");
    assert.match(capped.out, /expected at most 10 % to delete/);
    assert.deepEqual(read("id"), [1, 2, 3, 4]);
    await write({ deletes: "hard" });
    assert.equal((await dxt(...repair, "--delete")).code, 0);
    assert.deepEqual(read("id"), [1, 2, 3]);
  }));

Deno.test("--repair of a stream that keeps history adds versions, and --delete closes them", () =>
  withLoaded(async (folder, dxt) => {
    const stream = {
      ...{ id: "kept", source: "orders.csv", target: "kept" },
      load: { ...UPSERT, mode: "scd2", deletes: "soft" },
    };
    await Deno.writeTextFile(
      join(folder, "shop.yaml"),
      JSON.stringify({ ...PIPELINE, streams: [stream] }),
    );
    assert.equal((await dxt("run", "shop.yaml", "-q")).code, 0);
    await change(folder);
    const { code, out } = await dxt("diff", "shop.yaml", "--repair", "--delete", "-q");
    assert.equal(code, 0, out);
    using database = new DatabaseSync(join(folder, "shop.db"));
    const versions = database.prepare(
      "SELECT id || iif(is_current, '', ' ended') AS text FROM kept ORDER BY id, valid_from",
    ).all();
    assert.deepEqual(versions.map(({ text }) => text), ["1", "2 ended", "2", "3 ended", "4"]);
  }));

Deno.test("a target that cannot update single rows is refused before anything is read again", () =>
  withLoaded(async (folder, dxt) => {
    await Deno.writeTextFile(join(folder, "other.csv"), "id,note,total\n1,x,1.5\n");
    const sides = ["--from", "orders.csv", "--to", "other.csv"];
    const refused = await dxt("diff", ...sides, "--key", "id", "--repair");
    assert.equal(refused.code, 2);
    assert.match(
      refused.err,
      /error: Cannot repair stream "[^"]+": local cannot update single rows, run the stream instead\n$/,
    );
    const unnamed = await dxt("diff", ...sides, "--repair");
    assert.equal(unnamed.code, 2);
    assert.match(unnamed.err, /: its rows have no key, name the fields with --key\n$/);
  }));

Deno.test("rows that share a key are counted by their keys, and stdout is no side", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "a.csv"), "id,note\n1,a\n1,b\n");
    await Deno.writeTextFile(join(folder, "b.csv"), "id,note\n1,a\n1,c\n");
    const words = ["diff", "--from", "a.csv", "--key", "id", "--to"];
    const { code, out } = await program(folder, [...words, "b.csv"]);
    assert.equal(code, 4);
    assert.match(out, /; 1 key of several rows that differ\n/);
    const refused = await program(folder, [...words, "-"]);
    assert.equal(refused.code, 2);
    assert.match(refused.err, /^error: Cannot compare with stdout: nothing can be read from it,/);
  }));
