import assert from "node:assert/strict";
import type { DXTRecord, Value } from "../../../src/core/values/values.ts";
import type { DeadLetter } from "../../../src/models/stored.ts";
import type { Field } from "../../../src/models/field.ts";
import type { LoadMode } from "../../../src/models/stream.ts";
import { type Check, keysOf, type RejectedRow, rowsOf, type Trial } from "./trial.ts";

const FIELDS: readonly Field[] = [
  { name: "id", dtype: "int64", nullable: true },
  { name: "n", dtype: "int32", nullable: true },
  { name: "parent", dtype: "int64", nullable: true },
  { name: "word", dtype: "string", nullable: true },
];

/** Makes a table with a constraint of each kind, and rows that its keys refer to. */
async function createTable(trial: Trial, name: string): Promise<void> {
  await trial.sql(`CREATE TABLE ${name}_parents (id BIGINT PRIMARY KEY)`);
  await trial.sql(`INSERT INTO ${name}_parents VALUES (1), (2), (3)`);
  await trial.sql(`
    CREATE TABLE ${name} (
      id BIGINT NOT NULL PRIMARY KEY,
      n INT NOT NULL,
      parent BIGINT,
      word VARCHAR(20),
      CHECK (n < 100),
      FOREIGN KEY (parent) REFERENCES ${name}_parents (id)
    )`);
}

/** The kinds that the system enforces: MySQL before 8.0.16 reads CHECK, and ignores it. */
async function listKinds(trial: Trial): Promise<Kind[]> {
  await trial.sql("CREATE TABLE checked (n INT, CHECK (n < 100))");
  const ignores = await trial.sql("INSERT INTO checked VALUES (100)").then(() => true, () => false);
  return KINDS.filter((kind) => kind !== "check" || !ignores);
}

/** How a record becomes one that the table refuses, by the kind of the reason. */
const BREAK: Readonly<Record<"null" | "unique" | "foreign key" | "check", (id: bigint) => object>> =
  {
    "null": () => ({ n: null }),
    "unique": () => ({ id: 1n, word: "again" }),
    "foreign key": () => ({ parent: 77n }),
    "check": () => ({ n: 100 }),
  };
type Kind = keyof typeof BREAK;
const KINDS = Object.keys(BREAK) as Kind[];

function record(id: number): DXTRecord {
  return { id: BigInt(id), n: id % 100, parent: BigInt(id % 3 + 1), word: `w${id}` };
}

/** Loads each record alone, in its order, as the table would. */
function loadAlone(records: readonly DXTRecord[], mode: LoadMode) {
  const rows = new Map<Value, DXTRecord>();
  const rejected: { row: number; kind: DeadLetter["kind"] }[] = [];
  records.forEach((one, i) => {
    const kind = one["n"] === null
      ? "null"
      : (one["n"] as number) >= 100
      ? "check"
      : mode !== "upsert" && rows.has(one["id"]!)
      ? "unique"
      : one["parent"] === 77n
      ? "foreign key"
      : undefined;
    if (kind === undefined) rows.set(one["id"]!, one);
    else rejected.push({ row: i + 1, kind });
  });
  return { rows: [...rows.values()], rejected };
}

