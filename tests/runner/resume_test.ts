/** An extraction that was killed between two of its parts, and is started again. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { withFolder } from "../support/run.ts";
import { program } from "../cli/program.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const STAGE = ".dxt/stage/shop/orders";
const RUN = ["extract", "shop.yaml", "-q", "--threads", "2"];

const LOCAL = {
  version: 1,
  name: "shop",
  source: { provider: "local" },
  target: { provider: "sqlite", path: "w.db" },
  streams: [{ id: "orders", source: "in/*.csv" }],
};

const SQLITE = {
  ...LOCAL,
  source: { provider: "sqlite", path: "in.db" },
  streams: [{ id: "orders", source: "orders" }],
};

/** Two files of one part each, the first of which is read much faster. */
async function writeFiles(folder: string): Promise<void> {
  await Deno.mkdir(join(folder, "in"));
  const wide = Array.from({ length: 18 }, (_, i) => `${i},${"x".repeat(1 << 20)}`);
  const narrow = Array.from({ length: 2_200_000 }, (_, i) => `${1_000_000 + i},`);
  for (const [name, lines] of Object.entries({ "1.csv": wide, "2.csv": narrow })) {
    const path = join(folder, "in", name);
    await Deno.writeTextFile(path, `id,v\n${lines.join("\n")}\n`);
    await age(path);
  }
}

async function age(path: string): Promise<void> {
  const hourAgo = new Date(Date.now() - 3_600_000);
  await Deno.utime(path, hourAgo, hourAgo);
}

async function writePipeline(folder: string, pipeline: unknown): Promise<void> {
  await Deno.writeTextFile(join(folder, "shop.yaml"), JSON.stringify(pipeline));
}

/** Kills an extraction when its first part is complete, and keeps a copy of what it left. */
async function killExtraction(folder: string): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--no-check", MAIN, ...RUN],
    cwd: folder,
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  while (await countSealed(folder) < 1) await new Promise((resolve) => setTimeout(resolve, 2));
  child.kill("SIGKILL");
  await child.status;
  assert.equal(await countSealed(folder), 1, "both parts were complete before the kill");
  await copyFolder(join(folder, ".dxt"), join(folder, "killed"));
}

async function findFiles(folder: string): Promise<string[]> {
  const stage = join(folder, STAGE);
  const entries = await Array.fromAsync(Deno.readDir(stage)).catch(() => []);
  return entries.filter(({ name }) => name.startsWith("files-")).map(({ name }) =>
    join(stage, name)
  );
}

async function countSealed(folder: string): Promise<number> {
  const [files] = await findFiles(folder);
  if (files === undefined) return 0;
  const text = await Deno.readTextFile(join(files, "sealed.jsonl")).catch(() => "\n");
  return text.split("\n").length - 2;
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    const copy = isDirectory ? copyFolder : Deno.copyFile;
    await copy(join(from, name), join(to, name));
  }
}

async function restoreKilled(folder: string): Promise<void> {
  // A load has removed it.
  await Deno.remove(join(folder, ".dxt"), { recursive: true }).catch(() => {});
  await copyFolder(join(folder, "killed"), join(folder, ".dxt"));
}

/** Extracts again after the kill; returns what the stream warned of, and whether the first part was kept. */
async function goOn(folder: string, spoil: (files: string) => Promise<void> = async () => {}) {
  await restoreKilled(folder);
  const [left] = await findFiles(folder);
  await spoil(left!);
  const first = (await Deno.stat(join(left!, "part-000-00000.parquet"))).ino;
  const { code, out, err } = await program(folder, RUN);
  assert.equal(code, 0, err);
  const [{ warnings, rows_extracted: rows }] = JSON.parse(out).streams;
  const [files, ...others] = await findFiles(folder);
  assert.deepEqual(others, []);
  const names = (await Array.fromAsync(Deno.readDir(files!))).map(({ name }) => name);
  assert.ok(names.every((name) => name.startsWith("part-")), names.join(" "));
  const isKept = (await Deno.stat(join(files!, "part-000-00000.parquet"))).ino === first;
  return { warnings, rows, isKept };
}

/** Loads the stage; returns the number and the sum of what the target has then. */
async function load(folder: string): Promise<unknown> {
  const { code, err } = await program(folder, ["load", "shop.yaml", "-q"]);
  assert.equal(code, 0, err);
  using database = new DatabaseSync(join(folder, "w.db"));
  const found = database.prepare(
    "SELECT count(*) AS n, sum(id) AS id, sum(length(v)) AS v FROM orders",
  ).get();
  return { ...found };
}

