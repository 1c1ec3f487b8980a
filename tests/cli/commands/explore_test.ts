/** discover, test, head and init against real systems, as a shell would call them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { golden } from "../../support/golden.ts";
import { runWell, withFolder } from "../../support/run.ts";
import { freshDatabase, postgresTest, type TestDatabase } from "../../support/services.ts";
import { program } from "../program.ts";
import { ignoreIf } from "../../support/ignore.ts";

const CHINOOK = fileURLToPath(new URL("../../data/chinook/chinook.sqlite", import.meta.url));
const TABLES = [
  "Album",
  "Artist",
  "Customer",
  "Employee",
  "Genre",
  "Invoice",
  "InvoiceLine",
  "MediaType",
  "Playlist",
  "PlaylistTrack",
  "Track",
];

async function fillChinook(folder: string, { url }: TestDatabase): Promise<void> {
  await runWell(folder, {
    version: 1,
    name: "fill",
    source: { provider: "sqlite", path: CHINOOK },
    target: url,
    defaults: { load: { mode: "replace" } },
    streams: TABLES.map((table) => ({ id: table, source: table, target: `public.${table}` })),
  });
}

/** Text that is the same in every run. */
function steady(text: string): string {
  return text.replace(/dxt_[0-9a-f]{32}/g, "DATABASE").replace(/DXT_[0-9A-F]{32}/g, "DATABASE")
    .replace(/\(\d+(\.\d+)? m?s\)/g, "(N ms)").replace(
      /PostgreSQL \d.*?(?= \(N ms)/g,
      "PostgreSQL N",
    )
    .replace(/SQLite \d\S*/g, "SQLite N");
}

const server = postgresTest(15);

Deno.test({
  ...ignoreIf(
    server.missing,
    "Chinook: discover, validate, test, plan, run, head, nothing edited between, no password told",
  ),
  fn: () =>
    withFolder(async (folder) => {
      await using database = await freshDatabase(server.url);
      await fillChinook(folder, database);
      const password = new URL(database.url).password;
      const outputs: string[] = [];
      const dxt = async (args: string[], env: Record<string, string> = {}) => {
        const { code, out, err } = await program(folder, args, env);
        outputs.push(out, err);
        assert.equal(code, 0, err);
        return { out, err };
      };
      const found = await dxt(["discover", database.url, "--format", "yaml"]);
      await Deno.writeTextFile(join(folder, "p.yaml"), found.out);
      const variable = /source: "\$\{(\w+)\}"/.exec(found.out)?.[1];
      assert.ok(variable !== undefined, found.out);
      assert.match(found.err, new RegExp(`set ${variable} `));
      await golden("discover_pipeline.yaml", steady(found.out));
      const env = { [variable]: database.url };
      await dxt(["validate", "p.yaml"], env);
      await golden("test_lines.txt", steady((await dxt(["test", "p.yaml"], env)).out));
      const plan = JSON.parse((await dxt(["plan", "p.yaml", "--output", "json"], env)).out);
      assert.deepEqual(
        plan.streams.map(({ stream, status }: Record<string, string>) => [stream, status]),
        TABLES.map((table) => [table, "ready"]),
      );
      const made = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
      assert.ok(!made.some((name) => name.endsWith(".db")), "dxt test or plan made a database");
      await dxt(["run", "p.yaml"], env);
      const { out } = await dxt(["head", "p.yaml", "Invoice", "--target", "-n", "3"], env);
      await golden("head_table.txt", out);
      const source = await dxt(["head", "p.yaml", "Invoice", "-n", "3"], env);
      assert.equal(source.out, out);
      // From the variable itself the pipeline refers to it.
      for (const connection of [database.url, "${SHOP}"]) {
        const again = await dxt(["discover", connection, "-f", "yaml"], { SHOP: database.url });
        assert.match(again.out, /^source: "\$\{SHOP\}"$/m);
        assert.equal(again.err, "");
      }
      assert.ok(outputs.every((text) => !text.includes(password)), "a password was told");
    }),
});

Deno.test({
  ...ignoreIf(
    server.missing,
    "discover shows fields, keys and watermarks; a schema and patterns choose",
  ),
  fn: () =>
    withFolder(async (folder) => {
      await using database = await freshDatabase(server.url);
      await database.sql(`
        CREATE TABLE orders (id bigint PRIMARY KEY, total numeric(12,2) NOT NULL, note text,
          updated_at timestamptz NOT NULL, created_at timestamptz);
        INSERT INTO orders VALUES (1, 9.90, NULL, '2024-01-01', NULL);
        ANALYZE orders;
        CREATE SCHEMA "odd.one";
        CREATE TABLE "odd.one"."it""s: a
table" ("a ""b""" int, "A" int, a int);
        CREATE VIEW "odd.one".seen AS SELECT * FROM orders;
        CREATE TABLE "odd.one".nothing ()`);
      const env = { SHOP_URL: database.url };
      const dxt = (...args: string[]) => program(folder, ["discover", "${SHOP_URL}", ...args], env);
      await golden("discover_table.txt", (await dxt()).out);
      await golden("discover_quiet.json", (await dxt("--select", "orders", "-f", "json")).out);
      const odd = await dxt("--schema", "odd.one", "-f", "yaml");
      assert.equal(odd.code, 0, odd.err);
      await Deno.writeTextFile(join(folder, "odd.yaml"), odd.out);
      const ran = await program(folder, ["run", "odd.yaml", "-q"], env);
      assert.equal(ran.code, 0, ran.err + ran.out);
      assert.equal(JSON.parse(ran.out).streams.length, 2);
      const wrong: [string[], RegExp, number][] = [
        [["--schema", "pulbic"], /Cannot find schema "pulbic": .*, did you mean "public"/, 2],
        [["--select", "ordres"], /none of 4 streams matches, did you mean "orders"/, 2],
        [["--select", "x*"], /Cannot select "x\*"/, 2],
        [["--format", "xml"], /xml/, 2],
      ];
      for (const [args, message, code] of wrong) {
        const ended = await dxt(...args);
        assert.match(ended.err, message);
        assert.equal(ended.code, code);
        assert.equal(ended.out, "");
      }
    }),
});

Deno.test({
  ...ignoreIf(server.missing, "an empty database has nothing to discover, and makes no pipeline"),
  fn: () =>
    withFolder(async (folder) => {
      await using database = await freshDatabase(server.url);
      const table = await program(folder, ["discover", database.url]);
      assert.deepEqual([table.code, table.out], [0, ""]);
      assert.match(table.err, /no streams found/);
      const json = await program(folder, ["discover", database.url, "-f", "json"]);
      assert.deepEqual(JSON.parse(json.out).streams, []);
      const yaml = await program(folder, ["discover", database.url, "-f", "yaml"]);
      assert.deepEqual([yaml.code, yaml.out], [1, ""]);
      assert.match(yaml.err, /Cannot write a pipeline: no streams found/);
    }),
});

Deno.test({
  ...ignoreIf(
    server.missing,
    "a login without rights is told all that it lacks, by dxt test, and nothing is made",
  ),
  fn: () =>
    withFolder(async (folder) => {
      await using database = await freshDatabase(server.url);
      const login = `reader_${crypto.randomUUID().slice(0, 8)}`;
      const name = new URL(database.url).pathname.slice(1);
      await database.sql(`
        CREATE ROLE ${login} LOGIN PASSWORD 'secret word';
        REVOKE TEMPORARY ON DATABASE ${name} FROM PUBLIC;
        CREATE TABLE seen (id int PRIMARY KEY); CREATE TABLE hidden (id int);
        CREATE TABLE kept (id int PRIMARY KEY);
        GRANT SELECT, INSERT ON seen, kept TO ${login};
        CREATE SCHEMA closed; CREATE TABLE closed.t (id int);
        CREATE TABLE blind (id int PRIMARY KEY); CREATE TABLE unasked (id int PRIMARY KEY);
        GRANT INSERT ON blind, unasked TO ${login};
        CREATE SCHEMA open; GRANT USAGE ON SCHEMA open TO ${login};
        CREATE VIEW watched AS SELECT 1 AS id; GRANT SELECT ON watched TO ${login}`);
      const own = new URL(database.url);
      [own.username, own.password] = [login, "secret word"];
      const stream = (id: string, source: string, target: string, load: unknown) => ({
        id,
        source,
        target,
        load,
      });
      const upsert = { mode: "upsert", upsert_keys: ["id"] };
      await Deno.writeTextFile(
        join(folder, "p.yaml"),
        JSON.stringify({
          version: 1,
          name: "p",
          source: "${OWN}",
          target: "${OWN}",
          streams: [
            stream("may", "seen", "seen", { mode: "append" }),
            stream("not_replace", "hidden", "kept", { mode: "replace" }),
            stream("not_upsert", "closed.t", "seen", upsert),
            stream("no_create", "nowhere", "open.x", { mode: "append" }),
            stream("no_schema", "seen", "brand_new.x", { mode: "append" }),
            stream("no_table", "seen", "watched", { mode: "append" }),
            stream("no_usage", "seen", "closed.t", { mode: "append" }),
            stream("may_insert", "seen", "blind", { mode: "append" }),
            {
              ...stream("not_ask", "seen", "unasked", { mode: "append" }),
              extract: { mode: "incremental", watermark_field: "id" },
            },
          ],
        }),
      );
      const { code, out, err } = await program(folder, ["test", "p.yaml"], { OWN: own.href });
      const quiet = await program(folder, ["test", "p.yaml", "-q", "-s", "may"], { OWN: own.href });
      await database.sql(`DROP OWNED BY ${login}; DROP ROLE ${login}`);
      const told = JSON.parse(quiet.out);
      assert.equal(told.status, "passed");
      assert.deepEqual(told.checks.map(({ check }: { check: string }) => check), [
        ...["source", "read", "target", "write"],
      ]);
      assert.equal(code, 1, err);
      const lines = out.trimEnd().split("\n");
      const of = (check: string, id: string) =>
        lines.find((line) => line.includes(` ${check} `) && line.includes(`${id}:`))!;
      assert.match(of("read", "may"), /^ok /);
      assert.match(of("write", "may"), /^ok /);
      assert.match(of("read", "not_replace"), /^failed .*permission denied for table hidden/);
      assert.match(of("write", "not_replace"), /lacks DELETE on "kept"/);
      assert.match(of("read", "not_upsert"), /permission denied for schema closed/);
      assert.match(of("write", "not_upsert"), /lacks UPDATE on "seen".*lacks TEMPORARY/);
      assert.match(of("read", "no_create"), /"nowhere" does not exist/);
      assert.match(of("write", "no_create"), /lacks CREATE on schema "open"/);
      assert.match(
        of("write", "no_schema"),
        /"brand_new" does not exist .* CREATE on the database/,
      );
      assert.match(of("write", "no_table"), /is a view, expected a table/);
      assert.match(of("write", "no_usage"), /USAGE on schema "closed".*INSERT on "closed.t"/);
      assert.match(of("write", "may_insert"), /^ok /);
      assert.match(of("write", "not_ask"), /highest watermark cannot be read, permission denied/);
      assert.equal(lines.filter((line) => line.startsWith("failed")).length, 10, out);
      assert.doesNotMatch(out + err, /secret word/);
    }),
});

Deno.test({
  ...ignoreIf(
    server.missing,
    "a wrong password and a server that is not there fail the connection's check alone",
  ),
  fn: () =>
    withFolder(async (folder) => {
      const wrong = new URL(server.url);
      wrong.password = "not the password";
      await Deno.writeTextFile(
        join(folder, "p.yaml"),
        'version: 1\nname: p\nsource: "${S}"\ntarget: sqlite:x.db\nstreams: [{ id: a, source: a }]\n',
      );
      for (
        const [url, message] of [[wrong.href, /password authentication failed/], [
          "postgres://u@127.0.0.1:1/x",
          /refused/,
        ]] as const
      ) {
        const { code, out, err } = await program(folder, ["test", "p.yaml"], { S: url });
        assert.equal(code, 1);
        const lines = out.trimEnd().split("\n");
        assert.equal(lines.length, 3, out);
        assert.match(lines[0]!, /^failed {2}source/);
        assert.match(lines[0]!, message);
        assert.match(lines[1]!, /^ok {6}target .*made by the first load/);
        assert.doesNotMatch(out + err, /not the password/);
        for (const args of [["discover", url], ["head", url, "x"]]) {
          const ended = await program(folder, args);
          assert.equal(ended.code, 1);
          assert.match(ended.err, message);
          assert.doesNotMatch(ended.err, /not the password|\n +at /);
        }
      }
      await assert.rejects(Deno.stat(join(folder, "x.db")));
    }),
});
