/** Errors of the system while a stage is written, each with what helps. */
import assert from "node:assert/strict";
import { explainDiskErrors } from "../../src/buffers/durable_file.ts";
import { BufferError } from "../../src/core/errors.ts";

const ERRORS: Readonly<Record<string, RegExp>> = {
  ENOSPC: /the disk is full after 7 bytes of this file, set buffer\.location/,
  EDQUOT: /the disk is full/,
  EACCES:
    /dxt may not write there \(EACCES\), set buffer\.location .* or buffer\.format to memory$/,
  EROFS: /dxt may not write there \(EROFS\)/,
  ENOENT: /its folder cannot be created, or was removed meanwhile/,
  EMFILE: /too many files are open, raise the limit \(ulimit -n\) or lower --threads$/,
  EIO: /: Input\/output error$/,
};

for (const [code, expected] of Object.entries(ERRORS)) {
  Deno.test(`a stage that ends with ${code} says what was done and what helps`, async () => {
    const failing = () => Promise.reject(Object.assign(new Error("Input/output error"), { code }));
    await assert.rejects(explainDiskErrors("/s/a", failing, 7), (error) => {
      assert.ok(error instanceof BufferError);
      assert.match(error.message, /^Cannot stage in "\/s\/a": /);
      assert.match(error.message, expected);
      return true;
    });
  });
}

Deno.test("errors of others, and missing permissions, pass a stage unchanged", async () => {
  for (const error of [new RangeError("x"), new Deno.errors.NotCapable("y")]) {
    await assert.rejects(explainDiskErrors("/s", () => Promise.reject(error)), error);
  }
});
