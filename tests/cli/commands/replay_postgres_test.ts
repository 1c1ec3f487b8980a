/** `dxt record` and `dxt replay` of tables of PostgreSQL: every type, wildcards, and targets of files. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { ReplayResult } from "../../../src/runner/mod.ts";
import { ignoreIf } from "../../support/ignore.ts";
import { withFolder } from "../../support/run.ts";
import { freshDatabase, postgresTest } from "../../support/services.ts";
import { program } from "../program.ts";

const server = postgresTest(15);

const TABLES = `
  CREATE TYPE mood AS ENUM ('sad', 'glad');
  CREATE TABLE people (
    id bigint PRIMARY KEY, ref uuid NOT NULL, name text NOT NULL, born date, seen timestamptz,
    local timestamp, noon time, paid numeric(12,2), free numeric, score real, exact double precision,
    small smallint, ok boolean, doc jsonb, raw bytea, tags text[], mood mood, code varchar(5));
  INSERT INTO people SELECT i, gen_random_uuid(), 'Person ' || i, '1980-01-01'::date + i::int,
    '2024-01-01 10:00+00'::timestamptz + i * interval '1 hour', '2024-01-01 10:00', '10:00',
    i + 0.25, i / 3.0, i + 0.5, i + 0.125, i, i % 2 = 0, jsonb_build_object('mail', 'p' || i || '@x.de'),
    decode('00ff', 'hex'), ARRAY['a', NULL, 'b' || i], 'glad', 'c' || i
    FROM generate_series(1, 40) AS i;
  INSERT INTO people (id, ref, name) VALUES (99, gen_random_uuid(), 'Nobody');
  CREATE TABLE orders (id int PRIMARY KEY, person bigint, note text);
  INSERT INTO orders SELECT i, 1 + i % 40, 'note ' || i FROM generate_series(1, 60) AS i;
  CREATE TABLE nothing (id int PRIMARY KEY, note text)`;

Deno.test({
  ...ignoreIf(server.missing, "all types, wildcards and empty tables are recorded and replayed"),
  fn: () =>
    withFolder(async (folder) => {
      await using database = await freshDatabase(server.url);
      await database.sql(TABLES);
      await Deno.writeTextFile(
        join(folder, "shop.yaml"),
        JSON.stringify({
          version: 1,
          name: "shop",
          source: "${SHOP_URL}",
          target: { provider: "postgres", url: "${TARGET_URL}" },
          streams: [{ source: "public.*", target: "copy.{table}", load: { mode: "upsert" } }],
        }),
      );
      const env = { SHOP_URL: database.url, TARGET_URL: "postgres://nobody@127.0.0.1:1/none" };
      const recorded = await program(folder, ["record", "shop.yaml", "-q"], env);
      assert.equal(recorded.code, 0, recorded.err);
      const replayed = await program(folder, ["replay", "shop.yaml", "--keep", "kept", "-q"]);
      assert.equal(replayed.code, 0, replayed.err + replayed.out);
      const { repeated } = JSON.parse(replayed.out) as ReplayResult;
      assert.deepEqual(repeated.map(({ stream, rows, repeat }) => [stream, rows, repeat]), [
        ["nothing", 0, "same"],
        ["orders", 60, "same"],
        ["people", 41, "same"],
      ]);
      using target = new DatabaseSync(join(folder, "kept", "target.db"));
      const joined = target.prepare(`SELECT count(*) AS n FROM "copy.orders" AS o
        JOIN "copy.people" AS p ON p.id = o.person`).get();
      assert.deepEqual({ ...joined }, { n: 60 });
      const [{ born, seen, tags, doc, ok, noon }] = target.prepare(
        `SELECT * FROM "copy.people" WHERE born IS NOT NULL ORDER BY born`,
      ).all() as [Record<string, string>];
      assert.match(born!, /^\d{4}-\d\d-\d\d$/);
      assert.match(seen!, /^\d{4}-\d\d-\d\d.11:00:00/);
      assert.match(tags!, /^\["[a-z]", ?null, ?"[a-z]\d"\]$/);
      assert.match(doc!, /^\{"mail": ?"[a-z]\d@[a-z]\.[a-z]{2}"\}$/);
      assert.deepEqual([Number(ok), noon!.slice(0, 5)], [0, "10:00"]);
    }),
});

Deno.test({
  ...ignoreIf(server.missing, "a pipeline that writes files replays into files"),
  fn: () =>
    withFolder(async (folder) => {
      await using database = await freshDatabase(server.url);
      await database.sql(TABLES);
      await Deno.writeTextFile(
        join(folder, "shop.yaml"),
        JSON.stringify({
          version: 1,
          name: "shop",
          source: { provider: "postgres", url: "${SHOP_URL}" },
          target: { provider: "local" },
          streams: [
            { id: "people", source: "public.people", target: "/srv/../out/people.parquet" },
            {
              id: "totals",
              source: { type: "sql", sql: "SELECT person, count(*) AS n FROM orders GROUP BY 1" },
              target: "totals.csv",
            },
          ].map((stream) => ({ ...stream, load: { mode: "replace" } })),
        }),
      );
      const env = { SHOP_URL: database.url };
      const recorded = await program(folder, ["record", "shop.yaml", "--rows", "10", "-q"], env);
      assert.equal(recorded.code, 0, recorded.err);
      const replayed = await program(folder, ["replay", "shop.yaml", "--keep", "kept"]);
      assert.equal(replayed.code, 0, replayed.err);
      assert.match(replayed.out, /^people +10 +same rows/m);
      const text = await Deno.readTextFile(join(folder, "kept", "target", "totals.csv"));
      assert.equal(text.trimEnd().split("\n").length, 11);
      await Deno.stat(join(folder, "kept", "target", "srv", "out", "people.parquet"));
    }),
});
