/** A target that a login may not write is refused before a row of the source is read. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { run, withFolder } from "../../../support/run.ts";
import { onServers } from "./support.ts";

onServers(
  "a run reads nothing for a target that it may not write",
  ({ url, sql }) =>
    withFolder(async (folder) => {
      await Deno.writeTextFile(join(folder, "s.csv"), "id,v\n1,2\n");
      const login = `writer_${crypto.randomUUID().slice(0, 8)}`;
      const own = new URL(url);
      const database = own.pathname.slice(1);
      [own.username, own.password] = [login, "poor"];
      await sql("CREATE TABLE seen (id BIGINT PRIMARY KEY, v BIGINT NOT NULL) ENGINE=InnoDB");
      await sql("CREATE TABLE part (id BIGINT PRIMARY KEY, v BIGINT NOT NULL) ENGINE=InnoDB");
      await sql(`CREATE USER '${login}'@'%' IDENTIFIED BY 'poor'`);
      await sql(`GRANT SELECT ON ${database}.seen TO '${login}'@'%'`);
      await sql(`GRANT SELECT, INSERT (id, v), UPDATE (v) ON ${database}.part TO '${login}'@'%'`);
      await sql("CREATE TABLE lean (id BIGINT PRIMARY KEY) ENGINE=InnoDB");
      await sql(`GRANT SELECT, INSERT, DELETE ON ${database}.lean TO '${login}'@'%'`);
      await sql("CREATE TABLE full (id BIGINT PRIMARY KEY, v BIGINT) ENGINE=InnoDB");
      await sql(`GRANT SELECT, INSERT, DELETE ON ${database}.full TO '${login}'@'%'`);
      const into = async (
        target: string,
        load: Record<string, unknown>,
        loader?: Record<string, unknown>,
      ) => {
        const { streams: [stream] } = await run(folder, {
          version: 1,
          name: "rights",
          source: { provider: "local", path: "." },
          target: { url: own.href, sslmode: "disable" },
          streams: [{ id: "s", source: "s.csv", target, load, ...(loader && { loader }) }],
        });
        return stream!;
      };
      const upsert = { mode: "upsert", upsert_keys: ["id"] };
      try {
        const swap = { config: { replace: "swap" } };
        const refusals: [string, Record<string, unknown>, RegExp, Record<string, unknown>?][] = [
          [
            "lean",
            { mode: "append", schema: "evolve" },
            /"writer_.*@%" lacks ALTER on "[^"]*lean"$/,
          ],
          ["lean", { mode: "replace" }, /"writer_.*@%" lacks ALTER on "[^"]*lean"$/],
          ["full", { mode: "replace" }, /"writer_.*@%" lacks ALTER, DROP on "[^"]*full"$/, swap],
          ["seen", { mode: "append" }, /"writer_.*@%" lacks INSERT on "seen"$/],
          ["seen", { mode: "replace" }, /lacks INSERT, DELETE on "seen"$/],
          [
            "seen",
            upsert,
            /lacks INSERT, UPDATE on "seen".*lacks CREATE TEMPORARY TABLES on the data/s,
          ],
          ["part", upsert, /^[^;]*"writer_.*@%" lacks CREATE TEMPORARY TABLES on the database/s],
          ["fresh", { mode: "append" }, /lacks CREATE, INSERT, SELECT on "fresh"$/],
        ];
        for (const [target, load, message, loader] of refusals) {
          const { error, rows_extracted, stage } = await into(target, load, loader);
          assert.match(error?.message ?? "", message);
          assert.deepEqual([rows_extracted, stage], [0, undefined], target);
        }
        assert.equal((await into("part", { mode: "append" })).error, undefined);
        assert.deepEqual(await sql("SELECT * FROM part"), [["1", "2"]]);
      } finally {
        await sql(`DROP USER '${login}'@'%'`);
      }
    }),
);
