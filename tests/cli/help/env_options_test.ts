import assert from "node:assert/strict";
import { dxt, fakeEngine, fakeIO } from "../fakes.ts";

/** What reaches the runner, and what is printed, with these variables. */
async function withVariables(env: Record<string, string>, args = "run a.yaml") {
  const engine = fakeEngine();
  const result = await dxt(args, { engine, io: fakeIO({ env }) });
  return { ...result, run: engine.asked.run, load: engine.asked.load as { vars: unknown } };
}

Deno.test("each option is a variable, too", async () => {
  const { run, load, out, err } = await withVariables({
    DXT_THREADS: "3",
    DXT_SELECT: "tag:daily",
    DXT_FAIL_FAST: "true",
    DXT_QUIET: "1",
    DXT_VAR: "A=1\nB=a=b",
  });
  const { threads, select, failFast, fullRefresh } = run!;
  assert.deepEqual({ threads, select, failFast, fullRefresh }, {
    threads: 3,
    select: "tag:daily",
    failFast: true,
    fullRefresh: false,
  });
  assert.deepEqual(load.vars, { A: "1", B: "a=b" });
  assert.equal(JSON.parse(out).pipeline, "shop");
  assert.equal(err, "");
});

Deno.test("the command line wins over the variable", async () => {
  const env = { DXT_THREADS: "3", DXT_SELECT: "a", DXT_VAR: "A=1", DXT_OUTPUT: "json" };
  const args = "run a.yaml --threads=5 -s b --var A=2 --output text";
  const { run, load, out } = await withVariables(env, args);
  assert.deepEqual([run!.threads, run!.select, load.vars], [5, "b", { A: "2" }]);
  assert.match(out, /^stream/);
});

Deno.test("an empty variable, and a switch that is off, say nothing", async () => {
  const { run, code } = await withVariables({ DXT_THREADS: "", DXT_FAIL_FAST: "0" });
  assert.equal(code, 0);
  assert.deepEqual([run!.threads, run!.failFast], [undefined, undefined]);
});

Deno.test("a variable of an option that the command does not have is left alone", async () => {
  assert.equal((await withVariables({ DXT_THREADS: "3" }, "list a.yaml")).code, 0);
});

Deno.test("variables of a stream without a file mean nothing beside a file", async () => {
  const env = { DXT_FROM: "a.csv", DXT_SOURCE: "postgres://host/db", DXT_MODE: "replace" };
  assert.equal((await withVariables(env, "run --threads 2 a.yaml")).code, 0);
  const { code, err } = await withVariables(env, "run --threads 2");
  assert.deepEqual([code, err.split("\n")[0]], [
    2,
    "error: Cannot run without a PIPELINE: --to is missing",
  ]);
});

for (
  const [env, message] of [
    [
      { DXT_THREADS: "many" },
      'Cannot use variable DXT_THREADS "many": expected a valid integer',
    ],
    [
      { DXT_THREADS: "2", DXT_LOG_LEVEL: "loud" },
      'Cannot use variable DXT_LOG_LEVEL "loud": expected one of "debug", "info", "warning", and "error"',
    ],
    [
      { DXT_QUIET: "maybe" },
      'Cannot use variable DXT_QUIET "maybe": expected 1 or 0',
    ],
  ] as [Record<string, string>, string][]
) {
  Deno.test(`a wrong value names its variable: ${JSON.stringify(env)}`, async () => {
    const { code, out, err } = await withVariables(env);
    assert.deepEqual({ code, out, err }, { code: 2, out: "", err: `error: ${message}\n` });
  });
}

Deno.test("--color decides over NO_COLOR and over the terminal", async () => {
  // deno-lint-ignore no-control-regex
  const isColoured = (text: string) => /\u001b\[/.test(text);
  const coloured = async (args: string, env: Record<string, string>, isTerminal: boolean) =>
    isColoured((await dxt(args, { io: fakeIO({ env, isTerminal }) })).out);
  assert.equal(await coloured("run a.yaml --color always", { NO_COLOR: "1" }, false), true);
  assert.equal(await coloured("run a.yaml --color=never", {}, true), false);
  assert.equal(await coloured("run a.yaml --color auto", {}, true), true);
  assert.equal(await coloured("run a.yaml", { DXT_COLOR: "never" }, true), false);
  assert.equal(await coloured("run --help", { DXT_COLOR: "never" }, true), false);
});
