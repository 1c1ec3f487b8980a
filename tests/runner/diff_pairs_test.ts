/** Rows of pairs of systems are compared: equal ones are equal, and what differs is named. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type LoadedPipeline, loadPipeline } from "../../src/config/mod.ts";
import { formatValue, type Value } from "../../src/core/values/values.ts";
import {
  diffPipeline,
  type PipelineDiff,
  planRepair,
  runPipeline,
  type StreamDiff,
} from "../../src/runner/mod.ts";
import { ignoreIf } from "../support/ignore.ts";
import { runWell, withFolder } from "../support/run.ts";
import { freshDatabase as freshMySQL } from "../providers/relational/mysql/support.ts";
import { freshDatabase as freshPostgres, mysqlTest, postgresTest } from "../support/services.ts";

const POSTGRES = postgresTest(15);
const MYSQL = mysqlTest("mariadb");

/** A system that holds two tables: one as it was loaded, and one that was changed afterwards. */
interface System {
  readonly connection: unknown;
  nameTable(name: string): string;
}

const inFile = (ending: string): System => ({
  connection: { provider: "local" },
  nameTable: (name) => `${name}.${ending}`,
});
const inDatabase = (connection: unknown): System => ({ connection, nameTable: (name) => name });

const systemsWith = (urls: { readonly postgres: string; readonly mysql: string }) => ({
  postgres: inDatabase({ url: urls.postgres }),
  mysql: inDatabase({ url: urls.mysql }),
  sqlite: inDatabase({ provider: "sqlite", path: "own.db" }),
  csv: inFile("csv"),
  parquet: inFile("parquet"),
  jsonl: inFile("jsonl"),
});

const FIELDS = [
  { id: "shop", dtype: "string" },
  { id: "id", dtype: "int64" },
  { id: "note", dtype: "string" },
  { id: "price", dtype: "decimal", precision: 12, scale: 2 },
  { id: "at", dtype: "timestamp" },
  { id: "day", dtype: "date" },
  { id: "paid", dtype: "bool" },
];
const ROWS = 500;

function makeRow(i: number): string[] {
  const day = `2026-01-${String(1 + i % 28).padStart(2, "0")}`;
  const note = i % 7 === 0 ? "" : `note ${i}`;
  return [
    i % 2 === 0 ? "north" : "South",
    String(i),
    note,
    `${i}.25`,
    `${day}T10:00:00.5`,
    day,
    String(i % 3 === 0),
  ];
}

async function writeRows(path: string, rows: readonly string[][]): Promise<void> {
  const lines = [FIELDS.map(({ id }) => id), ...rows].map((row) => row.join(","));
  await Deno.writeTextFile(path, `${lines.join("\n")}\n`);
}

/** The changes: row 10 is missing, row 1000 is new, a text, a price and a NULL differ. */
async function writeOriginals(folder: string): Promise<void> {
  const rows = Array.from({ length: ROWS }, (_, i) => makeRow(i));
  await writeRows(join(folder, "first.csv"), rows);
  const changed = rows.filter((_, i) => i !== 10).map((row) => [...row]);
  const find = (id: string) => changed.find((row) => row[1] === id)!;
  find("20")[2] = "other";
  find("30")[3] = "30.26";
  find("40")[2] = "";
  await writeRows(join(folder, "second.csv"), [makeRow(1000), ...changed.toReversed()]);
}

async function fill(folder: string, { connection, nameTable }: System): Promise<void> {
  await runWell(folder, {
    version: 1,
    name: "fill",
    source: { provider: "local" },
    target: connection,
    streams: ["first", "second"].map((id) => ({
      id,
      source: `${id}.csv`,
      target: nameTable(`${id}_out`),
      fields: FIELDS,
      load: { mode: "replace" },
    })),
  });
}

