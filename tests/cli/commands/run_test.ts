import assert from "node:assert/strict";
import { ConfigurationError, ConnectionError, SelectorError } from "../../../src/core/errors.ts";
import { FailedResult, RunResult } from "../../../src/models/result.ts";
import { VerifyLevel } from "../../../src/models/stream.ts";
import type { RunOptions } from "../../../src/runner/mod.ts";
import { golden } from "../../support/golden.ts";
import { dxt, eventfulRun, fakeEngine, fakeIO, runResult, streamResult } from "../fakes.ts";

Deno.test("a run prints a table to stdout and what happens to stderr", async () => {
  const { code, out, err } = await dxt("run shop.yaml", {
    engine: fakeEngine({ run: eventfulRun }),
  });
  assert.equal(code, 3);
  await golden("run_table.txt", out);
  await golden("run_progress.txt", err);
});

Deno.test("with --verbose each step is reported", async () => {
  const engine = fakeEngine({ run: eventfulRun });
  const { err } = await dxt("run shop.yaml --verbose", { engine });
  await golden("run_verbose.txt", err);
});

Deno.test("with --quiet stdout is one JSON document, stderr warnings and errors", async () => {
  const engine = fakeEngine({ run: eventfulRun });
  const { code, out, err } = await dxt("run shop.yaml --quiet", { engine });
  assert.equal(code, 3);
  assert.deepEqual(
    RunResult.parse(JSON.parse(out)),
    eventfulRun({ ...engine.asked.run!, onEvent() {} }),
  );
  assert.equal(out.split("\n").length, 2);
  await golden("run_quiet.txt", err);
});

Deno.test("an extract tells where the stage is, a load does not tell of the source", async () => {
  const run = () =>
    runResult([streamResult("orders", { stage: ".dxt/stage/shop/orders" }), streamResult("a")]);
  await golden(
    "extract_table.txt",
    (await dxt("extract a.yaml", { engine: fakeEngine({ run }) })).out,
  );
  await golden("load_table.txt", (await dxt("load a.yaml", { engine: fakeEngine({ run }) })).out);
});

Deno.test("each command tells of what it did, and not of the other phase", async () => {
  const run = ({ onEvent }: RunOptions) => {
    const result = streamResult("a", { rows_extracted: 3, rows_loaded: 2 });
    onEvent?.({ type: "stream_finished", stream: "a", result });
    return runResult([result]);
  };
  const told = async (command: string) => {
    const { err } = await dxt(`${command} a.yaml`, { engine: fakeEngine({ run }) });
    return /^a: (.*), [^,]+$/m.exec(err)?.[1];
  };
  assert.equal(await told("run"), "succeeded, 3 rows extracted, 2 rows loaded");
  assert.equal(await told("extract"), "succeeded, 3 rows extracted");
  assert.equal(await told("load"), "succeeded, 2 rows loaded");
});

Deno.test("what is odd about a pipeline is a warning, also with --quiet", async () => {
  const engine = fakeEngine({ warnings: ['variable "A" is set but not used'] });
  for (const command of ["list", "validate", "run --quiet"]) {
    const { code, err } = await dxt(`${command} a.yaml`, { engine });
    assert.equal(code, 0);
    assert.match(err, /^warning: variable "A" is set but not used$/m);
  }
});

Deno.test("each command asks for its phase, with what was given and nothing else", async () => {
  for (const phase of ["run", "extract", "load"] as const) {
    const engine = fakeEngine();
    await dxt(`${phase} shop.yaml`, { engine });
    const { signal, onEvent, onResult, runId, ...asked } = engine.asked.run!;
    assert.ok(signal instanceof AbortSignal);
    assert.match(runId!, /^[\da-f-]{36}$/);
    assert.deepEqual([typeof onEvent, typeof onResult], ["function", "function"]);
    assert.deepEqual(asked, { phase, mayExplore: true });
    assert.equal(engine.asked.path, "shop.yaml");
  }
});

Deno.test("options reach the runner and the configuration", async () => {
  const engine = fakeEngine();
  const io = fakeIO({ env: { HOME: "/home/a" } });
  const args =
    "run shop.yaml -s tag:a+b,c -x d --full-refresh --fail-fast --env-file x.env --var A=1 --var B=c=d";
  assert.equal((await dxt(args, { engine, io })).code, 0);
  const { phase, select, exclude, fullRefresh, failFast } = engine.asked.run!;
  assert.deepEqual(
    { phase, select, exclude, fullRefresh, failFast },
    { phase: "run", select: "tag:a+b,c", exclude: "d", fullRefresh: true, failFast: true },
  );
  const bounded = fakeEngine();
  assert.equal((await dxt("run a.yaml --max-rows 10 --max-bytes 0", { engine: bounded })).code, 0);
  const { maxRows, maxBytes } = bounded.asked.run!;
  assert.deepEqual([maxRows, maxBytes], [10, 0]);
  for (const verify of VerifyLevel.options) {
    for (const command of ["run", "load"] as const) {
      const verified = fakeEngine();
      assert.equal(
        (await dxt(`${command} a.yaml --verify ${verify}`, { engine: verified })).code,
        0,
      );
      assert.equal(verified.asked.run!.verify, verify);
    }
  }
  assert.equal((await dxt("run a.yaml --verify all")).code, 2);
  assert.deepEqual(engine.asked.load, {
    env: { HOME: "/home/a" },
    envFile: "x.env",
    vars: { A: "1", B: "c=d" },
  });
});

