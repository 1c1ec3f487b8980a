import assert from "node:assert/strict";
import { join } from "node:path";
import { RunLog } from "../../src/cli/log.ts";
import { maskOf, maskStrings } from "../../src/cli/mask.ts";
import type { RunEvent } from "../../src/runner/mod.ts";
import { withFolder } from "../support/run.ts";
import { streamResult } from "./fakes.ts";

const EVENTS: readonly RunEvent[] = [
  { type: "stream_started", stream: "orders", at: "2025-03-01T06:00:00Z" },
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
    const masked = (value: unknown) => maskStrings(value, maskOf(["s3cret"]));
    for (const events of [EVENTS.slice(0, 1), EVENTS.slice(1)]) {
      using log = new RunLog({ file, ...(level === undefined ? {} : { level }) }, "shop", masked);
      for (const event of events) log.onEvent(event);
    }
    const text = await Deno.readTextFile(file);
    return text.trimEnd().split("\n").map((line) => JSON.parse(line));
  });
}

Deno.test("each run appends a line of JSON for each event, secrets masked", async () => {
  const lines = await logged();
  assert.deepEqual(lines.map(({ level, pipeline, event }) => [level, pipeline, event]), [
    ["info", "shop", "stream_started"],
    ["warning", "shop", "warning"],
    ["error", "shop", "stream_finished"],
  ]);
  assert.equal(lines[1]!["message"], "the word is ***");
  assert.match(String(lines[0]!["time"]), /^\d{4}-\d\d-\d\dT/);
});

Deno.test("the level decides what is logged", async () => {
  assert.deepEqual((await logged("error")).map(({ event }) => event), ["stream_finished"]);
  assert.equal((await logged("debug")).length, EVENTS.length);
});

Deno.test("without a file nothing is logged, a file that cannot be is an error", () => {
  using log = new RunLog({}, "shop", (value) => value);
  log.onEvent(EVENTS[0]!);
  assert.throws(
    () => new RunLog({ file: "/dev/null/log" }, "shop", (value) => value),
    /Cannot write the log "\/dev\/null\/log"/,
  );
});