async function loadComparison(
  folder: string,
  source: System,
  target: System,
): Promise<LoadedPipeline> {
  const path = join(folder, `${crypto.randomUUID()}.yaml`);
  const pipeline = {
    version: 1,
    name: "compare",
    source: source.connection,
    target: target.connection,
    streams: ["first", "second"].map((id) => ({
      id,
      source: source.nameTable("first_out"),
      target: target.nameTable(`${id}_out`),
      load: { mode: "replace", lossy: "accept" },
    })),
  };
  await Deno.writeTextFile(path, JSON.stringify(pipeline));
  return await loadPipeline(path, { env: {} });
}

const { signal } = new AbortController();

function compare(loaded: LoadedPipeline, keys = ["shop", "id"]): Promise<PipelineDiff> {
  return diffPipeline(loaded, { keys, most: 20, repairs: true, signal });
}

/** Repairs what differs, and compares again. */
async function repair(loaded: LoadedPipeline, diff: PipelineDiff): Promise<StreamDiff> {
  const planned = (await planRepair(loaded, diff, { deletes: false, signal }))!;
  const { only } = planned;
  assert.deepEqual([...only.keys()], ["second"]);
  const options = { phase: "run", only, signal, retries: 0, onEvent: () => {} } as const;
  const { streams: [stream] } = await runPipeline(planned.loaded, options);
  assert.deepEqual([stream!.error, stream!.rows_loaded], [undefined, 4]);
  return (await compare(loaded)).streams[1]!;
}

const text = (value: Value | undefined) =>
  value === undefined ? undefined : value === null ? "NULL" : formatValue(value);

Deno.test({
  ...ignoreIf(
    POSTGRES.missing ?? MYSQL.missing,
    "rows of two systems are compared, whichever they are",
  ),
  fn: async (test) => {
    await withFolder(async (folder) => {
      await using postgres = await freshPostgres(POSTGRES.url);
      await using mysql = await freshMySQL(MYSQL.url);
      const systems = systemsWith({ postgres: postgres.url, mysql: mysql.url });
      await writeOriginals(folder);
      for (const system of Object.values(systems)) await fill(folder, system);
      const all = Object.entries(systems);
      for (const [i, [from, source]] of all.entries()) {
        // Each is compared with itself and two others.
        for (const [to, target] of [...all, ...all].slice(i, i + 3)) {
          await test.step(`${from} and ${to}`, async () => {
            const loaded = await loadComparison(folder, source, target);
            const diff = await compare(loaded);
            const [same, other] = diff.streams;
            const { error, compared, warnings } = same!;
            assert.deepEqual(
              [error, compared?.counts, compared?.differences],
              [undefined, { source: 0, target: 0, changed: 0, several: 0 }, []],
            );
            assert.deepEqual(compared!.rows, { source: ROWS, target: ROWS });
            assert.deepEqual(warnings, []);
            const found = other!.compared!;
            const omitted = found.omitted.map(({ field }) => field);
            assert.ok(omitted.every((name) => ["price", "paid"].includes(name)), omitted.join());
            const isPriced = !omitted.includes("price");
            assert.deepEqual(found.counts, {
              source: 1,
              target: 1,
              changed: isPriced ? 3 : 2,
              several: 0,
            });
            assert.deepEqual(
              found.differences.filter(({ kind }) => kind === "changed").flatMap((
                { key, fields },
              ) =>
                fields.map(({ field: { name }, source, target }) =>
                  [key.map(text).join(), name, text(source), text(target)].join(" | ")
                )
              ).filter((line) => !line.includes("price")),
              ["north,20 | note | note 20 | other", "north,40 | note | note 40 | NULL"],
            );
            const keyOf = (kind: string) =>
              found.differences.find((one) => one.kind === kind)!.key.map(text).join();
            assert.deepEqual([keyOf("source"), keyOf("target")], ["north,10", "north,1000"]);
          });
        }
      }
      for (const [name, system] of all.slice(0, 3)) {
        await test.step(`${name} is repaired`, async () => {
          const loaded = await loadComparison(folder, system, system);
          const repaired = await repair(loaded, await compare(loaded, ["id"]));
          const { counts } = repaired.compared!;
          assert.deepEqual(counts, { source: 0, target: 1, changed: 0, several: 0 });
        });
      }
    });
  },
});
