/**
 * DVD rentals with PostgreSQL's own types (enum, domain, array, tsvector, bytea): into another
 * database, into SQLite and back, into Parquet and back.
 */
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { restoreDump } from "../support/dump.ts";
import { freshDatabase, postgresTest, type TestDatabase } from "../support/services.ts";
import { runWell, withFolder } from "../support/run.ts";
import { ignoreIf } from "../support/ignore.ts";

async function sql(name: string): Promise<string> {
  const path = fileURLToPath(new URL(`../data/sakila/${name}.sql.gz`, import.meta.url));
  return new TextDecoder().decode(gunzipSync(await Deno.readFile(path)));
}

/** Tables with records of their own: of an inherited table only the children's are moved twice. */
async function tables(database: TestDatabase): Promise<string[]> {
  const rows = await database.sql(
    `SELECT relname::text AS name FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1`,
  );
  return rows.map(({ name }) => String(name));
}

/** Sakila's tables with nothing in them; triggers and foreign keys sleep, as for a restored dump. */
async function restoreSchema(database: TestDatabase): Promise<void> {
  await restoreDump(database.url, await sql("schema"));
  const [{ name }] = await database.sql("SELECT current_database()::text AS name") as [
    { name: string },
  ];
  await database.sql(`ALTER DATABASE ${name} SET session_replication_role = replica`);
}

/** A digest of all rows of a table as text, whatever their order. */
async function digests(
  database: TestDatabase,
  names: readonly string[],
): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const name of names) {
    const columns = (await database.sql(
      `SELECT string_agg(format('%I::text', attname), ', ' ORDER BY attnum) AS list
       FROM pg_attribute WHERE attrelid = 'public.${name}'::regclass AND attnum > 0
       AND NOT attisdropped`,
    ))[0]!["list"];
    const [row] = await database.sql(
      `SELECT count(*)::int AS n, md5(string_agg(r, E'\\n' ORDER BY r COLLATE "C")) AS md5
       FROM (SELECT (ROW(${columns}))::text AS r FROM public.${name}) AS t`,
    );
    found[name] = row;
  }
  return found;
}

for (const version of [15, 18] as const) {
  const server = postgresTest(version);
  Deno.test({
    ...ignoreIf(
      server.missing,
      `Sakila goes through PostgreSQL ${version}, SQLite and Parquet with every value equal`,
    ),
    fn: () =>
      withFolder(async (folder) => {
        await using original = await freshDatabase(server.url);
        await restoreDump(original.url, await sql("schema"));
        await restoreDump(original.url, await sql("data"));
        const names = await tables(original);
        assert.equal(names.length, 21);
        const wanted = await digests(original, names);
        const sqlite = { provider: "sqlite", path: "sakila.db" };
        const files = { provider: "local", path: "parquet" };
        await Deno.mkdir(`${folder}/parquet`);
        const hop = async (
          source: unknown,
          target: unknown,
          from: (name: string) => string,
          to: (name: string) => string,
        ) =>
          await runWell(folder, {
            version: 1,
            name: "sakila",
            source,
            target,
            // SQLite keeps a tsvector as text, of which not every one is a tsvector again.
            streams: names.map((id) => ({
              ...{ id, source: from(id), target: to(id) },
              ...(source === sqlite ? { load: { lossy: "accept" } } : {}),
            })),
          });
        const plain = (name: string) => name;
        const parquet = (name: string) => `${name}.parquet`;
        for (
          const [there, back, from, to] of [
            [undefined, original.url, plain, plain],
            [sqlite, sqlite, plain, plain],
            [files, files, parquet, parquet],
          ] as const
        ) {
          await using copy = await freshDatabase(server.url);
          // SQLite has no arrays and no blank-padded text: there the tables that are loaded tell.
          if (there === sqlite) await restoreSchema(copy);
          if (there !== undefined) await hop(original.url, there, plain, to);
          await hop(back, copy.url, from, plain);
          assert.deepEqual(await digests(copy, names), wanted);
        }
      }),
  });
}
