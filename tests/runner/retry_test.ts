/** Streams that are tried again: the policy, and real runs through a broken connection. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ConnectionError, isTransient, LoaderError } from "../../src/core/errors.ts";
import { MySQLError } from "../../src/providers/relational/mysql/wire/server_error.ts";
import { PostgresError } from "../../src/providers/relational/postgres/wire/server_error.ts";
import {
  computeRetryDelay,
  createRetryPolicy,
  type Retrying,
  withRetries,
} from "../../src/runner/retry.ts";
import { fromError, toError } from "../../src/sandbox/messages.ts";
import { type Break, proxyTo } from "../support/proxy.ts";
import { freshDatabase, postgresTest, type TestDatabase } from "../support/services.ts";
import { run, runWell, withFolder } from "../support/run.ts";
import { ignoreIf } from "../support/ignore.ts";

const lost = () => new ConnectionError("lost", { transient: true });

Deno.test("the delay doubles up to its limit, of which a random half is left out", () => {
  const policy = createRetryPolicy({ backoff: 2, max_backoff: 10 });
  const delays = (random: number) =>
    [1, 2, 3, 4].map((n) => computeRetryDelay(policy, n, () => random));
  assert.deepEqual(delays(1), [2000, 4000, 8000, 10_000]);
  assert.deepEqual(delays(0), [1000, 2000, 4000, 5000]);
});

Deno.test("the command line overrides the attempts of a stream", () => {
  assert.equal(createRetryPolicy().attempts, 3);
  assert.equal(createRetryPolicy({ attempts: 7 }).attempts, 7);
  assert.equal(createRetryPolicy({ attempts: 7 }, 0).attempts, 1);
});

Deno.test("an error may pass where it or one of its causes may, in its worker and at the host", () => {
  const cases = [
    [lost(), true],
    [new LoaderError("Cannot load", { cause: lost() }), true],
    [new LoaderError("Cannot load"), false],
    [new Error("other"), false],
  ] as const;
  for (const [error, expected] of cases) {
    assert.equal(isTransient(error), expected, error.message);
    assert.equal(isTransient(toError(fromError(error))), expected, error.message);
  }
});

/** Runs `work` with a policy that does not wait; returns the warnings. */
async function tried(
  work: (attempt: number) => void,
  change: Partial<Retrying> = {},
): Promise<string[]> {
  const warnings: string[] = [];
  let attempt = 0;
  await withRetries({
    policy: { attempts: 3, backoffMs: 0, maxBackoffMs: 0 },
    signal: new AbortController().signal,
    warn: (message) => warnings.push(message),
    prepare: () => true,
    ...change,
  }, () => {
    work(++attempt);
    return Promise.resolve();
  });
  return warnings;
}

Deno.test("the wait that a server asks for is respected, up to the longest wait of the policy", async () => {
  const policy = { attempts: 3, backoffMs: 1, maxBackoffMs: 40 };
  const refused = (retryAfterMs: number) =>
    new LoaderError("Cannot load", {
      cause: toError(fromError(new ConnectionError("busy", { transient: true, retryAfterMs }))),
    });
  const start = performance.now();
  const warnings = await tried((attempt) => {
    if (attempt < 3) throw refused(attempt === 1 ? 30 : 90_000);
  }, { policy });
  assert.ok(performance.now() - start >= 65);
  assert.deepEqual(warnings, [
    "attempt 1 of 3 failed, the next one starts in 0.0 s: Cannot load",
    "attempt 2 of 3 failed, the next one starts in 0.0 s (max_backoff; the server asks for 90.0 s): Cannot load",
  ]);
});

Deno.test("what may pass is tried again, and reported", async () => {
  const warnings = await tried((attempt) => {
    if (attempt < 3) throw lost();
  });
  assert.deepEqual(warnings, [
    "attempt 1 of 3 failed, the next one starts in 0.0 s: lost",
    "attempt 2 of 3 failed, the next one starts in 0.0 s: lost",
  ]);
});

Deno.test("the last attempt, what stays, and what cannot be repeated fail at once", async () => {
  let attempts = 0;
  const count = (error: Error) => () => {
    attempts++;
    throw error;
  };
  await assert.rejects(tried(count(lost())), /lost/);
  assert.equal(attempts, 3);
  await assert.rejects(tried(count(new LoaderError("wrong"))), /wrong/);
  assert.equal(attempts, 4);
  await assert.rejects(tried(count(lost()), { prepare: () => false }), /lost/);
  assert.equal(attempts, 5);
});

Deno.test("an abort ends the wait", async () => {
  const stop = new AbortController();
  const policy = createRetryPolicy({ backoff: 60 });
  const warn = () => stop.abort(new Error("stopped"));
  const trying = tried(() => {
    throw lost();
  }, { policy, warn, signal: stop.signal });
  await assert.rejects(trying, /stopped/);
});

const server = postgresTest(15);

/** A test with a source of 20,000 rows whose first connection breaks after so many bytes. */
function onBreak(
  title: string,
  work: (database: TestDatabase, through: (...breaks: Breaks) => Through) => Promise<void>,
): void {
  Deno.test({ ...ignoreIf(server.missing, title), fn: () => withDatabase(work) });
}

