/** What stands in the way of reads and writes of files and databases, found without making any. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Connector } from "../../src/core/contracts/connector.ts";
import { writeProblem } from "../../src/core/files/write_access.ts";
import type { StreamSource, StreamTarget } from "../../src/models/source.ts";
import local from "../../src/providers/filestore/local/mod.ts";
import sqlite from "../../src/providers/relational/sqlite/mod.ts";
import { withFolder } from "../support/run.ts";
import { connectContext } from "../support/connect_context.ts";

const signal = new AbortController().signal;
const table = (name: string): StreamSource & StreamTarget => ({ type: "relation", name });
const file = (path: string): StreamSource & StreamTarget => ({ type: "file", path });

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

/** Each check has one problem that matches, or none. */
async function holds(
  checks: readonly [() => ReturnType<Connector["checkRead"]>, RegExp | undefined][],
): Promise<void> {
  for (const [check, wanted] of checks) {
    const { action, problems } = await check();
    if (wanted === undefined) assert.deepEqual(problems, [], action);
    else {
      assert.equal(problems.length, 1, `${action}: ${problems.join()}`);
      assert.match(problems[0]!, wanted);
    }
  }
}

Deno.test("SQLite: tables, views, queries, a database that is readonly, missing or no database", async () => {
  await withFolder(async (folder) => {
    using made = new DatabaseSync(join(folder, "a.db"));
    made.exec("CREATE TABLE t (id INTEGER); CREATE VIEW v AS SELECT 1 AS id");
    await Deno.writeTextFile(join(folder, "broken.db"), "no database, but quite some text");
    await Deno.writeTextFile(join(folder, "plain"), "");
    const before = await namesIn(folder);
    const connect = (path: string, more: { readonly?: boolean } = {}) =>
      sqlite.connect({ path, ...more }, connectContext(folder, signal));
    await using a = await connect("a.db");
    await using fixed = await connect("a.db", { readonly: true });
    await using missing = await connect("new/b.db");
    await using blocked = await connect("plain/b.db");
    await using broken = await connect("broken.db");
    await holds([
      [() => a.checkRead(table("t")), undefined],
      [() => a.checkRead(table("v")), undefined],
      [() => a.checkRead({ ...table("t"), where: "id > 1 -- so" } as StreamSource), undefined],
      [() => a.checkRead({ ...table("t"), where: "nope > 1" } as StreamSource), /nope/],
      [() => a.checkRead(table("nope")), /no such table/],
      [() => a.checkRead({ type: "sql", sql: "SELECT 1" }), undefined],
      [() => a.checkRead({ type: "sql", sql: "SELEC 1" }), /syntax/],
      [() => a.checkWrite(table("t"), "replace"), undefined],
      [() => a.checkWrite(table("new"), "append"), undefined],
      [() => a.checkWrite(table("v"), "append"), /is a view, expected a table/],
      [() => a.checkWrite(table("other.t"), "append"), /only "main"/],
      [() => fixed.checkRead(table("t")), undefined],
      [() => fixed.checkWrite(table("t"), "append"), /is readonly/],
      [() => missing.checkRead(table("t")), /there is no folder/],
      [() => missing.checkWrite(table("t"), "upsert"), undefined],
      [() => blocked.checkWrite(table("t"), "append"), /is a file, expected a folder/],
      [() => broken.checkRead(table("t")), /not a database/],
      [() => broken.checkWrite(table("t"), "append"), /not a database/],
    ]);
    assert.deepEqual(await namesIn(folder), before);
  });
});

