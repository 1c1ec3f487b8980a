/** What the host takes of the answers of workers, and of workers of untrusted code. */
import assert from "node:assert/strict";
import { CHECKS } from "../../src/runner/worker/reply_schemas.ts";
import { isFromThread, toError } from "../../src/sandbox/messages.ts";

const FIELD = { name: "id", dtype: "int64", nullable: false };
const LONG = "x".repeat(100_000);

for (
  const target_type of [
    ...["bigint REFERENCES victim", "int UNIQUE", "int DEFAULT 1", 'text COLLATE "C"'],
    ...["int; drop table t", "bigint", LONG, 7, null, { toString: "bigint" }],
  ]
) {
  const shown = JSON.stringify(target_type).slice(0, 40);
  Deno.test(`untrusted code says no target_type, neither ${shown}`, () => {
    const field = { ...FIELD, target_type };
    assert.deepEqual(CHECKS.answer("getStreamFields", [field], true), [FIELD]);
    assert.deepEqual(CHECKS.answer("openTransforms", [field], true), [FIELD]);
    const stream = { name: "t", source: { type: "relation", name: "t" } };
    const streams = CHECKS.answer("discover", [{ ...stream, fields: [field] }], true);
    assert.deepEqual(streams, [{ ...stream, fields: [FIELD] }]);
  });
}

Deno.test("a field that says nothing of its target is taken as it is", () => {
  assert.deepEqual(CHECKS.answer("getStreamFields", [FIELD], true), [FIELD]);
  assert.equal(CHECKS.answer("getStreamFields", undefined, true), undefined);
});

Deno.test("dxt's own providers may say a target_type", () => {
  const field = { ...FIELD, target_type: "bigint" };
  assert.deepEqual(CHECKS.answer("getStreamFields", [field], false), [field]);
});

Deno.test("texts for people are cut", () => {
  const load = CHECKS.answer("load", { rows: 1, evidence: LONG }, true) as { evidence: string };
  assert.equal(load.evidence.length, 10_001);
  const access = CHECKS.answer("checkRead", { action: LONG, problems: [LONG] }, true) as {
    action: string;
    problems: string[];
  };
  assert.deepEqual([access.action, ...access.problems].map(({ length }) => length), [
    10_001,
    10_001,
  ]);
  const error = toError({ name: "DXTError", message: LONG, stack: LONG });
  assert.equal(error.message.length, 10_001);
  assert.equal(error.stack?.length, 10_001);
});

const INFO = {
  name: "pages",
  category: "webapi",
  connectionsPerThread: 1,
  extractors: { E: { yields: "records" } },
  loaders: {},
};

const REFUSED: Readonly<Record<string, readonly [job: string, answer: unknown]>> = {
  "a name that steers a terminal": ["describe", { ...INFO, name: "\x1b[2J" }],
  "a name of several lines": ["describe", { ...INFO, name: "a\nb" }],
  "a name that turns the direction of text": ["describe", { ...INFO, name: "a\u202eb" }],
  "a name without an end": ["describe", { ...INFO, name: LONG }],
  "a class whose name is no word": ["describe", { ...INFO, extractors: { "a b": {} } }],
  "a class whose name has no end": [
    "describe",
    { ...INFO, extractors: { [LONG]: { yields: "records" } } },
  ],
  "a staged file outside of its stage": ["extract", {
    files: [{ name: "../x", rows: 1, size: 1, sha256: "0".repeat(64) }],
    count: 1,
    evidence: "",
    max: null,
    nulls: 0,
  }],
  "a part that is no plain record": ["partition", { parts: [{ sql: { a: 1 } }] }],
  "rows that are none": ["load", { rows: -1, evidence: "" }],
};

for (const [name, [job, answer]] of Object.entries(REFUSED)) {
  Deno.test(`${name} is refused`, () => {
    assert.throws(() => CHECKS.answer(job, answer, true), /^\w+Error: Cannot use what a worker/);
  });
}

Deno.test("a marked value is restored, and one that is none of its class is refused", () => {
  const answer = (max: unknown) => CHECKS.answer("getMaxWatermark", max, true);
  const date = answer({ "dxt:value": "PlainDate", text: "2024-02-29" });
  assert.ok(date instanceof Temporal.PlainDate);
  for (const value of [1, 2n, "x", true, Infinity]) assert.equal(answer(value), value);
  for (
    const wrong of [
      { "dxt:value": "PlainDate", text: "2024-02-30" },
      { "dxt:value": "constructor", text: "x" },
      { "dxt:value": "object", object: {} },
      null,
    ]
  ) {
    assert.throws(() => answer(wrong), /^ConnectorError: Cannot use what a worker/);
  }
});

Deno.test("an error is reported by the name of a class alone", () => {
  const message = (name: unknown) => ({ type: "failed", id: 1, error: { name, message: "m" } });
  assert.equal(isFromThread(message("LoaderError")), true);
  assert.equal(isFromThread(message(undefined)), true);
  for (const name of ["\x1b[2J", "a b", "", "a\n", LONG, 7]) {
    assert.equal(isFromThread(message(name)), false, String(name));
  }
});

Deno.test("a plan says whether it changes columns, and which it could widen", () => {
  const column = { field: FIELD, type: "integer", conversion: { kind: "lossy" }, widens: true };
  const plan = {
    ...{ exists: true, changes: true, columns: [column] },
    ...{ statements: [], destructive: [], problems: [] },
  };
  assert.deepEqual(CHECKS.answer("plan", plan, false), plan);
});
