import assert from "node:assert/strict";
import fc from "fast-check";
import type { Action } from "../../../src/cli/app/context.ts";
import { optionVariable } from "../../../src/cli/help/env_options.ts";
import { parseFast } from "../../../src/cli/fast_parse.ts";
import { Printer } from "../../../src/cli/output/printer.ts";
import { parseArguments } from "../../../src/cli/parse.ts";
import { readPage } from "../../../src/cli/help/command_pages.ts";
import { fakeEngine, fakeIO } from "../fakes.ts";

const PLAIN = ["list", "run", "extract", "load"];

const word = fc.constantFrom(
  ...["shop.yaml", "orders", "tag:daily", "json", "ndjson", "", "-", "--", "a=b", "商品", "ordres"],
);
const option = fc.constantFrom(
  ...["-s", "--select", "-x", "--exclude", "-o", "--output", "-q", "--quiet", "-v", "--verbose"],
  ...["--select=orders", "-qv", "-ojson", "--env-file", "--var", "--color", "--help", "-h"],
  ...["--full-refresh", "--threads", "--from"],
);

for (const command of PLAIN) {
  Deno.test(`${command}: what is read without the parser is what the parser reads`, async () => {
    let read = 0;
    const args = fc.array(fc.oneof(word, option), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(args, async (args) => {
        const action = parseFast([command, ...args], {});
        if (action === undefined) return;
        read++;
        const io = fakeIO();
        const parsed = await parseArguments([command, ...args], io);
        assert.ok(parsed !== undefined, io.out);
        const { quiet, verbose, output, color } = parsed.verbosity;
        assert.deepEqual({ ...action.verbosity, color: undefined }, {
          quiet,
          verbose,
          output,
          color,
        });
        assert.deepEqual(await done(action), await done(parsed));
      }),
      { numRuns: 3000 },
    );
    assert.ok(read > 20, `only ${read} were read`);
  });
}

/** What an action asks and prints, or the error that it throws. */
async function done({ verbosity, act }: Action) {
  const [io, engine] = [fakeIO(), fakeEngine()];
  try {
    const code = await act({ io, engine, printer: new Printer(io, verbosity) });
    const { run, use = {}, ...asked } = engine.asked;
    const { runId: _own, ...options } = run ?? {};
    // Lines of ndjson have a time and the id of the run.
    const out = io.out.replace(/"(time|run_id)":"[^"]*"/g, "");
    return [code, out, io.err, asked, said(options), said(use)];
  } catch (error) {
    return (error as Error).message;
  }
}

/** Without what is new in each run, and switches that are off. */
function said(asked: object): unknown {
  const entries = Object.entries(asked).filter(([, value]) =>
    value !== false && typeof value !== "function" && !(value instanceof AbortSignal)
  );
  return JSON.parse(JSON.stringify(Object.fromEntries(entries)));
}

Deno.test("a variable that says an option is left to the parser", () => {
  const env = { DXT_OTHER: "1", DXT_QUIET: "" };
  for (const command of PLAIN) {
    assert.ok(parseFast([command, "a.yaml"], env) !== undefined);
    const names = readPage(command)!.options.map(({ names }) => optionVariable(names));
    assert.ok(names.includes("DXT_SELECT"));
    for (const name of names) {
      assert.equal(parseFast([command, "a.yaml"], { [name]: "1" }), undefined, name);
    }
  }
});

Deno.test("the usual ways to ask need no parser", () => {
  for (
    const args of [
      ["list", "a.yaml"],
      ["run", "a.yaml", "--select", "tag:daily", "--quiet"],
      ["extract", "-o", "json", "a.yaml", "-x", "b"],
      ["load", "a.yaml"],
    ]
  ) assert.ok(parseFast(args, {}) !== undefined, args.join(" "));
  for (
    const args of [
      ["run"],
      ["run", "a", "b"],
      ["run", "a", "-s"],
      ["run", "a", "--selekt", "b"],
      ["list", "a", "-o", "xml"],
      ["plan", "a"],
      ["constructor", "a"],
      [],
    ]
  ) assert.equal(parseFast(args, {}), undefined, args.join(" "));
});