/** Numbers between 0 and 1, always the same ones. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

async function compare(trial: Trial, name: string, records: DXTRecord[], mode: LoadMode) {
  await createTable(trial, name);
  const rejected: RejectedRow[] = [];
  const receipt = await trial.load(name, FIELDS, records, {
    ...{ mode, rejected, batchRows: 40 },
    upsertKeys: keysOf(mode),
  });
  const wanted = loadAlone(records, mode);
  const byRow = (one: { row: number }, other: { row: number }) => one.row - other.row;
  assert.deepEqual(
    rejected.map(({ row, kind }) => ({ row, kind })).sort(byRow),
    wanted.rejected,
    name,
  );
  for (const { row, values } of rejected) {
    const one = records[row - 1]!;
    assert.deepEqual(values, FIELDS.map(({ name }) => one[name]), `${name}, row ${row}`);
  }
  assert.deepEqual(await trial.rows(name), rowsOf(wanted.rows), name);
  assert.equal(receipt.rows + rejected.length, records.length);
  return receipt;
}

const rejecting: Check["when"] = ({ loaderClass }) => loaderClass.rejects !== undefined;

export const rejectChecks = {
  "one bad row": {
    title: "a row that breaks a constraint is rejected with its kind, and the others are loaded",
    when: rejecting,
    async run(trial) {
      const kinds = await listKinds(trial);
      for (const mode of trial.loaderClass.rejects!) {
        for (const [i, kind] of kinds.entries()) {
          const records = Array.from({ length: 100 }, (_, at) => record(at + 1));
          Object.assign(records[[0, 63, 99, 41][i]!]!, BREAK[kind](0n));
          await compare(trial, `one_${mode}_${i}`, records, mode);
        }
      }
    },
  },
  "random bad rows": {
    title: "bad rows at random places are those that a load row by row rejects, few or many",
    when: rejecting,
    async run(trial) {
      const kinds = await listKinds(trial);
      for (const mode of trial.loaderClass.rejects!) {
        for (const [seed, share] of [0, 0.03, 0.1, 0.5, 1].entries()) {
          const random = randomNumbers(seed * 7 + 1);
          const records = Array.from({ length: 200 }, (_, i) => record(i + 1));
          for (const one of records.slice(1)) {
            if (random() >= share) continue;
            Object.assign(one, BREAK[kinds[Math.floor(random() * kinds.length)]!](0n));
          }
          const receipt = await compare(trial, `random_${mode}_${seed}`, records, mode);
          if (mode === "replace") assert.equal(receipt.verified?.level, "full");
        }
      }
    },
  },
  "later rows": {
    title: "a row whose foreign key refers to a later row is loaded after it",
    when: rejecting,
    async run(trial) {
      await trial.sql(
        `CREATE TABLE tree (id BIGINT NOT NULL PRIMARY KEY, up BIGINT,
          FOREIGN KEY (up) REFERENCES tree (id))`,
      );
      const fields = [FIELDS[0]!, { ...FIELDS[2]!, name: "up" }];
      const records = Array.from({ length: 60 }, (_, i) => ({
        id: BigInt(i + 1),
        up: i === 59 ? null : i === 30 ? 99n : BigInt(i + 2),
      }));
      const rejected: RejectedRow[] = [];
      await trial.load("tree", fields, records, { mode: "append", rejected, batchRows: 7 });
      // All rows up to the bad one depend on it.
      assert.deepEqual(
        rejected.map(({ row }) => row).sort((one, other) => one - other),
        Array.from({ length: 31 }, (_, i) => i + 1),
      );
      assert.equal((await trial.rows("tree")).length, 29);
    },
  },
  "later rows of a key": {
    title: "an upsert keeps the last row of a key, though an earlier one refers to a later row",
    when: ({ loaderClass: { rejects } }) => rejects?.includes("upsert") === true,
    async run(trial) {
      await trial.sql(
        `CREATE TABLE kept (id BIGINT NOT NULL PRIMARY KEY, up BIGINT,
          FOREIGN KEY (up) REFERENCES kept (id))`,
      );
      const fields = [FIELDS[0]!, { ...FIELDS[2]!, name: "up" }];
      const records = [
        { id: 1n, up: 5n },
        { id: 1n, up: null },
        { id: 2n, up: 5n },
        { id: 5n, up: null },
      ];
      const rejected: RejectedRow[] = [];
      const load = { mode: "upsert", upsertKeys: ["id"], rejected, batchRows: 1 } as const;
      await trial.load("kept", fields, records, load);
      assert.deepEqual(rejected.map(({ row }) => row), [1]);
      assert.deepEqual(await trial.rows("kept"), rowsOf(records.slice(1)));
    },
  },
  "rows that cannot be loaded at all": {
    title: "an error that is not about a row ends the load, and no row is rejected",
    when: rejecting,
    async run(trial) {
      await createTable(trial, "ended");
      const rejected: RejectedRow[] = [];
      const records = Array.from({ length: 100 }, (_, at) => record(at + 1));
      await assert.rejects(
        trial.load("ended", FIELDS, records, {
          ...{ mode: "append", rejected, batchRows: 10, failAfter: 3 },
        }),
        /half-way/,
      );
      assert.deepEqual(rejected, []);
      assert.deepEqual(await trial.rows("ended"), []);
    },
  },
} satisfies Record<string, Check>;