type Breaks = [how: Break, after: number, sender?: "server" | "client"];

interface Through extends AsyncDisposable {
  readonly url: string;
}

async function withDatabase(work: Parameters<typeof onBreak>[1]): Promise<void> {
  await using database = await freshDatabase(server.url);
  await database.sql(
    "CREATE TABLE t AS SELECT n, repeat('x', 50) AS s FROM generate_series(1, 20000) n",
  );
  await work(database, (...breaks) => {
    const url = new URL(database.url);
    const proxy = proxyTo(Number(url.port), ...breaks);
    url.port = String(proxy.port);
    url.searchParams.set("sslmode", "disable");
    return { url: url.href, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() };
  });
}

const BASE = { version: 1, name: "p" };
const RETRY = { backoff: 0.01 };

onBreak("a source that is lost half-way is read again", async (_database, through) => {
  await withFolder(async (folder) => {
    for (const how of ["close", "reset"] as const) {
      await using source = through(how, 300_000);
      const result = await runWell(folder, {
        ...BASE,
        source: source.url,
        target: { provider: "sqlite", path: `${how}.db` },
        defaults: { retry: RETRY },
        streams: [{ id: "t", source: "public.t" }],
      }, { retries: undefined });
      const [stream] = result.streams;
      assert.equal(stream!.attempts, 2);
      assert.equal(stream!.rows_loaded, 20_000);
      assert.match(stream!.warnings[0]!, /^attempt 1 of 3 failed, the next one starts in 0.0 s: /);
    }
  });
});

onBreak("a target that is lost is loaded again from the stage, once", async (database, through) => {
  await withFolder(async (folder) => {
    // An append from a stage in memory cannot be repeated.
    const cases = [
      ["append", "parquet"],
      ["replace", "parquet"],
      ["upsert", "parquet"],
      ["replace", "memory"],
      ["upsert", "memory"],
    ] as const;
    for (const [mode, format] of cases) {
      const table = `${mode}_${format}`;
      await database.sql(`CREATE TABLE ${table} (n int PRIMARY KEY, s text)`);
      // The connection that sends the rows is cut while it does so.
      await using target = through("reset", 300_000, "client");
      const result = await runWell(folder, {
        ...BASE,
        source: database.url,
        target: target.url,
        buffer: { format },
        streams: [{
          id: table,
          source: "public.t",
          load: { mode, ...(mode === "upsert" ? { upsert_keys: ["n"] } : {}) },
          retry: RETRY,
        }],
      }, { retries: undefined });
      assert.ok(result.streams[0]!.attempts! > 1, table);
      const [{ count }] = await database.sql(
        `SELECT count(*)::int AS count FROM ${table}`,
      ) as [{ count: number }];
      assert.equal(count, 20_000, table);
    }
  });
});

Deno.test("a server that cannot be reached is tried as often as the pipeline says", async () => {
  await withFolder(async (folder) => {
    const result = await run(folder, {
      ...BASE,
      source: "postgres://me@127.0.0.1:1/db?sslmode=disable",
      target: { provider: "sqlite", path: "t.db" },
      streams: [{ id: "t", source: "public.t", retry: { attempts: 2, backoff: 0.01 } }],
    }, { retries: undefined });
    const [stream] = result.streams;
    assert.equal(stream!.status, "failed");
    assert.equal(stream!.attempts, 2);
    assert.equal(stream!.warnings.length, 1);
    assert.match(stream!.error!.message, /nothing listens there/);
    await assert.rejects(Deno.stat(join(folder, "t.db")), Deno.errors.NotFound);
  });
});

Deno.test("errors of servers may pass by their code", () => {
  const report = { severity: "ERROR", message: "m" };
  const states = ["08006", "40001", "40P01", "53300", "55P03", "57P01", "57P03", "25P03"];
  const staying = ["23505", "28P01", "42501", "42P01", "53100", "57014", "57P04", "3D000"];
  const passes = (code: string) => isTransient(new PostgresError({ ...report, code }));
  assert.deepEqual(states.filter((code) => !passes(code)), []);
  assert.deepEqual(staying.filter(passes), []);
  const numbers = [1040, 1053, 1205, 1213];
  const others = [1044, 1045, 1062, 1146, 1366];
  const may = (code: number) => isTransient(new MySQLError({ code, state: "HY000", message: "m" }));
  assert.deepEqual(numbers.filter((code) => !may(code)), []);
  assert.deepEqual(others.filter(may), []);
});

Deno.test("a host name that nobody knows is tried once", async () => {
  await withFolder(async (folder) => {
    const result = await run(folder, {
      ...BASE,
      source: "postgres://me@no-such-host.invalid/db",
      target: { provider: "sqlite", path: "t.db" },
      streams: [{ id: "t", source: "public.t" }],
    }, { retries: undefined });
    assert.equal(result.streams[0]!.status, "failed");
    assert.equal(result.streams[0]!.attempts, undefined);
  });
});
