import assert from "node:assert/strict";
import { ignoreIf, notLinux } from "../../support/ignore.ts";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RunLog } from "../../../src/cli/output/run/log.ts";
import { Printer } from "../../../src/cli/output/printer.ts";
import { LogLine } from "../../../src/models/log_line.ts";
import type { RunEvent } from "../../../src/runner/mod.ts";
import { withFolder } from "../../support/run.ts";
import { dxt, eventfulRun, fakeEngine, fakeIO, runResult, streamResult } from "../fakes.ts";

const PROCESS = fileURLToPath(new URL("../dxt_process.ts", import.meta.url));

const EVENTS: readonly RunEvent[] = [
  { type: "stream_started", stream: "orders" },
  { type: "progress", stream: "orders", phase: "extract", rows: 5, bytes: 50 },
  { type: "warning", stream: "orders", message: "the word is s3cret" },
  {
    type: "stream_finished",
    stream: "orders",
    result: streamResult("orders", { status: "failed" }),
  },
];

async function logged(level?: "debug" | "error"): Promise<Record<string, unknown>[]> {
  return await withFolder(async (folder) => {
    const file = join(folder, "logs/dxt.jsonl");
    for (const events of [EVENTS.slice(0, 1), EVENTS.slice(1)]) {
      using log = new RunLog({ file, ...(level === undefined ? {} : { level }) }, {
        pipeline: "shop",
        run_id: "r1",
      }, printer);
      for (const event of events) log.onEvent(event);
    }
    const text = await Deno.readTextFile(file);
    return text.trimEnd().split("\n").map((line) => JSON.parse(line));
  });
}

const printer = new Printer(fakeIO(), { quiet: false, verbose: false });
printer.hide(["s3cret"]);

Deno.test("each run appends a line of JSON for each event, secrets masked", async () => {
  const lines = await logged();
  assert.deepEqual(lines.map(({ level, pipeline, event }) => [level, pipeline, event]), [
    ["info", "shop", "run_started"],
    ["info", "shop", "stream_started"],
    ["info", "shop", "run_started"],
    ["warning", "shop", "warning"],
    ["error", "shop", "stream_finished"],
  ]);
  assert.equal(lines[3]!["message"], "the word is ***");
  for (const { time, run_id } of lines) {
    assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.equal(run_id, "r1");
  }
});

Deno.test("the level decides what is logged", async () => {
  assert.deepEqual((await logged("error")).map(({ event }) => event), ["stream_finished"]);
  assert.equal((await logged("debug")).length, EVENTS.length + 2);
});

Deno.test("without a file nothing is logged, a file that cannot be is an error", () => {
  using log = new RunLog({}, { pipeline: "shop", run_id: "r1" }, printer);
  log.onEvent(EVENTS[0]!);
  assert.throws(
    () => new RunLog({ file: "/dev/null/log" }, { pipeline: "shop", run_id: "r1" }, printer),
    /Cannot write the log "\/dev\/null\/log"/,
  );
});

Deno.test({
  ...ignoreIf(notLinux, "a full disk is an error before anything moves"),
  async fn() {
    // The runtime asks for all permissions to write to a device.
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", PROCESS, "wait", "--log-file", "/dev/full"],
    }).output();
    assert.deepEqual([code, stdout.length], [2, 0]);
    assert.match(
      new TextDecoder().decode(stderr),
      /^error: Cannot write the log "\/dev\/full": .*No space left[^\n]*\n$/,
    );
  },
});

Deno.test("--log-file and --log-level win, and the log tells the whole of a run", async () => {
  await withFolder(async (folder) => {
    const file = join(folder, "run.jsonl");
    const args = `run a.yaml --log-file ${file} --log-level debug`;
    assert.equal((await dxt(args, { engine: fakeEngine({ run: eventfulRun }) })).code, 3);
    const lines = (await Deno.readTextFile(file)).trimEnd().split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(({ event }) => event), [
      "run_started",
      "stream_started",
      "progress",
      "phase_finished",
      "warning",
      "phase_finished",
      "stream_finished",
      "stream_started",
      "stream_finished",
      "run_finished",
    ]);
    const { rows, bytes, ms, stream, level } = lines[6];
    assert.deepEqual({ rows, bytes, ms, stream, level }, {
      rows: 1204,
      bytes: 20_480,
      ms: 2342,
      stream: "orders",
      level: "info",
    });
    assert.equal(lines.at(-1).status, "partial");
  });
});

Deno.test("an error that ends a run is in its log", async () => {
  await withFolder(async (folder) => {
    const file = join(folder, "run.jsonl");
    const engine = fakeEngine({
      secrets: ["hunter22"],
      run: () => {
        throw new TypeError("lost hunter22");
      },
    });
    await dxt(`run a.yaml --log-file ${file}`, { engine });
    const last = (await Deno.readTextFile(file)).trimEnd().split("\n").at(-1)!;
    assert.match(last, /"level":"error","event":"error".*"message":"TypeError: lost \*\*\*"/);
  });
});

Deno.test("--output ndjson is a line for each event and the result, json the result alone", async () => {
  const engine = fakeEngine({ run: eventfulRun });
  const { out } = await dxt("run a.yaml --output ndjson", { engine });
  const lines = out.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.equal(lines.length, 10);
  assert.deepEqual([lines[0].event, lines.at(-1).event], ["run_started", "run_finished"]);
  for (const line of lines) LogLine.parse(line);
  const json = await dxt("run a.yaml --output json", { engine: fakeEngine({ run: eventfulRun }) });
  const quiet = await dxt("run a.yaml --quiet", { engine: fakeEngine({ run: eventfulRun }) });
  assert.equal(json.out, quiet.out);
  assert.match(json.err, /^orders: started$/m);
  assert.doesNotMatch(quiet.err, /started/);
  const list = await dxt("list a.yaml --output ndjson");
  assert.equal(list.out.trimEnd().split("\n").length, 3);
  const run = () => runResult([streamResult("a")]);
  assert.match(
    (await dxt("run a.yaml -q -o text", { engine: fakeEngine({ run }) })).out,
    /^stream/,
  );
});
