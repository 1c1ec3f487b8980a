/** Several threads: parts of one table as of one moment, loads that begin early, streams side by side. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { RunResult } from "../../src/models/result.ts";
import { freshDatabase, postgresTest, type TestDatabase } from "../support/services.ts";
import { run, runWell, withFolder } from "../support/run.ts";
import { ignoreIf } from "../support/ignore.ts";

const server = postgresTest(18);
const THREADS = 2;
const ROWS = 300_000;

/** About 80 MiB: large enough for two parts. */
const ACCOUNTS = `
  CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL, note text);
  INSERT INTO accounts SELECT i, 1000, repeat(md5(i::text), 7) FROM generate_series(1, ${ROWS}) AS i`;
const SUMS =
  "SELECT count(*)::int AS n, sum(balance)::int AS balance, count(DISTINCT id)::int AS ids";

/** Pauses after a quarter of its rows. */
const SLOW = `SELECT i AS id, repeat(md5(i::text), 5) AS t,
  CASE WHEN i = 5000 THEN pg_sleep(1.5)::text END AS s FROM generate_series(0, 19999) AS i`;

const PAUSED = `SELECT pid FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event = 'PgSleep'`;
const SLOW_STREAM = {
  id: "slow",
  source: { type: "sql", sql: SLOW },
  extract: { partition: { field: "id" }, batch_rows: 1000 },
};
const SMALL_FILES = { file_bytes: 65_536, options: { row_group_rows: 1000 } };

interface Systems {
  readonly folder: string;
  readonly source: TestDatabase;
  readonly target: TestDatabase;
}

function threadsTest(name: string, fn: (systems: Systems) => Promise<void>): void {
  Deno.test({
    ...ignoreIf(server.missing, name),
    fn: () =>
      withFolder(async (folder) => {
        await using source = await freshDatabase(server.url);
        await using target = await freshDatabase(server.url);
        await fn({ folder, source, target });
      }),
  });
}

function pipeline({ source, target }: Systems, ...streams: Record<string, unknown>[]) {
  return { version: 1, name: "p", source: source.url, target: target.url, streams };
}

const accounts = { id: "accounts", source: "accounts" };

/** Names of the tables in the target; a load must leave none of its own. */
async function tables({ target }: Systems): Promise<unknown[]> {
  const rows = await target.sql("SELECT relname FROM pg_class WHERE relkind = 'r' AND oid > 16384");
  return rows.map(({ relname }) => relname).filter((name) => !String(name).startsWith("pg_"))
    .sort();
}

/** The words of a side in the proof of the first stream. */
function evidence({ streams: [stream] }: RunResult, side: "source" | "target"): string {
  return stream!.proof![side].evidence;
}