const CONTINUES = "Going on after a killed run, which has staged 1 of 2 parts";
const restarts = (reason: string) =>
  `Reading from the beginning, without what a killed run has staged: ${reason}`;

Deno.test("a killed extraction of files goes on with the parts that it had not completed", () =>
  withFolder(async (folder) => {
    await writeFiles(folder);
    await writePipeline(folder, LOCAL);
    await killExtraction(folder);
    const status = await program(folder, ["status", "shop.yaml", "-q"]);
    const [{ state, rows: complete, command }] = JSON.parse(status.out).entries;
    const next = "dxt extract shop.yaml --select orders";
    assert.deepEqual([state, complete, command], ["incomplete", 18, next]);
    const rows = 2_200_018;
    assert.deepEqual(await goOn(folder), { warnings: [CONTINUES], rows, isKept: true });
    const ids = (1_000_000 + 1_000_000 + 2_199_999) * 2_200_000 / 2 + 17 * 18 / 2;
    assert.deepEqual(await load(folder), { n: rows, id: ids, v: 18 << 20 });

    // A damaged file of a complete part: the part is read again.
    const damaged = await goOn(folder, async (files) => {
      const path = join(files, "part-000-00000.parquet");
      const bytes = await Deno.readFile(path);
      bytes[100]! ^= 1;
      await Deno.remove(path);
      await Deno.writeFile(path, bytes);
    });
    assert.deepEqual([damaged.warnings, damaged.rows], [[], rows]);

    await writePipeline(folder, {
      ...LOCAL,
      streams: [{ ...LOCAL.streams[0], fields: [{ id: "v", exclude: true }] }],
    });
    const otherwise = restarts("the stream is read, divided or staged otherwise now");
    assert.deepEqual(await goOn(folder), { warnings: [otherwise], rows, isKept: false });
    await writePipeline(folder, {
      ...LOCAL,
      streams: [{
        ...LOCAL.streams[0],
        fields: [{ id: "at", generator: "current_timestamp" }],
      }],
    });
    const clock = restarts('field "at" has the start of a run');
    assert.deepEqual((await goOn(folder)).warnings, [clock]);
    await writePipeline(folder, LOCAL);
    await Deno.writeTextFile(join(folder, "in/1.csv"), "0,changed\n", { append: true });
    await age(join(folder, "in/1.csv"));
    const changed = await goOn(folder);
    assert.deepEqual(changed, {
      warnings: [restarts("the source has changed since")],
      rows: rows + 1,
      isKept: false,
    });
  }));

Deno.test("an incremental extraction that goes on knows the highest watermark of all parts", () =>
  withFolder(async (folder) => {
    await writeFiles(folder);
    await Deno.rename(join(folder, "in/2.csv"), join(folder, "in/0.csv"));
    await Deno.rename(join(folder, "in/1.csv"), join(folder, "in/2.csv"));
    await writePipeline(folder, {
      ...LOCAL,
      streams: [{ ...LOCAL.streams[0], extract: { mode: "incremental", watermark_field: "id" } }],
    });
    await killExtraction(folder);
    await restoreKilled(folder);
    const { code, out } = await program(folder, ["run", "shop.yaml", "-q", "--threads", "2"]);
    assert.equal(code, 0);
    const [{ warnings, watermark_after, rows_loaded }] = JSON.parse(out).streams;
    assert.deepEqual([warnings, watermark_after, rows_loaded], [[CONTINUES], "3199999", 2_200_018]);
  }));

Deno.test("a killed extraction of a SQLite table goes on, unless the file was written since", () =>
  withFolder(async (folder) => {
    const path = join(folder, "in.db");
    const write = (sql: string) => {
      using database = new DatabaseSync(path);
      database.exec(sql);
    };
    write(`CREATE TABLE orders (id INTEGER PRIMARY KEY, v TEXT);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 160000)
      INSERT INTO orders SELECT i, CASE WHEN i > 80000 THEN printf('%.2000c', 'x') END FROM n`);
    // The time of a commit identifies it only when the clock has gone on.
    await new Promise((resolve) => setTimeout(resolve, 2100));
    await writePipeline(folder, SQLITE);
    await killExtraction(folder);
    assert.deepEqual(await goOn(folder), { warnings: [CONTINUES], rows: 160_000, isKept: true });
    assert.deepEqual(await load(folder), {
      n: 160_000,
      id: 160_001 * 80_000,
      v: 80_000 * 2000,
    });
    write("UPDATE orders SET v = 'y' WHERE id = 1");
    await new Promise((resolve) => setTimeout(resolve, 2100));
    const changed = await goOn(folder);
    assert.deepEqual(changed.warnings, [restarts("the source has changed since")]);
    assert.equal(changed.isKept, false);
  }));
