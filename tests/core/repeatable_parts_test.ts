import assert from "node:assert/strict";
import { countParts, isSettled } from "../../src/core/contracts/repeatable_parts.ts";

const MIB = 1024 * 1024;
const LEAST = 16 * MIB;

/** Bytes of a source, connections, parts. */
const COUNTS: readonly (readonly [number, number, number])[] = [
  [0, 2, 0],
  [31 * MIB, 2, 1],
  [32 * MIB, 2, 2],
  [1024 * MIB, 2, 2],
  [1024 * MIB, 8, 8],
  // Each connection reads as many parts, so that they end about together.
  [1025 * MIB, 2, 4],
  [10 * 1024 * MIB, 2, 20],
  [10 * 1024 * MIB, 8, 24],
];

for (const [bytes, most, parts] of COUNTS) {
  Deno.test(`${bytes / MIB} MiB for ${most} connections are ${parts} parts`, () =>
    assert.equal(countParts(bytes, LEAST, { most }), parts));
}

Deno.test("the time of a file that has just been changed does not identify its content", () => {
  assert.equal(isSettled(Date.now()), false);
  assert.equal(isSettled(Date.now() + 60_000), false);
  assert.equal(isSettled(Date.now() - 60_000), true);
});
