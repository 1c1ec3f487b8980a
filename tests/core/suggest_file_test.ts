import assert from "node:assert/strict";
import { join } from "node:path";
import { suggestFile } from "../../src/core/files/suggest_file.ts";
import { withFolder } from "../support/run.ts";

const FILES = [
  ...["shop.yaml", "shop.csv", "archive.yml", "orders.csv", "pipelines/lake.yaml"],
  ...["pipelines/eu/tax.yaml", "data/lake.yaml.bak", ".hidden/secret.yaml"],
];

const isPipeline = (name: string) => /\.(ya?ml|json)$/i.test(name);

/** What is typed, in which folder, and the file that is meant; undefined where none is near. */
const TYPED: readonly (readonly [string, string, string | undefined])[] = [
  // A similar name.
  ["shpo.yaml", ".", "shop.yaml"],
  ["Shop.yaml", ".", "shop.yaml"],
  ["pipelines/lakes.yaml", ".", "pipelines/lake.yaml"],
  ["../shopp.yaml", "pipelines", "../shop.yaml"],
  // Another ending, or none.
  ["shop.yml", ".", "shop.yaml"],
  ["archive.json", ".", "archive.yml"],
  ["shop", ".", "shop.yaml"],
  ["orders.yaml", ".", undefined],
  ["no.yaml", ".", undefined],
  // Another folder.
  ["lake.yaml", ".", "pipelines/lake.yaml"],
  ["shop.yaml", "pipelines", "../shop.yaml"],
  ["pipelines/shop.yaml", ".", "shop.yaml"],
  ["pipeline/lake.yaml", ".", "pipelines/lake.yaml"],
  ["eu/tax.yaml", ".", undefined],
  ["secret.yaml", ".", undefined],
  ["no/such/lake.yaml", ".", undefined],
];

Deno.test("the file that is meant is near the one that was typed", () =>
  withFolder(async (folder) => {
    for (const file of FILES) {
      await Deno.mkdir(join(folder, file, ".."), { recursive: true });
      await Deno.writeTextFile(join(folder, file), "");
    }
    for (const [typed, directory, meant] of TYPED) {
      assert.equal(
        await suggestFile(typed, isPipeline, join(folder, directory)),
        meant === undefined ? "" : `, did you mean "${meant}"`,
        typed,
      );
      const full = join(folder, directory, typed);
      assert.equal(
        await suggestFile(full, isPipeline),
        meant === undefined ? "" : `, did you mean "${join(folder, directory, meant)}"`,
        full,
      );
    }
  }));
