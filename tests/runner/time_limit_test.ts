/** A stream that takes too long is cancelled, and its target is as it was. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "sqlite";
import { runExitCode } from "../../src/cli/terminal/exit_codes.ts";
import { UnknownOutcomeError } from "../../src/core/errors.ts";
import { limitTime } from "../../src/runner/time_limit.ts";
import { ignoreIf } from "../support/ignore.ts";
import { run, withFolder } from "../support/run.ts";
import { freshDatabase, postgresTest } from "../support/services.ts";

const server = postgresTest(15);

Deno.test("a source that does not answer is given up, and the other streams are loaded", () =>
  withFolder(async (folder) => {
    const silent = new AbortController();
    await using source = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, signal: silent.signal },
      ({ url }) =>
        url.endsWith("/slow.csv")
          ? new Promise<Response>((resolve) => {
            silent.signal.addEventListener("abort", () => resolve(new Response()));
          })
          : new Response("id\n1\n", { headers: { "content-type": "text/csv" } }),
    );
    using target = new DatabaseSync(join(folder, "target.db"));
    target.exec("CREATE TABLE slow (id INTEGER); INSERT INTO slow VALUES (-1)");
    const start = performance.now();
    const result = await run(folder, {
      version: 1,
      name: "p",
      source: { provider: "http", url: `http://127.0.0.1:${source.addr.port}/` },
      target: { provider: "sqlite", path: "target.db" },
      defaults: { timeout_seconds: 1.5, load: { mode: "replace" }, retry: { attempts: 5 } },
      streams: [{ id: "slow", source: "slow.csv" }, {
        ...{ id: "fast", source: "fast.csv", timeout_seconds: 500 },
      }],
    }, { retries: undefined });
    assert.ok(performance.now() - start < 20_000);
    const [slow, fast] = result.streams;
    assert.equal(slow!.error?.type, "StreamTimeoutError");
    assert.match(
      slow!.error.message,
      /^Cannot extract stream "slow" .*: it took longer than 1\.5 s, expected it to end in that time \(timeout_seconds\)$/,
    );
    assert.equal(slow!.attempts, undefined);
    assert.equal(fast!.status, "succeeded");
    assert.equal(runExitCode(result), 3);
    assert.deepEqual(
      target.prepare("SELECT id FROM slow").all().map((row: { id?: unknown }) => row.id),
      [-1],
    );
    silent.abort();
  }));

for (
  const [what, stream, hold] of [
    ["query of a source", { type: "sql", sql: "SELECT 1 AS id FROM pg_sleep(60)" }, undefined],
    ["lock of a target", "public.source", "LOCK TABLE target"],
  ] as const
) {
  Deno.test({
    ...ignoreIf(server.missing, `a ${what} that does not end is cancelled on the server`),
    fn: () =>
      withFolder(async (folder) => {
        await using database = await freshDatabase(server.url);
        await database.sql(
          "CREATE TABLE source AS SELECT 1 AS id; CREATE TABLE target (id int); INSERT INTO target VALUES (-1)",
        );
        if (hold !== undefined) await database.sql(`BEGIN; ${hold}`);
        const result = await run(folder, {
          version: 1,
          name: "p",
          source: { url: database.url, sslmode: "disable" },
          target: { url: database.url, sslmode: "disable" },
          streams: [{
            ...{ id: "t", source: stream, target: "public.target", timeout_seconds: 2 },
            load: { mode: "replace" },
          }],
        });
        if (hold !== undefined) await database.sql("COMMIT");
        assert.equal(result.streams[0]!.error?.type, "StreamTimeoutError");
        assert.equal(runExitCode(result), 1);
        assert.deepEqual([...await database.sql("SELECT id FROM target")], [{ id: -1 }]);
        const others =
          "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        for (let left = 100; (await database.sql(others))[0]!["n"] !== 0; left--) {
          assert.ok(left > 0, "a session is left");
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }),
  });
}

Deno.test("a load whose outcome is unknown stays so after the time", async () => {
  const never = new AbortController().signal;
  using limit = limitTime({ stream: { timeout_seconds: 0.001 } as never }, never);
  await new Promise((resolve) => limit.signal.addEventListener("abort", resolve));
  const unknown = new UnknownOutcomeError("x");
  assert.equal(limit.explain(unknown), unknown);
  assert.match(String(limit.explain(new Error("x"))), /longer than 0\.001 s/);
});

Deno.test("without a limit, or in time, errors are what they are", () => {
  const { signal } = new AbortController();
  const error = new Error("x");
  using none = limitTime({ stream: {} as never }, signal);
  using long = limitTime({ stream: { timeout_seconds: 100 } as never }, signal);
  assert.equal(none.signal, signal);
  assert.deepEqual([none.explain(error), long.explain(error)], [error, error]);
});
