import { LocatedError } from "../../../src/config/mod.ts";
import assert from "node:assert/strict";
import { ConfigurationError } from "../../../src/core/errors.ts";
import { dxt, fakeEngine } from "../fakes.ts";

Deno.test("a valid pipeline is reported with its number of streams", async () => {
  const engine = fakeEngine();
  assert.deepEqual(await dxt("validate shop.yaml", { engine }), {
    code: 0,
    out: "shop.yaml is valid: 3 streams\n",
    err: "",
  });
  assert.deepEqual(engine.asked.checked, ["shop.yaml"]);
  const one = fakeEngine({ streams: [{ id: "a", source: "a" }] });
  assert.equal((await dxt("validate a.yaml", { engine: one })).out, "a.yaml is valid: 1 stream\n");
});

Deno.test("wildcards are counted apart from streams", async () => {
  const streams = [{ id: "{table}", source: "sales.*" }, { id: "b", source: "b" }];
  const engine = fakeEngine({ streams });
  const { out } = await dxt("validate a.yaml", { engine });
  assert.equal(
    out,
    "a.yaml is valid: 1 stream and 1 wildcard, expanded by each run\n",
  );
  const { out: json } = await dxt("validate a.yaml -o json", { engine });
  assert.deepEqual(JSON.parse(json).pipelines, [
    { file: "a.yaml", valid: true, streams: 2, wildcards: 1, errors: [] },
  ]);
});

Deno.test("all pipelines are checked, and one wrong one is enough for 2", async () => {
  const engine = fakeEngine({
    load(path) {
      if (path === "a.yaml") throw new ConfigurationError("a.yaml:3:5: unknown key\na.yaml:9:1: x");
    },
    check(path) {
      if (path === "b.yaml") throw new ConfigurationError("b.yaml:1:1: no such class");
    },
  });
  assert.deepEqual(await dxt("validate a.yaml b.yaml c.yaml", { engine }), {
    code: 2,
    out: "c.yaml is valid: 3 streams\n",
    err: "error: a.yaml:3:5: unknown key\na.yaml:9:1: x\nerror: b.yaml:1:1: no such class\n",
  });
});

Deno.test("with --strict a warning is an error", async () => {
  const engine = fakeEngine({ warnings: ['variable "A" is set but not used'] });
  assert.equal((await dxt("validate a.yaml", { engine })).code, 0);
  const { code, out, err } = await dxt("validate a.yaml --strict", { engine });
  assert.deepEqual([code, out], [2, ""]);
  assert.equal(
    err,
    'warning: variable "A" is set but not used\n' +
      'error: Cannot accept "a.yaml": it has 1 warning, but --strict allows none\n',
  );
});

Deno.test("as JSON each mistake has its place", async () => {
  const engine = fakeEngine({
    load(path) {
      if (path !== "b.yaml") return;
      throw new LocatedError([
        { file: "b.yaml", line: 3, column: 5, message: "unknown key", excerpt: "" },
      ]);
    },
  });
  const { code, out } = await dxt("validate a.yaml b.yaml --output json", { engine });
  assert.equal(code, 2);
  assert.deepEqual(JSON.parse(out), {
    pipelines: [
      { file: "a.yaml", valid: true, streams: 3, errors: [] },
      {
        file: "b.yaml",
        valid: false,
        errors: [{ file: "b.yaml", line: 3, column: 5, message: "unknown key" }],
      },
    ],
  });
});
