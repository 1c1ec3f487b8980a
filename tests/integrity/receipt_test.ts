import assert from "node:assert/strict";
import type { StagedFiles } from "../../src/core/contracts/buffer.ts";
import { VerificationError } from "../../src/core/errors.ts";
import { verifyLoad } from "../../src/integrity/receipt.ts";

const staged = {
  kind: "records",
  count: 3,
  files: [{ name: "a", rows: 3, size: 9, sha256: "" }],
  evidence: "COPY 3",
} as unknown as StagedFiles;

Deno.test("a receipt holds what source, stage and target say", () => {
  assert.deepEqual(verifyLoad(staged, { rows: 3, evidence: "INSERT 0 3" }), {
    source: { rows: 3, evidence: "COPY 3" },
    stage: { rows: 3, files: 1, bytes: 9 },
    target: { rows: 3, evidence: "INSERT 0 3" },
  });
});

Deno.test("a target that took fewer is a verification error with both numbers", () => {
  assert.throws(
    () => verifyLoad(staged, { rows: 2, evidence: "INSERT 0 2" }),
    (error: unknown) => {
      assert.ok(error instanceof VerificationError);
      assert.match(error.message, /reports 2 rows \(INSERT 0 2\), but 3 are staged/);
      return true;
    },
  );
});
