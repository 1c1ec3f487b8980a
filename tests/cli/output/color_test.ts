import assert from "node:assert/strict";
import { dxt, eventfulRun, fakeEngine, fakeIO } from "../fakes.ts";

/** Environment, whether the outputs are terminals, whether there is colour. */
const CASES: readonly [Record<string, string>, boolean, boolean][] = [
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: "1" }, true, false],
  [{ NO_COLOR: "" }, true, true],
  [{ FORCE_COLOR: "1" }, false, true],
  [{ FORCE_COLOR: "0" }, true, false],
  [{ FORCE_COLOR: "" }, false, false],
  [{ FORCE_COLOR: "1", NO_COLOR: "1" }, true, false],
  [{ TERM: "dumb" }, true, false],
];

for (const [env, isTerminal, expected] of CASES) {
  const where = isTerminal ? "on a terminal" : "in a pipe";
  const with_ = Object.entries(env).map(([name, value]) => `${name}="${value}"`).join(" ");
  Deno.test(`there is ${expected ? "" : "no "}colour ${where} ${with_}`, async () => {
    for (const args of ["run a.yaml", "run --help", "run"]) {
      const io = fakeIO({ env, isTerminal });
      const { out, err } = await dxt(args, { io, engine: fakeEngine({ run: eventfulRun }) });
      // deno-lint-ignore no-control-regex
      assert.equal(/\u001b\[[\d;]+m/.test(out + err), expected, args);
      // deno-lint-ignore no-control-regex
      assert.doesNotMatch((out + err).replaceAll(/\u001b\[[\d;]+m|\n/g, ""), /[\u0000-\u001f]/);
    }
  });
}

Deno.test("colour changes no column of a table", async () => {
  const plain = await dxt("run a.yaml", { engine: fakeEngine({ run: eventfulRun }) });
  const io = fakeIO({ isTerminal: true, columns: 200 });
  const { out } = await dxt("run a.yaml", { io, engine: fakeEngine({ run: eventfulRun }) });
  // deno-lint-ignore no-control-regex
  assert.equal(out.replaceAll(/\u001b\[[\d;]+m/g, ""), plain.out);
});

Deno.test("JSON is never coloured", async () => {
  const io = fakeIO({ isTerminal: true, env: { FORCE_COLOR: "1" } });
  const { out } = await dxt("run a.yaml --quiet", { io });
  JSON.parse(out);
});