Deno.test("files: missing ones, patterns, unknown formats, folders in the way, ways out", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "a.csv"), "id\n1\n");
    await Deno.writeTextFile(join(folder, "notes.txt"), "x");
    await Deno.mkdir(join(folder, "sub.csv"));
    const before = await namesIn(folder);
    await using files = await local.connect({ path: folder }, connectContext(folder, signal));
    const glob = (pattern: string): StreamSource => ({ type: "glob", pattern });
    const into = (path: string): StreamTarget => ({ type: "directory", path, format: "csv" });
    await holds([
      [() => files.checkRead(file("a.csv")), undefined],
      [
        () => files.checkRead(file("b.csv")),
        /Cannot find file "b.csv" in folder ".*": it does not exist, did you mean "a.csv"$/,
      ],
      [() => files.checkRead(file("notes.txt")), /notes\.txt/],
      [() => files.checkRead(file("sub.csv")), /it is a folder/],
      [() => files.checkRead(glob("a*.csv")), undefined],
      [() => files.checkRead(glob("x*.csv")), /no file matches pattern/],
      [() => files.checkRead(file("../a.csv")), /leads out of/],
      [() => files.checkWrite(file("new/b.csv"), "replace"), undefined],
      [() => files.checkWrite(file("a.csv"), "append"), undefined],
      [() => files.checkWrite(file("a.csv/b.csv"), "append"), /a\.csv/],
      [() => files.checkWrite(file("sub.csv"), "replace"), /it is a folder/],
      [() => files.checkWrite(file("x.unknown"), "append"), /x\.unknown/],
      [() => files.checkWrite(file("../b.csv"), "append"), /leads out of/],
      [() => files.checkWrite(into("new"), "append"), undefined],
      [() => files.checkWrite(into("a.csv"), "append"), /is a file, expected a folder/],
    ]);
    assert.deepEqual(await namesIn(folder), before);
  });
});

Deno.test("what can be made is made and gone again, what is in the way is reported", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "a.db"), "text");
    assert.equal(await writeProblem(join(folder, "b.db")), undefined);
    assert.equal(await writeProblem(join(folder, "a.db")), undefined);
    assert.equal(await writeProblem(join(folder, "new/er/b.db")), undefined);
    assert.match(await writeProblem(join(folder, "a.db/b")) ?? "", /a.db" is a file, expected a/);
    assert.equal(await Deno.readTextFile(join(folder, "a.db")), "text");
    assert.deepEqual(await namesIn(folder), ["a.db"]);
    // Even root cannot write here; without all permissions the runtime does not look, either.
    if (Deno.build.os === "linux") {
      assert.match(
        await writeProblem("/proc/x") ?? "",
        /cannot create a file in folder "\/proc"/,
      );
    }
  }));

Deno.test("a write is tried with the permissions of a load, and leaves what is there as it is", () =>
  withFolder(async (folder) => {
    using made = new DatabaseSync(join(folder, "a.db"));
    made.exec("CREATE TABLE t (id INTEGER); INSERT INTO t VALUES (1)");
    await Deno.mkdir(join(folder, "out/there"), { recursive: true });
    await Deno.writeTextFile(join(folder, "out/there/a.csv"), "id\n1\n");
    const everything = async () =>
      await Promise.all(
        ["a.db", "out/there/a.csv"].map(async (name) => {
          const { mtime, ino } = await Deno.stat(join(folder, name));
          return [name, mtime, ino, (await Deno.readFile(join(folder, name))).join()];
        }),
      );
    const before = [await everything(), await namesIn(folder), await namesIn(join(folder, "out"))];
    const context = connectContext(folder, signal);
    await using database = await sqlite.connect({ path: "a.db" }, context);
    await using files = await local.connect({}, context);
    const into: StreamTarget = { type: "directory", path: "out/there", format: "csv" };
    await holds([
      [() => database.checkWrite(table("t"), "append"), undefined],
      [() => files.checkWrite(into, "append"), undefined],
      [() => files.checkWrite({ ...into, path: "new/er" }, "replace"), undefined],
      [() => files.checkWrite(file("out/there/a.csv"), "append"), undefined],
      [() => files.checkWrite(file("new/a.csv"), "append"), undefined],
    ]);
    made.exec("BEGIN IMMEDIATE");
    await holds([[() => database.checkWrite(table("t"), "append"), undefined]]);
    made.exec("ROLLBACK");
    assert.deepEqual(
      [await everything(), await namesIn(folder), await namesIn(join(folder, "out"))],
      before,
    );
  }));