threadsTest("a table that changes all the time is read in parts of one moment", async (systems) => {
  const { folder, source, target } = systems;
  await source.sql(ACCOUNTS);
  let transfers = 0;
  let going = true;
  await using other = await sameDatabase(source);
  const changing = (async () => {
    while (going) {
      const [from, to] = [1 + transfers % 1000, ROWS - transfers % 1000];
      await other.sql(`BEGIN;
        UPDATE accounts SET balance = balance - 1 WHERE id = ${from};
        UPDATE accounts SET balance = balance + 1 WHERE id = ${to}; COMMIT`);
      transfers++;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  let result: RunResult;
  try {
    result = await runWell(folder, pipeline(systems, accounts), { threads: THREADS });
  } finally {
    going = false;
    await changing;
  }
  assert.ok(transfers > 100, `${transfers} transfers`);
  assert.match(evidence(result, "source"), /^COPY \d+, COPY \d+$/);
  const [sums] = await target.sql(`${SUMS} FROM accounts`);
  assert.deepEqual({ ...sums }, { n: ROWS, balance: ROWS * 1000, ids: ROWS });
  assert.deepEqual(await tables(systems), ["accounts"]);
});

threadsTest(
  "a table that is there keeps what it is, loaded from parts by one connection",
  async (systems) => {
    const { folder, source, target } = systems;
    await source.sql(ACCOUNTS);
    await target.sql(`CREATE TABLE accounts (id int, balance bigint, note text);
    CREATE INDEX kept ON accounts (balance); INSERT INTO accounts VALUES (0, 0, 'old')`);
    for (const mode of ["append", "replace", "upsert"]) {
      const load = { mode, ...(mode === "upsert" ? { upsert_keys: ["id"] } : {}) };
      const yaml = pipeline(systems, { ...accounts, load });
      await runWell(folder, yaml, { threads: THREADS });
      const [sums] = await target.sql(
        `${SUMS}, count(*) FILTER (WHERE note = 'old')::int AS old FROM accounts`,
      );
      const old = mode === "append" ? 1 : 0;
      const expected = { n: ROWS + old, balance: ROWS * 1000, ids: ROWS + old, old };
      assert.deepEqual({ ...sums }, expected, mode);
    }
    const indexes = await target.sql(
      "SELECT indexname FROM pg_indexes WHERE tablename = 'accounts'",
    );
    assert.deepEqual(indexes.map(({ indexname }) => indexname), ["kept"]);
  },
);

threadsTest("a table is swapped for one that several connections wrote", async (systems) => {
  const { folder, source, target } = systems;
  await source.sql(ACCOUNTS);
  await target.sql(`CREATE TABLE accounts (id int PRIMARY KEY, balance bigint, note text);
    CREATE INDEX kept ON accounts (balance); INSERT INTO accounts VALUES (0, 0, 'old')`);
  const yaml = pipeline(systems, {
    ...accounts,
    load: { mode: "replace" },
    loader: { class: "postgres", config: { replace: "swap" } },
  });
  const result = await runWell(folder, yaml, { threads: THREADS });
  assert.equal(evidence(result, "target"), `COPY ${ROWS}, ALTER TABLE`);
  const [sums] = await target.sql(`${SUMS} FROM accounts`);
  assert.deepEqual({ ...sums }, { n: ROWS, balance: ROWS * 1000, ids: ROWS });
  const indexes = await target.sql("SELECT indexname FROM pg_indexes WHERE tablename = 'accounts'");
  assert.deepEqual(indexes.map(({ indexname }) => indexname).sort(), ["accounts_pkey", "kept"]);
  assert.deepEqual(await tables(systems), ["accounts"]);
});

threadsTest("when a part fails nothing is in the target and nothing is staged", async (systems) => {
  const { folder, source } = systems;
  await source.sql(ACCOUNTS);
  const killing = pipeline(systems, accounts);
  let killed = false;
  const result = await run(folder, killing, {
    threads: THREADS,
    onEvent({ type }) {
      if (type !== "progress" || killed) return;
      killed = true;
      void source.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'COPY%' LIMIT 1`);
    },
  });
  assert.ok(killed);
  assert.equal(result.status, "failed");
  assert.match(
    result.streams[0]!.error!.message,
    /^Cannot extract stream "accounts" .*(terminating|connection was lost)/s,
  );
  assert.deepEqual(await tables(systems), []);
  assert.deepEqual(await manifests(folder), []);
});

threadsTest("a value that no field takes is reported with its part", async (systems) => {
  const { folder, source } = systems;
  await source.sql(`${ACCOUNTS}; UPDATE accounts SET balance = 99999 WHERE id = ${ROWS}`);
  const fields = [{ id: "id" }, { id: "balance", dtype: "int16" }, { id: "note" }];
  const result = await run(folder, pipeline(systems, { ...accounts, fields }), {
    threads: THREADS,
  });
  const { type, message } = result.streams[0]!.error!;
  assert.equal(type, "ValidationError");
  assert.match(
    message,
    /field "balance", row \d+: expected int16 .* value is "?99999"? \(row of part 2\)/,
  );
});

threadsTest("when the load fails the whole stage is kept for dxt load", async (systems) => {
  const { folder, source, target } = systems;
  await source.sql(ACCOUNTS);
  await target.sql(
    `CREATE TABLE accounts (id int, balance bigint CHECK (balance < 2000), note text)`,
  );
  await source.sql(`UPDATE accounts SET balance = 5000 WHERE id = 7`);
  const yaml = pipeline(systems, accounts);
  const failed = await run(folder, yaml, { threads: THREADS });
  assert.match(
    failed.streams[0]!.error!.message,
    /^Cannot load stream .*violates check constraint/s,
  );
  assert.equal(failed.streams[0]!.rows_extracted, ROWS);
  assert.equal((await target.sql("SELECT count(*)::int AS n FROM accounts"))[0]!["n"], 0);
  await target.sql("DROP TABLE accounts");
  await runWell(folder, yaml, { threads: THREADS, phase: "load" });
  assert.equal((await target.sql("SELECT count(*)::int AS n FROM accounts"))[0]!["n"], ROWS);
  assert.deepEqual(await manifests(folder), []);
});

threadsTest("a cancelled run leaves no table behind", async (systems) => {
  const { folder, source } = systems;
  await source.sql(ACCOUNTS);
  const stop = new AbortController();
  const result = await run(folder, pipeline(systems, accounts), {
    threads: THREADS,
    signal: stop.signal,
    onEvent(event) {
      if (event.type === "progress" && event.phase === "load") stop.abort(new Error("stopped"));
    },
  });
  assert.equal(result.streams[0]!.status, "cancelled");
  assert.deepEqual(await tables(systems), []);
});

threadsTest("a query is read in ranges of a field, NULLs included", async (systems) => {
  const { folder, target } = systems;
  const sql = "SELECT nullif(i, 50) AS n, i::text AS t FROM generate_series(-100, 99) AS i";
  const stream = { id: "q", source: { type: "sql", sql }, extract: { partition: { field: "n" } } };
  const result = await runWell(folder, pipeline(systems, stream), { threads: 3 });
  assert.equal(evidence(result, "source"), "COPY 67, COPY 67, COPY 66");
  const [row] = await target.sql(
    "SELECT count(*)::int AS n, sum(t::int)::int AS s, count(n)::int AS known FROM q",
  );
  assert.deepEqual({ ...row }, { n: 200, s: -100, known: 199 });
});

threadsTest("a field that cannot be cut into ranges is refused", async (systems) => {
  const sql = "SELECT 'x' AS t";
  const stream = { id: "q", source: { type: "sql", sql }, extract: { partition: { field: "t" } } };
  const { streams: [result] } = await run(systems.folder, pipeline(systems, stream), {
    threads: 2,
  });
  assert.match(
    result!.error!.message,
    /in parts by "t": it is string, expected a field of whole numbers/,
  );
});

threadsTest(
  "a file is written while its source is still read, and appears when all is there",
  async (systems) => {
    const { folder, source } = systems;
    const target = join(folder, "out");
    await Deno.mkdir(target);
    const stream = (path: string, rest: object = {}) => ({
      ...pipeline(systems, {
        id: "slow",
        source: { type: "sql", sql: SLOW },
        target: path,
        extract: { partition: { field: "id" }, batch_rows: 1000 },
        ...rest,
      }),
      target: { provider: "local", path: target },
      buffer: { file_bytes: 65_536, options: { row_group_rows: 1000 } },
    });
    const steps: string[] = [];
    await runWell(folder, stream("slow.csv", { load: { mode: "replace" } }), {
      threads: THREADS,
      onEvent(event) {
        if (event.type === "phase_finished") steps.push(`${event.phase} ended`);
        else if (event.type === "progress") steps.push(event.phase);
      },
    });
    assert.ok(steps.indexOf("load") < steps.indexOf("extract ended"), steps.join());
    const lines = (await Deno.readTextFile(join(target, "slow.csv"))).trimEnd().split("\n");
    assert.equal(lines.length, 20_001);
    for (const mode of ["replace", "append"]) {
      const { streams: [result] } = await runWell(
        folder,
        stream("slow.parquet", { load: { mode } }),
        {
          threads: THREADS,
        },
      );
      assert.equal(result!.rows_loaded, 20_000, mode);
    }
    await source.sql(ACCOUNTS);
    await source.sql(`ALTER TABLE accounts ADD COLUMN d date;
    UPDATE accounts SET d = 'infinity' WHERE id = ${ROWS - 5}`);
    const infinite = await run(folder, {
      ...pipeline(systems, { ...accounts, target: "accounts.parquet" }),
      target: { provider: "local", path: target },
    }, { threads: THREADS });
    assert.match(
      infinite.streams[0]!.error!.message,
      /field "d", row \d+: expected a finite value/,
    );
    const files = (await Array.fromAsync(Deno.readDir(target))).map(({ name }) => name).sort();
    assert.deepEqual(files, ["slow.csv", "slow.parquet"]);
  },
);

threadsTest("a run that waits for more to load is cancelled at once", async (systems) => {
  const { folder, source } = systems;
  const query = { ...SLOW_STREAM, source: { type: "sql", sql: SLOW.replace("1.5", "8") } };
  for (const target of [systems.target.url, { provider: "local", path: folder }]) {
    const stop = new AbortController();
    let staged = 0;
    const path = typeof target === "string" ? {} : { target: "slow.parquet" };
    const load = { mode: "replace" };
    const stream = { ...query, ...path, load };
    const running = run(folder, { ...pipeline(systems, stream), target, buffer: SMALL_FILES }, {
      threads: THREADS,
      signal: stop.signal,
      onEvent(event) {
        if (event.type === "progress" && event.phase === "extract") staged = event.rows;
      },
    });
    // What is told of the first part is its first batch: the load waits for the rest of it.
    await until(() => Promise.resolve(staged >= 11_000));
    await new Promise((resolve) => setTimeout(resolve, 500));
    const start = performance.now();
    stop.abort(new Error("stopped"));
    assert.equal((await running).streams[0]!.status, "cancelled");
    const ms = performance.now() - start;
    assert.ok(ms < 3000, `${ms} ms`);
    await until(async () => (await source.sql(PAUSED)).length === 0);
  }
  assert.deepEqual(await tables(systems), []);
  const files = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  assert.deepEqual(files.filter((name) => name.includes("slow")), []);
});

threadsTest("of records that share a key the last in the source's order wins", async (systems) => {
  const { folder, target } = systems;
  const stream = {
    id: "slow",
    source: { type: "sql", sql: `SELECT id % 10000 AS key, id, s FROM (${SLOW}) AS slow` },
    extract: { partition: { field: "id" }, batch_rows: 1000 },
    load: { mode: "upsert", upsert_keys: ["key"] },
  };
  const ends = [target.url, { provider: "sqlite", path: join(folder, "slow.db") }];
  for (const end of ends) {
    const yaml = { ...pipeline(systems, stream), target: end, buffer: SMALL_FILES };
    await runWell(folder, yaml, { threads: THREADS });
  }
  const sql = "SELECT count(*) AS n, min(id) AS low FROM slow";
  const [row] = await target.sql(sql.replace("count(*)", "count(*)::int"));
  assert.deepEqual({ ...row }, { n: 10_000, low: 10_000 });
  using database = new DatabaseSync(join(folder, "slow.db"));
  assert.deepEqual({ ...database.prepare(sql).get() }, { n: 10_000, low: 10_000 });
});

threadsTest("streams are read side by side and loaded in their order", async (systems) => {
  const { folder, target } = systems;
  await target.sql(`CREATE TABLE parent (id int PRIMARY KEY);
    CREATE TABLE child (id int REFERENCES parent)`);
  const slow = { type: "sql", sql: "SELECT 1::int AS id FROM pg_sleep(3)" };
  const yaml = pipeline(
    systems,
    { id: "parent", source: slow },
    { id: "child", source: { type: "sql", sql: "SELECT 1::int AS id" } },
  );
  const steps: string[] = [];
  await runWell(folder, yaml, {
    threads: 2,
    onEvent(event) {
      if (event.type === "phase_finished") steps.push(`${event.stream} ${event.phase}`);
    },
  });
  assert.deepEqual(steps, ["child extract", "parent extract", "parent load", "child load"]);
});

threadsTest(
  "a connection takes one COPY for all that comes, and waits for no long pause",
  async (systems) => {
    const { folder, source, target } = systems;
    const copies = "count(DISTINCT xmin::text)::int AS copies";
    await source.sql(ACCOUNTS);
    const large = { ...pipeline(systems, accounts), buffer: SMALL_FILES };
    const { streams: [staged] } = await runWell(folder, large, { threads: THREADS });
    assert.ok(staged!.files_staged > 20, `${staged!.files_staged} files`);
    const [all] = await target.sql(`SELECT count(*)::int AS n, ${copies} FROM accounts`);
    assert.deepEqual({ ...all }, { n: ROWS, copies: THREADS });
    // Long enough for a load that begins late on a busy machine to wait for what is not read yet.
    const query = { ...SLOW_STREAM, source: { type: "sql", sql: SLOW.replace("1.5", "5") } };
    const slow = { ...pipeline(systems, query), buffer: SMALL_FILES };
    const result = await runWell(folder, slow, { threads: THREADS });
    assert.equal(evidence(result, "target"), "COPY 20000, ALTER TABLE");
    const [paused] = await target.sql(`SELECT count(DISTINCT id)::int AS ids, ${copies} FROM slow`);
    assert.equal(paused!["ids"], 20_000);
    assert.ok(Number(paused!["copies"]) > THREADS, `${paused!["copies"]} copies`);
  },
);

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !await isSo(); tries++) {
    assert.ok(tries < 300, "it never was so");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function sameDatabase(
  { url }: TestDatabase,
): Promise<AsyncDisposable & Pick<TestDatabase, "sql">> {
  const { default: postgres } = await import("postgres");
  const client = postgres(url, { max: 1, onnotice: () => {} });
  return {
    sql: (text) => client.unsafe(text) as unknown as Promise<Record<string, unknown>[]>,
    [Symbol.asyncDispose]: () => client.end(),
  };
}

/** Manifests of committed stages below a folder. */
async function manifests(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await manifests(join(folder, name)));
    else if (name === "manifest.json") found.push(name);
  }
  return found;
}
