/** What a module must export to be a loader. */
import assert from "node:assert/strict";
import { z } from "zod";
import { ConfigurationError } from "../../src/core/errors.ts";
import { asLoader } from "../../src/providers/validate_export.ts";

const LOADER = {
  description: "Sends records",
  modes: { append: "at least once" },
  accepts: ["records"],
  overlaps: false,
  options: z.strictObject({}),
  create() {},
};

Deno.test("a loader states a guarantee for each mode that it offers", () => {
  assert.equal(asLoader(LOADER, "./sink.ts#Sink"), LOADER);
  for (
    const modes of [["append"], {}, { append: true }, { append: "always" }, { merge: "per file" }]
  ) {
    assert.throws(() => asLoader({ ...LOADER, modes }, "./sink.ts#Sink"), (error) => {
      assert.ok(error instanceof ConfigurationError);
      assert.match(
        error.message,
        /^Cannot use ".\/sink.ts#Sink" as loader: its "modes" is invalid/,
      );
      return true;
    });
  }
});

Deno.test("a capability of a loader is a function, or left out", () => {
  for (const name of ["createParallel", "getOutcome"]) {
    assert.doesNotThrow(() => asLoader({ ...LOADER, [name]() {} }, "x"));
    assert.throws(() => asLoader({ ...LOADER, [name]: true }, "x"), /its "\w+" is invalid/);
  }
});
