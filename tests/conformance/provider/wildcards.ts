/** Wildcards: streams of the tables that a run finds in its source. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { runWell, withFolder } from "../../support/run.ts";
import { ORDER_FIELDS, orders } from "./records.ts";
import type { Check, Trial } from "./trial.ts";

const isRelational: Check["when"] = ({ provider }) => provider.category === "relational";

function pipeline({ provider, config }: Trial, stream: Record<string, unknown>) {
  return {
    version: 1,
    name: "wild",
    source: { provider: provider.name, ...config as object },
    target: { provider: "sqlite", path: "copies.db" },
    streams: [{ source: "wild_*", target: "raw_{table}", load: { mode: "upsert" }, ...stream }],
  };
}

/** Creates the table with a primary key, from which an upsert takes its keys. */
async function createTable(trial: Trial, name: string): Promise<void> {
  await trial.sql(`CREATE TABLE ${name} (id INTEGER NOT NULL PRIMARY KEY)`);
  await trial.sql(`INSERT INTO ${name} VALUES (1), (2)`);
}

export const wildcardChecks = {
  "wildcard": {
    title: "a wildcard moves each table that it matches, and one that is new in the next run",
    when: isRelational,
    async run(trial) {
      await createTable(trial, "wild_a");
      await createTable(trial, "wild_b");
      await createTable(trial, "wild_tmp");
      await createTable(trial, "tame");
      await trial.sql("CREATE VIEW wild_view AS SELECT id FROM wild_a WHERE id > 1");
      await withFolder(async (folder) => {
        const copied = () => {
          using copies = new DatabaseSync(join(folder, "copies.db"));
          return copies.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            .all().map(({ name }) => {
              const { n } = copies.prepare(`SELECT count(*) AS n FROM ${name}`).get()!;
              return `${name}: ${n}`;
            });
        };
        const tables = pipeline(trial, { exclude: ["*_tmp"] });
        const { streams } = await runWell(folder, tables);
        assert.deepEqual(streams.map(({ stream }) => stream), ["wild_a", "wild_b"]);
        assert.deepEqual(copied(), ["raw_wild_a: 2", "raw_wild_b: 2"]);
        await createTable(trial, "wild_c");
        await runWell(folder, tables);
        assert.deepEqual(copied(), ["raw_wild_a: 2", "raw_wild_b: 2", "raw_wild_c: 2"]);
        const views = { source: "wild_v*", include_views: true, load: { mode: "replace" } };
        await runWell(folder, pipeline(trial, views));
        assert.equal(copied().at(-1), "raw_wild_view: 1");
      });
    },
  },
  "discovered views": {
    title: "a discovered view says that it is one",
    when: isRelational,
    async run(trial) {
      await trial.load("tabular", ORDER_FIELDS, orders(0, 1));
      await trial.sql("CREATE VIEW visible AS SELECT * FROM tabular");
      const found = await (await trial.connector()).discover();
      const isView = (word: string) => found.find(({ name }) => name.includes(word))!.isView;
      assert.deepEqual(["tabular", "visible"].map(isView), [undefined, true]);
    },
  },
} satisfies Record<string, Check>;