const failed = (type: string) =>
  streamResult("b", { status: "failed", error: { type, message: "no" } });

/** What the run says, the exit code. */
const CODES: readonly [string, RunResult, number][] = [
  ["succeeded", runResult([streamResult("a")]), 0],
  ["failed", runResult([failed("LoaderError")], "failed"), 1],
  ["failed in part", runResult([streamResult("a"), failed("ConnectionError")], "partial"), 3],
  [
    "found unexpected data",
    runResult([failed("ConnectionError"), failed("ExpectationError")], "failed"),
    5,
  ],
  ["did not agree", runResult([failed("VerificationError")], "failed"), 4],
  [
    "did not agree in part",
    runResult([streamResult("a"), failed("VerificationError")], "partial"),
    4,
  ],
  ["was cancelled", runResult([streamResult("a", { status: "cancelled" })], "cancelled"), 130],
];

for (const [name, result, expected] of CODES) {
  Deno.test(`a run that ${name} ends with ${expected}`, async () => {
    for (const options of ["", " --quiet"]) {
      const engine = fakeEngine({ run: () => result });
      assert.equal((await dxt(`run a.yaml${options}`, { engine })).code, expected);
    }
  });
}

/** What is thrown, the exit code, what is printed. */
const THROWN: readonly [Error, number, string][] = [
  [new ConfigurationError("a.yaml:3:5: unknown key"), 2, "error: a.yaml:3:5: unknown key\n"],
  [new SelectorError('Cannot select "x"'), 2, 'error: Cannot select "x"\n'],
  [new ConnectionError("Cannot connect"), 1, "error: Cannot connect\n"],
  [new TypeError("x is not a function"), 1, "error: TypeError: x is not a function\n"],
];

for (const [error, code, printed] of THROWN) {
  Deno.test(`${error.name} ends with ${code}, without a stack`, async () => {
    const engine = fakeEngine({
      run: () => {
        throw error;
      },
    });
    assert.deepEqual(await dxt("run a.yaml", { engine }), { code, out: "", err: printed });
    const quiet = await dxt("run a.yaml --quiet", { engine });
    assert.deepEqual([quiet.code, quiet.err], [code, printed]);
    const { status, run_id, error: told, streams } = FailedResult.parse(JSON.parse(quiet.out));
    assert.match(run_id!, /^[\da-f-]{36}$/);
    assert.deepEqual([status, told.type, streams], ["failed", error.name, []]);
    assert.equal(printed, `error: ${told.message}\n`);
    assert.deepEqual(await dxt("run a.yaml --silent", { engine }), { code, out: "", err: printed });
  });
}

Deno.test("with --verbose the stack of an error and of its cause is reported", async () => {
  const engine = fakeEngine({
    run: () => {
      throw new ConnectionError("outer", { cause: new TypeError("inner") });
    },
  });
  const { err } = await dxt("run a.yaml --verbose", { engine });
  assert.match(err, /^error: outer\n/);
  assert.match(err, /ConnectionError: outer\n\s+at /);
  assert.match(err, /TypeError: inner\n\s+at /);
});

Deno.test("an error is one paragraph", async () => {
  const engine = fakeEngine({
    load: () => {
      throw new ConfigurationError("one\n\n  two\n\n\nthree\n");
    },
  });
  assert.equal((await dxt("run a.yaml", { engine })).err, "error: one\n  two\nthree\n");
});

Deno.test("a load that failed after staging says how to go on", async () => {
  const engine = fakeEngine({ run: eventfulRun });
  const { err } = await dxt("run shop.yaml", { engine });
  assert.match(err, /dxt load shop\.yaml --select totals\n/);
  assert.match(
    err,
    /fix the cause, then run the other streams with: dxt run shop\.yaml --select '商品'\n$/,
  );
  const run = () =>
    runResult([streamResult("it's", { status: "failed", stage: "s" }), streamResult("b")]);
  assert.match(
    (await dxt("run a$b.yaml", { engine: fakeEngine({ run }) })).err,
    /dxt load 'a\$b\.yaml' --select 'it'\\''s'\n$/,
  );
});
