import assert from "node:assert/strict";
import { parseSize } from "../../../src/cli/terminal/byte_size.ts";

const SIZES: readonly [text: string, bytes: number | undefined][] = [
  ["512MiB", 512 * 1024 ** 2],
  ["512m", 512 * 1024 ** 2],
  ["1.5 GiB", 1.5 * 1024 ** 3],
  ["2GB", 2_000_000_000],
  ["64kb", 64_000],
  ["1T", 1024 ** 4],
  ["512", undefined],
  ["-1GB", undefined],
  ["GiB", undefined],
  ["1e3MB", undefined],
  ["", undefined],
];

for (const [text, bytes] of SIZES) {
  Deno.test(`the size "${text}" is ${bytes ?? "refused"}`, () => {
    assert.equal(parseSize(text), bytes);
  });
}
