/** What an extractor of a user's own may yield and return by mistake. */
import assert from "node:assert/strict";
import type { Extraction } from "../../src/core/contracts/proof.ts";
import type { Batch } from "../../src/core/contracts/batch.ts";
import { ExtractorError } from "../../src/core/errors.ts";
import { checkBatches } from "../../src/runner/worker/inside/batch_checks.ts";

async function check(yielded: readonly unknown[], returned: unknown): Promise<string> {
  const extraction = async function* () {
    for (const value of yielded) yield await Promise.resolve(value);
    return returned;
  };
  const watch = {
    fields: [],
    transforms: [],
    signal: new AbortController().signal,
    onProgress() {},
  };
  const stats = { rows: 0, bytes: 0, nulls: 0, placeless: 0, max: null, key: undefined };
  try {
    const checked = checkBatches(extraction() as Extraction<Batch>, watch, stats as never);
    while ((await checked.next()).done !== true);
    return "";
  } catch (error) {
    assert.ok(error instanceof ExtractorError, String(error));
    return error.message;
  }
}

Deno.test("a proof that is none says what the contract wants and what came", async () => {
  assert.equal(await check([], { rows: 0, evidence: "none" }), "");
  const came: readonly [unknown, string][] = [
    [null, "null"],
    [undefined, "undefined"],
    [7, "number"],
    [{}, "an object without keys"],
    [{ rows: -1, evidence: "x" }, "an object with rows, evidence"],
    [{ count: 1 }, "an object with count"],
  ];
  for (const [proof, kind] of came) {
    assert.equal(
      await check([], proof),
      `Cannot tell whether the extraction is complete: its extractor returned ${kind}, expected a completion proof { rows, evidence }`,
    );
  }
});

Deno.test("a batch that is none says what the contract wants and what came", async () => {
  const proof = { rows: 1, evidence: "one" };
  for (const [batch, kind] of [[null, "null"], ["x", "string"], [{ id: 1 }, "an object with id"]]) {
    assert.match(
      await check([batch], proof),
      new RegExp(`^Cannot stage what the extractor yielded, ${kind}: expected a batch`),
    );
  }
});
