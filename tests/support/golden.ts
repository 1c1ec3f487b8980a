/** Outputs that are kept in files: a change of one is seen in review. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

/**
 * Compares text with the file of this name in tests/golden; with DXT_UPDATE_GOLDEN=1 the file is
 * written instead.
 */
export async function golden(name: string, actual: string): Promise<void> {
  const path = fileURLToPath(new URL(`../golden/${name}`, import.meta.url));
  if (Deno.env.get("DXT_UPDATE_GOLDEN") === "1") return await Deno.writeTextFile(path, actual);
  const expected = await Deno.readTextFile(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  assert.ok(expected !== undefined, `no tests/golden/${name}: write it with DXT_UPDATE_GOLDEN=1`);
  assert.equal(actual, expected, `not as tests/golden/${name}, DXT_UPDATE_GOLDEN=1 rewrites it`);
}
