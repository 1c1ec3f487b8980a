/** What can be wrong with a pipeline before anything connects, and where it is said to be. */
import assert from "node:assert/strict";
import { LocatedError, parsePipeline } from "../../src/config/mod.ts";
import { checkPipeline } from "../../src/runner/mod.ts";

function yaml(changes: Record<string, string>): string {
  const lines: Record<string, string> = {
    source: "{ provider: sqlite, path: a.db }",
    target: "{ provider: local }",
    stream: "source: t, target: t.parquet",
    buffer: "{ format: parquet }",
    ...changes,
  };
  return `version: 1
name: p
source: ${lines["source"]}
target: ${lines["target"]}
buffer: ${lines["buffer"]}
streams:
  - { id: s, ${lines["stream"]} }
`;
}

const check = (changes: Record<string, string>) =>
  checkPipeline(parsePipeline(yaml(changes), { env: {}, path: "p.yaml" }));

Deno.test("a pipeline that is right passes", async () => {
  await check({});
  await check({ source: "sqlite:a.db", target: "file:out" });
  await check({ source: "{ provider: dxt.providers.sqlite, path: a.db }" });
  await check({
    stream: "source: t, target: t.csv, extractor: dxt.providers.sqlite.SqliteExtractor",
  });
  // Options of the default class, without its name.
  await check({
    target: '"postgres://me@h/d"',
    stream: "source: t, loader: { config: { replace: swap } }, extractor: { config: {} }",
  });
});

Deno.test("what is wrong is reported with its line and what was wanted", async () => {
  const table: [Record<string, string>, number, RegExp][] = [
    [
      { source: "{ provider: sqlte, path: a.db }" },
      3,
      /"sqlte": known are .*did you mean "sqlite"/,
    ],
    [{ source: "{ provider: sqlite, pth: a.db }" }, 3, /unknown key "pth": .*did you mean "path"/],
    [
      { target: '"postgres://me@h/d"', stream: "source: t, loader: { config: { replce: swap } }" },
      7,
      /Cannot configure "postgres": unknown key "replce".*did you mean "replace"/,
    ],
    [{ source: "{ provider: sqlite }" }, 3, /key "path" is missing, expected string/],
    [
      { source: "{ provider: sqlite, path: 7 }" },
      3,
      /key "path": expected string, received number/,
    ],
    [{ source: "oracle://host/db" }, 3, /"oracle:" URL: no provider knows it/],
    [{ target: "{ provider: local, pth: x }" }, 4, /unknown key "pth"/],
    [
      { stream: "source: { type: file, path: x.csv }, target: y" },
      7,
      /a file from sqlite: expected/,
    ],
    [{ stream: "source: t, target: { type: relation, name: t }" }, 7, /a relation to local/],
    [
      { stream: "source: t, target: y.csv, load: { mode: upsert, upsert_keys: [a] } " },
      7,
      /Cannot upsert into local: it can append and replace/,
    ],
    [
      { stream: 'source: t, target: y.csv, load: { mode: replace, where: "a = 1" }' },
      7,
      /Cannot replace the rows that load.where finds in a target of local: its loader replaces all/,
    ],
    [
      {
        source: "{ provider: local, path: in }",
        stream: "source: t.csv, target: y.csv, extract: { partition: { field: id } }",
      },
      7,
      /Cannot read in parts by "id": LocalRecordExtractor of local cuts no source by a field/,
    ],
    [
      { stream: "source: t, target: y.csv, loader: LocalLoadr" },
      7,
      /loader "LocalLoadr".*did you mean "LocalLoader"/,
    ],
    [
      {
        stream: "source: t, target: y.csv, extractor: dxt.providers.postgres.PostgresCopyExtractor",
      },
      7,
      /it belongs to "postgres"/,
    ],
    [
      {
        stream: "source: t, target: y.csv, extractor: { class: SqliteExtractor, config: { a: 1 } }",
      },
      7,
      /unknown key "a"/,
    ],
    [{ buffer: "{ format: passthrough }" }, 7, /Cannot pass files through: sqlite yields records/],
    [
      {
        source: "{ provider: local }",
        target: "sqlite:a.db",
        stream: "source: x.csv, target: t",
        buffer: "{ format: passthrough }",
      },
      7,
      /to sqlite: it loads records only/,
    ],
    [
      {
        source: "{ provider: local }",
        stream: "source: x.csv, target: y.csv, extractor: LocalFileExtractor",
      },
      7,
      /the extractor yields files, set buffer.format to passthrough/,
    ],
  ];
  for (const [changes, line, message] of table) {
    await assert.rejects(check(changes), (error: unknown) => {
      assert.ok(error instanceof LocatedError, `${JSON.stringify(changes)}: ${error}`);
      assert.match(error.message, message);
      assert.equal(error.position.line, line, error.message);
      return true;
    }, JSON.stringify(changes));
  }
});
