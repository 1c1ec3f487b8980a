/** A target that a login may not write is refused before a row of the source is read. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import type { Phase } from "../../../../src/runner/mod.ts";
import { run, withFolder } from "../../../support/run.ts";
import { onServers } from "./support.ts";

onServers(
  "a run reads nothing for a target that it may not write",
  (database) =>
    withFolder(async (folder) => {
      const source = new DatabaseSync(join(folder, "source.db"));
      source.exec("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2)");
      source.close();
      const login = `writer_${crypto.randomUUID().slice(0, 8)}`;
      await database.sql(`
      CREATE ROLE ${login} LOGIN PASSWORD 'poor';
      CREATE SCHEMA own AUTHORIZATION ${login};
      CREATE TABLE seen (id bigint PRIMARY KEY); GRANT SELECT ON seen TO ${login};
      CREATE SCHEMA other; CREATE TABLE other.found (id bigint);
      GRANT USAGE ON SCHEMA other TO ${login}; GRANT ALL ON other.found TO ${login};
      CREATE TABLE numbered (n serial, id bigint); GRANT ALL ON numbered TO ${login};
      CREATE VIEW shown AS SELECT 1::bigint AS id;
    `);
      try {
        const url = new URL(database.url);
        [url.username, url.password] = [login, "poor"];
        const into = async (target: string, options = "", phase: Phase = "run") => {
          const { streams: [stream] } = await run(folder, {
            version: 1,
            name: "rights",
            source: { provider: "sqlite", path: "source.db" },
            target: { url: url.href, sslmode: "disable", ...(options === "" ? {} : { options }) },
            streams: [{ id: "t", source: "t", target }],
          }, { phase });
          return stream!;
        };
        const refusals: [string, RegExp, string?][] = [
          ["public.seen", new RegExp(`"${login}" lacks INSERT on "public.seen"$`)],
          ["public.numbered", new RegExp(`"${login}" lacks USAGE on sequence "numbered_n_seq"`)],
          ["nowhere.t", /schema "nowhere" does not exist and "\w+" lacks CREATE on the database$/],
          ["public.shown", /"public.shown" is a view, expected a table$/],
          ["own.t", /the session is read-only, as/, "-c default_transaction_read_only=on"],
        ];
        for (const [target, message, options] of refusals) {
          const { error, rows_extracted, extract_ms, stage } = await into(target, options);
          assert.match(error?.message ?? "", message);
          assert.match(error!.message, /^Cannot load stream "t"/);
          assert.deepEqual([rows_extracted, stage], [0, undefined], `${target}, ${extract_ms} ms`);
        }
        await into("public.seen", "", "extract");
        const late = await into("public.seen", "", "load");
        assert.match(late.error!.message, refusals[0]![1]);
        assert.equal((await into("own.t")).error, undefined);
        // The table is in a later schema of the search path; the login may create nothing in the first.
        const found = await into("found", "-c search_path=public,other");
        assert.equal(found.error, undefined);
      } finally {
        await database.sql(`DROP OWNED BY ${login} CASCADE; DROP ROLE ${login}`);
      }
    }),
);
