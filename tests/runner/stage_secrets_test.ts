/** What a stage says of its source: nobody but its owner may read it, and it holds no variable's value. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { run, withFolder } from "../support/run.ts";

const SECRET = "S3CRET-word";

async function* filesBelow(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    yield path;
    if (isDirectory) yield* filesBelow(path);
  }
}

const SOURCES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "a variable in SQL": { type: "sql", sql: "select id, '${KEY}' as \"key\" from t" },
  "a variable in a condition": { type: "relation", name: "t", where: "word = '${KEY}'" },
  "a variable twice": { type: "sql", sql: "select id from t where '${KEY}' <> 'x${KEY}'" },
  "a URL in SQL": { type: "sql", sql: `select id, 'a://u:${SECRET}@h' as url from t` },
  "a key in SQL": {
    type: "sql",
    sql: `select id from t where 'password=${SECRET} dbname=d' <> ''`,
  },
};

for (const [name, source] of Object.entries(SOURCES)) {
  Deno.test(`${name} is in no manifest`, () =>
    withFolder(async (folder) => {
      using database = new DatabaseSync(join(folder, "a.db"));
      database.exec(
        `create table t (id integer, word text); insert into t values (1, '${SECRET}')`,
      );
      const umask = Deno.umask(0);
      try {
        const result = await run(folder, {
          version: 1,
          name: "p",
          source: { provider: "sqlite", path: "a.db" },
          target: { provider: "local", path: "out" },
          buffer: { location: join(folder, "stage") },
          streams: [{ id: "s", source }],
        }, { phase: "extract", env: { KEY: SECRET } });
        assert.equal(result.status, "succeeded", JSON.stringify(result));
      } finally {
        Deno.umask(umask);
      }
      let manifests = 0;
      for await (const path of filesBelow(join(folder, "stage"))) {
        const { mode, isDirectory } = await Deno.stat(path);
        assert.equal(mode! & 0o077, 0, path);
        if (isDirectory || !path.endsWith("manifest.json")) continue;
        manifests++;
        assert.ok(!(await Deno.readTextFile(path)).includes(SECRET), path);
      }
      assert.equal(manifests, 1);
    }));
}
