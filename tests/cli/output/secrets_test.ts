import assert from "node:assert/strict";
import fc from "fast-check";
import { ConnectionError } from "../../../src/core/errors.ts";
import { createMask, maskStrings } from "../../../src/cli/output/secret_mask.ts";
import { dxt, type FakeBehaviour, fakeEngine, runResult, streamResult } from "../fakes.ts";

const SECRET = 'pa"ss/w\u00f6rd@1';
const FORMS = [SECRET, encodeURIComponent(SECRET), JSON.stringify(SECRET).slice(1, -1)];
const said = FORMS.join(" | ");

function assertHidden(text: string): void {
  for (const form of FORMS) assert.ok(!text.includes(form), text);
  assert.ok(text.includes("***"), text);
}

const TELLING: FakeBehaviour = {
  secrets: ["wo", "ss/w", SECRET],
  run({ onEvent }) {
    const result = streamResult("orders", {
      status: "failed",
      warnings: [said],
      stage: said,
      error: { type: "LoaderError", message: `Cannot load: ${said}` },
    });
    onEvent({ type: "stream_started", stream: "orders" });
    onEvent({ type: "warning", stream: "a", message: said });
    onEvent({ type: "stream_finished", stream: "orders", result });
    return runResult([result], "failed");
  },
};

Deno.test("no secret is printed by a run, whatever the verbosity", async () => {
  for (const options of ["", " --quiet", " --verbose"]) {
    const { out, err } = await dxt(`run a.yaml${options}`, { engine: fakeEngine(TELLING) });
    assertHidden(out);
    assertHidden(err);
    if (options === " --quiet") assertHidden(JSON.parse(out).streams[0].error.message);
  }
});

Deno.test("no secret is printed by an error, its stack, a list or a validation", async () => {
  const fail = () => {
    throw new ConnectionError(`Cannot connect: ${said}`);
  };
  const engine = fakeEngine({ secrets: [SECRET], run: fail, check: fail });
  assertHidden((await dxt("run a.yaml --verbose", { engine })).err);
  assertHidden((await dxt("validate a.yaml --verbose", { engine })).err);
  const streams = [{ id: "a", source: { type: "sql" as const, sql: `SELECT '${SECRET}'` } }];
  for (const options of ["", " --quiet"]) {
    const list = fakeEngine({ secrets: [SECRET], streams });
    assertHidden((await dxt(`list a.yaml${options}`, { engine: list })).out);
  }
});

Deno.test("a secret is masked in every form in which a text may hold it", () => {
  const secret = "it's a pa/ss \u00f6(1)!";
  const forms = [
    ...[secret, JSON.stringify(secret), JSON.stringify(JSON.stringify(secret))],
    ...[encodeURIComponent(secret), encodeURIComponent(secret).toLowerCase(), encodeURI(secret)],
    new URLSearchParams({ a: secret }).toString().replace("a=", ""),
    ...[`'${secret.replaceAll("'", "''")}'`, `'${secret.replaceAll("'", "\\'")}'`],
    `'${secret.replaceAll("'", `'\\''`)}'`,
  ];
  for (const form of forms) {
    assert.match(createMask([secret])(`x ${form} y`), /^x ["'\\]*\*\*\*["'\\]* y$/, form);
  }
});

Deno.test("the beginning of a long secret and the lines of a key are masked", () => {
  const long = "0123456789".repeat(10);
  const key = `first line of it\nsecond line of it\nend`;
  const said = createMask([long, key])(`is "${long.slice(0, 60)}…", at second line of it`);
  assert.equal(said, 'is "***…", at ***');
});

Deno.test("what looks like a secret is masked before and after secrets are known", async () => {
  const text = "cannot reach postgres://u:S3CRET@h/d?sslpassword=S3CRET, password='S3CRET'";
  const fail = () => {
    throw new ConnectionError(text);
  };
  const failed = streamResult("orders", {
    status: "failed",
    warnings: [text],
    error: { type: "LoaderError", message: text },
  });
  const behaviours: FakeBehaviour[] = [
    { load: fail },
    { run: fail },
    { secrets: ["other"], run: () => runResult([failed], "failed") },
  ];
  for (const behaviour of behaviours) {
    for (const options of ["", " --quiet", " --verbose", " --output ndjson"]) {
      const engine = fakeEngine(behaviour);
      const { out, err } = await dxt(`run a.yaml${options}`, { engine });
      assert.doesNotMatch(out + err, /S3CRET/);
      if (!/cannot reach/.test(out + err)) continue;
      assert.match(out + err, /postgres:\/\/\*\*\*@h\/d/);
    }
  }
});

Deno.test("a secret inside another one leaves nothing of the longer one", () => {
  assert.equal(createMask(["abc", "abcdef", "def"])("x abcdef abc def"), "x *** *** ***");
});

Deno.test("what is too short to be a secret is left alone", () => {
  assert.equal(createMask(["", "a", "ab"])("a b ab"), "a b ab");
});

Deno.test("no text holds a secret after it was masked", () => {
  fc.assert(fc.property(
    fc.array(fc.string({ minLength: 3, maxLength: 6 }).filter((text) => !text.includes("*"))),
    fc.string(),
    fc.string(),
    (secrets, before, after) => {
      for (const secret of secrets) {
        const masked = createMask(secrets)(before + secret + after);
        assert.ok(!masked.includes(secret));
      }
    },
  ));
});

Deno.test("names of streams stay, also where a variable has the same value", async () => {
  const secrets = ["orders", "succeeded", "append", "shop", "2025", "daily"];
  const run = () => runResult([streamResult("orders", { watermark_after: "2025-01-01" })]);
  const engine = fakeEngine({ secrets, run });
  const { out, err } = await dxt("run a.yaml", { engine });
  assert.match(out, /\norders {2}succeeded .* append {2}2025-01-01\n/);
  assert.match(err, /^shop: 1 of 1 stream /);
  const quiet = await dxt("run a.yaml -q", { engine });
  assert.deepEqual(JSON.parse(quiet.out), run());
  const list = JSON.parse((await dxt("list a.yaml -q", { engine })).out);
  assert.equal(list.streams[0].id, "orders");
  assert.equal(list.streams[0].source, "public.***");
});

Deno.test("masking a JSON value keeps its shape and its keys", () => {
  const value = { secret: ["x secret", 1, null, { a: true }] };
  assert.deepEqual(maskStrings(value, createMask(["secret"])), {
    secret: ["x ***", 1, null, { a: true }],
  });
});
