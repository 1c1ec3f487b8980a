import assert from "node:assert/strict";
import fc from "fast-check";
import { variableOf } from "../../src/cli/environment.ts";
import { plainList, VARIABLES } from "../../src/cli/plain_list.ts";
import { Printer } from "../../src/cli/printer.ts";
import { parseArguments } from "../../src/cli/usage.ts";
import { PAGES } from "../../src/cli/words.ts";
import { fakeEngine, fakeIO } from "./fakes.ts";

const word = fc.constantFrom(
  ...["shop.yaml", "orders", "tag:daily", "json", "ndjson", "", "-", "--", "a=b", "商品", "ordres"],
);
const option = fc.constantFrom(
  ...["-s", "--select", "-x", "--exclude", "-o", "--output", "-q", "--quiet", "-v", "--verbose"],
  ...["--select=orders", "-qv", "-ojson", "--env-file", "--var", "--color", "--help", "-h"],
);

Deno.test("what is read without the parser is what the parser reads", async () => {
  let read = 0;
  const args = fc.array(fc.oneof(word, option), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(args, async (args) => {
      const action = plainList(args, {});
      if (action === undefined) return;
      read++;
      const io = fakeIO();
      const parsed = await parseArguments(["list", ...args], io);
      assert.ok(parsed !== undefined, io.out);
      const { quiet, verbose, output, color } = parsed.verbosity;
      assert.deepEqual({ ...action.verbosity, color: undefined }, {
        quiet,
        verbose,
        output,
        color,
      });
      assert.deepEqual(await printed(action), await printed(parsed));
    }),
    { numRuns: 3000 },
  );
  assert.ok(read > 20, `only ${read} were read`);
});

/** What an action prints, or the error that it throws. */
async function printed({ verbosity, act }: Awaited<ReturnType<typeof plainList>> & object) {
  const io = fakeIO();
  const printer = new Printer(io, verbosity);
  try {
    return [await act({ io, engine: fakeEngine(), printer }), io.out, io.err];
  } catch (error) {
    return (error as Error).message;
  }
}

Deno.test("a variable that says an option is left to the parser", () => {
  assert.deepEqual(
    PAGES["list"]!.options.map(({ names }) => variableOf(names)).sort(),
    VARIABLES.toSorted(),
  );
  assert.ok(plainList(["a.yaml"], { DXT_OTHER: "1", DXT_QUIET: "" }) !== undefined);
  for (const name of VARIABLES) assert.equal(plainList(["a.yaml"], { [name]: "1" }), undefined);
});

Deno.test("the usual ways to ask for a list need no parser", () => {
  for (
    const args of [
      ["a.yaml"],
      ["a.yaml", "--select", "tag:daily", "--quiet"],
      ["-o", "json", "a.yaml", "-x", "b"],
    ]
  ) assert.ok(plainList(args, {}) !== undefined, args.join(" "));
  for (const args of [[], ["a", "b"], ["a", "-s"], ["a", "--selekt", "b"], ["a", "-o", "xml"]]) {
    assert.equal(plainList(args, {}), undefined, args.join(" "));
  }
});
