import assert from "node:assert/strict";
import { join } from "node:path";
import { readNames } from "../../src/config/text/stream_names.ts";
import { withFolder } from "../support/run.ts";

const BLOCK = `version: 1
defaults: { tags: [all-of-them] }
streams:
  # the first
  - id: orders
    tags: [daily, "critical"]
    fields:
      - id: total
      - { id: tax, dtype: float64 }
  - { id: 'sales', tags: [daily] } # in braces
  - description: later
    id: "商品"
buffer: { format: parquet }
`;
const NAMES = { ids: ["orders", "sales", "商品"], tags: ["all-of-them", "critical", "daily"] };

const PIPELINES: readonly [string, unknown][] = [
  [BLOCK, NAMES],
  [BLOCK.replaceAll(/^ {2}/gm, ""), NAMES],
  ["streams: [{ id: a, tags: [x] }]", { ids: ["a"], tags: ["x"] }],
  ["streams:\n  - id: a\n    tags:\n      - x\n", { ids: ["a"], tags: ["x"] }],
  ["streams:\n  - { source: s, id: a }\n", { ids: ["a"], tags: [] }],
  ['streams: [{ id: "x_{table}", source: "*", tags: [x] }]', { ids: [], tags: ["x"] }],
  ["x: &d { id: a }\nstreams:\n  - *d\n", { ids: ["a"], tags: [] }],
  ["name: p\n", { ids: [], tags: [] }],
];

for (const [text, expected] of PIPELINES) {
  Deno.test(`names of ${JSON.stringify(text)}`, async () => {
    await withFolder(async (folder) => {
      const path = join(folder, "p.yaml");
      await Deno.writeTextFile(path, text);
      assert.deepEqual(await readNames(path), expected);
    });
  });
}
