import assert from "node:assert/strict";
import { posix } from "node:path";
import fc from "fast-check";
import { posixDirname, posixResolve } from "../../src/core/files/paths.ts";

const path = fc.array(fc.constantFrom("/", "//", ".", "..", "a", "b.c", " ", "é"), { maxLength: 8 })
  .map((parts) => parts.join("").replace(/^\/+/, "/"));

Deno.test("the folder of a path is that of node:path", () => {
  fc.assert(
    fc.property(path, (text) => assert.equal(posixDirname(text), posix.dirname(text), text)),
    { numRuns: 5000 },
  );
});

Deno.test("an absolute path is that of node:path", () => {
  fc.assert(
    fc.property(fc.array(path, { maxLength: 3 }), (parts) => {
      assert.equal(posixResolve(...parts), posix.resolve(...parts), JSON.stringify(parts));
    }),
    { numRuns: 5000 },
  );
});
