/** What programs read: one JSON document whatever happens, and lines of the log on stderr. */
import assert from "node:assert/strict";
import { ConfigurationError } from "../../../src/core/errors.ts";
import { LogLine } from "../../../src/models/log_line.ts";
import { FailedResult, RunResult } from "../../../src/models/result.ts";
import { LocatedError } from "../../../src/config/text/issues.ts";
import { dxt, eventfulRun, fakeEngine, fakeIO, runResult, streamResult } from "../fakes.ts";

/** Command lines that end before they have a result, in every spelling of the option. */
const FAILING = [
  "run --quiet --nope",
  "run -q",
  "run -q a.yaml --threads x",
  "run -o json a.yaml b.yaml",
  "nope --output=json",
  "list -q",
];

for (const args of FAILING) {
  Deno.test(`dxt ${args} prints one JSON document`, async () => {
    const { code, out, err } = await dxt(args);
    assert.equal(code, 2);
    const { status, error } = FailedResult.parse(JSON.parse(out));
    assert.equal(status, "failed");
    assert.equal(err.replace("error: ", ""), `${error.message}\n`);
  });
}

Deno.test("a completion script is a document, too", async () => {
  const { shell, script } = JSON.parse((await dxt("completions zsh -q")).out);
  assert.equal(shell, "zsh");
  assert.equal(script, (await dxt("completions zsh")).out.trimEnd());
});

Deno.test("variables also select the document", async () => {
  for (const env of [{ DXT_QUIET: "1" }, { DXT_OUTPUT: "json" }]) {
    const io = fakeIO({ env: { ...env } as Record<string, string> });
    FailedResult.parse(JSON.parse((await dxt("run", { io })).out));
  }
});

Deno.test("a mistake in a file has its place in the document", async () => {
  const engine = fakeEngine({
    load() {
      const issue = { file: "a.yaml", line: 3, column: 5, message: "unknown key", excerpt: "" };
      throw new LocatedError([issue, { ...issue, line: 9 }]);
    },
  });
  const { error } = FailedResult.parse(JSON.parse((await dxt("run a.yaml -q", { engine })).out));
  assert.deepEqual(error, {
    type: "LocatedError",
    message: "a.yaml:3:5: unknown key\na.yaml:9:5: unknown key",
    file: "a.yaml",
    line: 3,
    column: 5,
  });
});

Deno.test("secrets are masked in the document", async () => {
  const engine = fakeEngine({
    secrets: ["hunter22"],
    run() {
      throw new ConfigurationError("lost hunter22");
    },
  });
  const { out } = await dxt("run a.yaml -q", { engine });
  assert.equal(JSON.parse(out).error.message, "lost ***");
});

Deno.test("a crash after the result adds no second document", async () => {
  const io = fakeIO();
  const engine = fakeEngine({
    run({ onResult }) {
      const result = runResult([streamResult("a")]);
      onResult?.(result);
      io.crash(new TypeError("late"));
      return result;
    },
  });
  await dxt("run a.yaml -q", { io, engine });
  RunResult.parse(JSON.parse(io.out));
});

Deno.test("signals end with one document: a cancelled run, or the signal's error", async () => {
  for (const [code, signal] of [[130, "SIGINT"], [143, "SIGTERM"]] as const) {
    const io = fakeIO();
    const engine = fakeEngine({
      run: ({ signal: aborted }) => {
        io.send(signal);
        aborted.throwIfAborted();
        return runResult([]);
      },
    });
    const stopped = await dxt("run a.yaml -q", { io, engine });
    assert.equal(stopped.code, code);
    const { status, error } = FailedResult.parse(JSON.parse(stopped.out));
    assert.deepEqual([status, error.type], ["cancelled", "InterruptedError"]);
    assert.equal(error.message, `Cannot complete the command: ${signal} stopped it`);

    const twice = fakeIO();
    const stubborn = fakeEngine({
      run: () => {
        twice.send(signal);
        twice.send(signal);
        return runResult([]);
      },
    });
    await dxt("run a.yaml -q", { io: twice, engine: stubborn }).catch(() => {});
    assert.equal(FailedResult.parse(JSON.parse(twice.out)).status, "cancelled");
  }
});

Deno.test("--silent prints nothing, or the error alone", async () => {
  const engine = fakeEngine({ warnings: ["odd"] });
  assert.deepEqual(await dxt("run a.yaml -qq", { engine }), { code: 0, out: "", err: "" });
  const failing = fakeEngine({ run: eventfulRun });
  const { code, out, err } = await dxt("run a.yaml -qq", { engine: failing });
  assert.deepEqual([code, out], [3, ""]);
  assert.match(err, /^error: [^\n]*disk full\n$/);
});

Deno.test("--log-format json makes every line of stderr a line of the log", async () => {
  const lines = async (args: string, engine = fakeEngine({ run: eventfulRun })) => {
    const { err } = await dxt(args, { engine });
    return err.trimEnd().split("\n").map((line) => LogLine.parse(JSON.parse(line)));
  };
  const all = await lines("run a.yaml --log-format json --log-level debug");
  assert.deepEqual(all.slice(0, 5).map(({ event }) => event), [
    "run_started",
    "stream_started",
    "progress",
    "phase_finished",
    "warning",
  ]);
  assert.equal(new Set(all.map(({ run_id }) => run_id)).size, 1);
  const severe = await lines("run a.yaml --log-format json --log-level error");
  assert.deepEqual(severe.map(({ event }) => event), ["stream_finished", "run_finished"]);
  const broken = await lines("run --log-format json --nope");
  assert.deepEqual(broken.map(({ level }) => level), ["error"]);
});

Deno.test("progress is logged at most twice a second for each phase of a stream", async () => {
  const engine = fakeEngine({
    run({ onEvent }) {
      for (const stream of ["a", "b"]) {
        for (let rows = 0; rows < 100; rows++) {
          onEvent({ type: "progress", stream, phase: "extract", rows, bytes: 0 });
        }
      }
      return runResult([]);
    },
  });
  const { out } = await dxt("run a.yaml -o ndjson", { engine });
  assert.equal(out.match(/"event":"progress"/g)?.length, 2);
});
