/**
 * Sessions that the server ends at seeded moments of an extraction and of each kind of load: an error, and
 * the rows from before or all of the new ones.
 */
import assert from "node:assert/strict";
import { createExtractTask } from "../../../../src/arrow/mod.ts";
import type { LoadMode } from "../../../../src/models/stream.ts";
import type { Field } from "../../../../src/models/field.ts";
import { MySQLExtractor } from "../../../../src/providers/relational/mysql/extractor.ts";
import { MySQLLoader } from "../../../../src/providers/relational/mysql/loader.ts";
import { stagedOf } from "../../../support/staged.ts";
import { connect, never, onServers, type TestDatabase } from "./support.ts";

const FIELDS: readonly Field[] = [
  { name: "id", dtype: "int32", nullable: false },
  { name: "v", dtype: "string", nullable: true },
];
const [ROWS, BATCH] = [4000, 200];
const BATCHES = ROWS / BATCH;

/** Old rows have the numbers from -99 to 10, new ones those from 1 on. */
const OLD = { rows: 110, new: 0 };

interface Kind {
  readonly mode: LoadMode;
  readonly replace?: "swap";
  /** The target exists. */
  readonly exists: boolean;
  readonly after: { readonly rows: number; readonly new: number };
}

const KINDS: Readonly<Record<string, Kind>> = {
  "append, new": { mode: "append", exists: false, after: { rows: ROWS, new: ROWS } },
  "append": { mode: "append", exists: true, after: { rows: ROWS + OLD.rows, new: ROWS } },
  "replace": { mode: "replace", exists: true, after: { rows: ROWS, new: ROWS } },
  "replace, swap": {
    mode: "replace",
    replace: "swap",
    exists: true,
    after: { rows: ROWS, new: ROWS },
  },
  "upsert": { mode: "upsert", exists: true, after: { rows: ROWS + 100, new: ROWS } },
};

/** Numbers from 0 up to 1, the same in each run. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

/** Ends all sessions of a database but those of the test. */
async function killSessions({ session }: TestDatabase): Promise<void> {
  const { rows } = await session.query(
    "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()",
  );
  for (const [id] of rows) {
    // It may have ended meanwhile.
    await session.query(`KILL ${id}`).catch(() => {});
  }
}

async function load(database: TestDatabase, kind: Kind, onBatch: (batch: number) => Promise<void>) {
  await using connector = await connect(database.url);
  const rows = Array.from({ length: ROWS }, (_, i) => ({ id: i + 1, v: `new ${i}` }));
  const staged = stagedOf(FIELDS, rows, { batchRows: BATCH, beforeBatch: onBatch });
  await new MySQLLoader(connector, { replace: kind.replace ?? "delete" }).load({
    target: { type: "relation", name: "t" },
    staged,
    mode: kind.mode,
    upsertKeys: kind.mode === "upsert" ? ["id"] : [],
    lossy: "stop",
    signal: never,
  } as never);
}

async function prepare({ sql }: TestDatabase, { exists }: Kind): Promise<void> {
  await sql("DROP TABLE IF EXISTS t");
  if (!exists) return;
  await sql("CREATE TABLE t (id int NOT NULL, v varchar(40), KEY (id)) ENGINE=InnoDB");
  const values = Array.from({ length: OLD.rows }, (_, i) => `(${i - 99}, 'old')`);
  await sql(`INSERT INTO t VALUES ${values}`);
}

/** Undefined of a table that does not exist. */
async function stateOf({ sql }: TestDatabase) {
  const [found] = await sql("SHOW TABLES LIKE 't'");
  if (found === undefined) return undefined;
  const [[rows, added]] = await sql("SELECT COUNT(*), SUM(v LIKE 'new %') FROM t") as [string[]];
  return { rows: Number(rows), new: Number(added) };
}

for (const [seed, [name, kind]] of Object.entries(KINDS).entries()) {
  onServers(
    `sessions that are killed in a load leave all rows or none: ${name}`,
    async (database) => {
      const random = seededRandom(seed + 1);
      for (let round = 0; round < 4; round++) {
        await prepare(database, kind);
        const before = await stateOf(database);
        // The last ones are killed after all rows were sent.
        const at = round === 3 ? BATCHES - 1 : Math.floor(random() * BATCHES);
        const pause = round === 3 ? random() * 20 : 0;
        let kill: Promise<void> | undefined;
        const outcome = await load(database, kind, async (batch) => {
          if (batch !== at) return;
          kill = new Promise((resolve) => setTimeout(resolve, pause))
            .then(() => killSessions(database));
          if (pause === 0) await kill;
        }).then(() => undefined, (error: Error) => error);
        await kill;
        const state = await stateOf(database);
        const what = `killed at batch ${at} and ${pause} ms: ${outcome}`;
        if (pause === 0) assert.ok(outcome !== undefined, what);
        if (outcome === undefined) assert.deepEqual(state, kind.after, what);
        else assert.ok(isOneOf(state, [before, kind.after]), `${what}, ${JSON.stringify(state)}`);
      }
      // What a killed load left is dropped by the next one.
      await prepare(database, kind);
      await load(database, kind, () => Promise.resolve());
      assert.deepEqual(await stateOf(database), kind.after);
      assert.deepEqual(await database.sql("SHOW TABLES LIKE 'dxt%'"), []);
    },
  );
}

function isOneOf(state: unknown, states: readonly unknown[]): boolean {
  return states.some((one) => JSON.stringify(one) === JSON.stringify(state));
}

onServers(
  "sessions that are killed in an extraction are an error, never a short end",
  async (database) => {
    await database.sql("CREATE TABLE s (id int PRIMARY KEY, v varchar(200)) ENGINE=InnoDB");
    const values = Array.from({ length: 1000 }, (_, i) => `(${i}, REPEAT('x', 200))`);
    await database.sql(`INSERT INTO s VALUES ${values}`);
    for (let i = 1000; i < 64_000; i *= 2) {
      await database.sql(`INSERT INTO s SELECT id + ${i}, v FROM s`);
    }
    const random = seededRandom(7);
    const source = { type: "relation", name: "s" } as const;
    const fields: Field[] = [{ ...FIELDS[0]! }, { ...FIELDS[1]! }];
    for (let round = 0; round < 4; round++) {
      await using connector = await connect(database.url);
      const task = createExtractTask({
        source,
        projections: fields.map((field) => ({ field, column: field.name })),
        batchRows: 500,
        batchBytes: 1 << 20,
        signal: never,
      });
      const at = Math.floor(random() * 20);
      let batches = 0;
      await assert.rejects(async () => {
        for await (const _batch of new MySQLExtractor(connector).extract(task)) {
          if (batches++ === at) await killSessions(database);
        }
      }, { name: "ConnectionError" });
    }
  },
);
