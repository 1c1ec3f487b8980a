/** A folder that another run removes while this one uses it. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { createWithin } from "../../src/core/files/shared_folder.ts";
import { withFolder } from "../support/run.ts";

Deno.test("a folder that is removed before something is in it is created again", () =>
  withFolder(async (around) => {
    const folder = join(around, ".dxt", "http");
    let removals = 3;
    await createWithin(folder, async () => {
      if (removals-- > 0) await Deno.remove(dirname(folder), { recursive: true });
      await Deno.writeTextFile(join(folder, "x"), "");
    });
    assert.equal(removals, -1);
    assert.equal(await Deno.readTextFile(join(folder, "x")), "");
  }));

Deno.test("any other error ends the attempts", () =>
  withFolder(async (folder) => {
    let attempts = 0;
    const fail = () => {
      attempts++;
      return Promise.reject(new Error("no space"));
    };
    await assert.rejects(createWithin(folder, fail), /no space/);
    assert.equal(attempts, 1);
  }));
