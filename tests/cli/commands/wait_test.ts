/** `--wait`, with and without a duration, on the command line and as a variable. */
import assert from "node:assert/strict";
import { dxt, fakeEngine, fakeIO } from "../fakes.ts";

async function waitOf(args: string, env: Record<string, string> = {}) {
  const engine = fakeEngine();
  const { code, err } = await dxt(args, { engine, io: fakeIO({ env }) });
  return { code, err, waitMs: engine.asked.run?.waitMs };
}

const WAITS: readonly (readonly [string, Record<string, string>, number | undefined])[] = [
  ["run a.yaml", {}, undefined],
  ["run a.yaml --wait", {}, Infinity],
  ["run --wait a.yaml", {}, Infinity],
  ["run --wait -q a.yaml", {}, Infinity],
  ["extract a.yaml --wait", {}, Infinity],
  ["load a.yaml --wait 30s", {}, 30_000],
  ["run --wait 10m a.yaml", {}, 600_000],
  ["run a.yaml --wait=1.5h", {}, 5_400_000],
  ["run a.yaml --wait=2d", {}, 172_800_000],
  ["run a.yaml", { DXT_WAIT: "45s" }, 45_000],
  ["run a.yaml", { DXT_WAIT: "1" }, Infinity],
  ["run a.yaml --wait=5s", { DXT_WAIT: "45s" }, 5000],
];

for (const [args, env, waitMs] of WAITS) {
  Deno.test(`dxt ${args} with ${JSON.stringify(env)} waits ${waitMs} ms`, async () => {
    const found = await waitOf(args, env);
    assert.deepEqual([found.code, found.waitMs], [0, waitMs], found.err);
  });
}

Deno.test("what is no duration is refused before anything runs", async () => {
  for (const text of ["10", "m", "-1s", "10 m", "10M", "PT", "soon"]) {
    const { code, err, waitMs } = await waitOf("run a.yaml", { DXT_WAIT: text });
    assert.deepEqual([code, waitMs], [2, undefined], text);
    assert.match(err, new RegExp(`Cannot wait "${RegExp.escape(text)}": expected a duration such`));
  }
});
