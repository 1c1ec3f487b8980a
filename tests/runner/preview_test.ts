/** Plans against real systems: what they tell is what a run does, and they change nothing. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { loadPipeline } from "../../src/config/mod.ts";
import { PlanResult } from "../../src/models/plan.ts";
import { type PreviewOptions, previewPipeline } from "../../src/runner/mod.ts";
import { run, runWell, withFolder } from "../support/run.ts";
import { freshDatabase, postgresTest, type TestDatabase } from "../support/services.ts";
import { ignoreIf } from "../support/ignore.ts";

const CHINOOK = fileURLToPath(new URL("../data/chinook/chinook.sqlite", import.meta.url));
const SOURCE = { provider: "sqlite", path: CHINOOK };
const server = postgresTest(18);

type Keys = Record<string, unknown>;

async function plan(
  folder: string,
  pipeline: Keys,
  options: Partial<PreviewOptions> = {},
): Promise<PlanResult> {
  const path = join(folder, `${crypto.randomUUID()}.yaml`);
  await Deno.writeTextFile(path, JSON.stringify({ version: 1, name: "p", ...pipeline }));
  const loaded = await loadPipeline(path, { env: {} });
  const { result } = await previewPipeline(loaded, {
    signal: new AbortController().signal,
    ...options,
  });
  await Deno.remove(path);
  return PlanResult.parse(result);
}

/** Names and bytes of all files below a folder. */
async function contents(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) found.push(`${path}/`, ...await contents(path));
    else {found.push(
        `${path} ${createHash("sha256").update(await Deno.readFile(path)).digest("hex")}`,
      );}
  }
  return found.sort();
}

/** All that a database holds: relations, columns and each row with the transaction that wrote it. */
async function state({ sql }: TestDatabase): Promise<unknown> {
  const columns = await sql(
    `SELECT c.oid::text, n.nspname, c.relname, c.relkind, a.attname, a.atttypid::text, a.attnotnull
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1, 5`,
  );
  const schemas = await sql(`SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1`);
  const rows: unknown[] = [];
  const tables = await sql(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
  );
  for (const { name } of tables) {
    rows.push(
      await sql(
        `SELECT '${name}' AS name, md5(coalesce(string_agg(xmin || ctid::text || t::text, ',' ORDER BY ctid), ''))
         FROM ${name} AS t`,
      ),
    );
  }
  return [columns, schemas, rows];
}

function onPostgres(
  name: string,
  work: (folder: string, database: TestDatabase) => Promise<void>,
): void {
  Deno.test({
    ...ignoreIf(server.missing, name),
    fn: () =>
      withFolder(async (folder) => {
        await using database = await freshDatabase(server.url);
        await work(folder, database);
      }),
  });
}

Deno.test("SQLite to Parquet: sizes, types, nothing to run, nothing made", () =>
  withFolder(async (folder) => {
    const before = [await contents(folder), await Deno.readFile(CHINOOK)];
    const result = await plan(folder, {
      source: SOURCE,
      target: { provider: "local" },
      streams: [{ id: "Invoice", target: "out/invoice.parquet", source: "Invoice" }],
    });
    assert.equal(result.status, "ready");
    const [stream] = result.streams;
    assert.deepEqual(stream!.source, { name: "Invoice", kind: "table", rows: 412 });
    assert.deepEqual(stream!.target, { name: "out/invoice.parquet", exists: false });
    assert.deepEqual(stream!.statements, []);
    assert.deepEqual(stream!.fields.at(-1), {
      name: "Total",
      source: "Total",
      source_type: "NUMERIC(10,2)",
      dtype: "decimal(10,2)",
      target_type: "decimal(10,2)",
      conversion: "exact",
    });
    assert.deepEqual([await contents(folder), await Deno.readFile(CHINOOK)], before);
  }));

Deno.test("SQLite's DDL is word for word what SQLite keeps of the run", () =>
  withFolder(async (folder) => {
    const pipeline = {
      source: SOURCE,
      target: { provider: "sqlite", path: "copy.db" },
      streams: ["Track", "Employee"].map((id) => ({
        id,
        source: id,
        load: { mode: "upsert", upsert_keys: [`${id}Id`] },
      })),
    };
    const { streams } = await plan(folder, pipeline);
    assert.deepEqual(await contents(folder), []);
    await runWell(folder, { version: 1, name: "p", ...pipeline });
    using database = new DatabaseSync(join(folder, "copy.db"));
    for (const { stream, statements } of streams) {
      const made = database.prepare("SELECT sql FROM sqlite_schema WHERE name = ?").get(stream);
      assert.deepEqual([`${made!["sql"]}`.replace("TABLE ", 'TABLE "main".')], statements);
    }
  }));

onPostgres("PostgreSQL's DDL makes the tables that the run makes", async (folder, database) => {
  const tables = ["Album", "Customer", "InvoiceLine", "PlaylistTrack"];
  const pipeline = (url: string) => ({
    source: SOURCE,
    target: url,
    streams: tables.map((id) => ({
      id,
      source: id,
      target: `store."${id}"`,
      load: { mode: "replace" },
    })),
  });
  const before = await state(database);
  const result = await plan(folder, pipeline(database.url));
  assert.equal(result.status, "ready");
  assert.deepEqual(await state(database), before);
  await using other = await freshDatabase(server.url);
  // Each stream is planned for the database as it is: the schema is made by the first.
  for (const { statements } of result.streams) for (const one of statements) await other.sql(one);
  await runWell(folder, { version: 1, name: "p", ...pipeline(database.url) });
  const made = (where: TestDatabase) =>
    where.sql(
      `SELECT a.attrelid::regclass::text AS t, attname, format_type(atttypid, atttypmod) AS type,
         attnotnull, pg_get_constraintdef(k.oid) AS key
       FROM pg_attribute a LEFT JOIN pg_constraint k ON k.conrelid = a.attrelid AND k.contype = 'p'
       WHERE attnum > 0 AND attrelid IN (SELECT oid FROM pg_class
         WHERE relnamespace = 'store'::regnamespace AND relkind = 'r') ORDER BY 1, attnum`,
    );
  assert.deepEqual(await made(other), await made(database));
  const customer = result.streams.find(({ stream }) => stream === "Customer")!;
  assert.deepEqual(
    customer.fields.slice(0, 2).map((
      { name, source_type, dtype, target_type, conversion },
    ) => [name, source_type, dtype, target_type, conversion]),
    [
      ["CustomerId", "INTEGER", "int64", "bigint", "exact"],
      ["FirstName", "NVARCHAR(40)", "string", "text", "exact"],
    ],
  );
});

onPostgres(
  "an incremental upsert is planned from the target's watermark",
  async (folder, database) => {
    const pipeline = {
      source: SOURCE,
      target: database.url,
      streams: [{
        id: "Invoice",
        source: "Invoice",
        target: "public.invoice",
        extract: { mode: "incremental", watermark_field: "InvoiceId" },
        load: { mode: "upsert", upsert_keys: ["InvoiceId"] },
      }],
    };
    const [first] = (await plan(folder, pipeline)).streams;
    assert.deepEqual(first!.extract, {
      mode: "incremental",
      watermark_field: "InvoiceId",
      watermark: null,
    });
    assert.deepEqual(first!.target, { name: "public.invoice", exists: false });
    await runWell(folder, { version: 1, name: "p", ...pipeline });
    const before = await state(database);
    const [second] = (await plan(folder, pipeline)).streams;
    assert.equal(second!.extract.watermark, "412");
    assert.equal(second!.extract.after, "412");
    assert.deepEqual(second!.target, { name: "public.invoice", exists: true, rows: 412 });
    assert.ok(
      second!.statements.every((one) => /pg_temp|TEMPORARY/.test(one)),
      `${second!.statements}`,
    );
    assert.deepEqual(second!.destructive, []);
    const [whole] = (await plan(folder, pipeline, { fullRefresh: true })).streams;
    assert.equal(whole!.extract.mode, "full");
    assert.deepEqual(whole!.destructive, ['412 rows of "public.invoice" are deleted']);
    assert.deepEqual(await state(database), before);
  },
);

onPostgres(
  "what a replacement and a swap lose is reported with its rows",
  async (folder, database) => {
    await database.sql(
      `CREATE TABLE genre ("GenreId" bigint PRIMARY KEY, "Name" text);
     INSERT INTO genre VALUES (1, 'a'), (2, 'b'); CREATE TABLE empty (LIKE genre)`,
    );
    const before = await state(database);
    const replace = (target: string, loader: Keys = {}) => ({
      source: SOURCE,
      target: database.url,
      streams: [{ id: "g", source: "Genre", target, load: { mode: "replace" }, ...loader }],
    });
    const [deleted] = (await plan(folder, replace("public.genre"))).streams;
    assert.deepEqual(deleted!.destructive, ['2 rows of "public.genre" are deleted']);
    assert.equal(deleted!.statements.at(-1), "DELETE FROM public.genre");
    const [empty] = (await plan(folder, replace("public.empty"))).streams;
    assert.deepEqual(empty!.destructive, []);
    const swap = { loader: { class: "PostgresCopyLoader", config: { replace: "swap" } } };
    const [swapped] = (await plan(folder, replace("public.genre", swap))).streams;
    assert.match(swapped!.destructive[0]!, /^"public.genre" is dropped with 2 rows/);
    assert.ok(swapped!.statements.includes("DROP TABLE public.genre"), `${swapped!.statements}`);
    assert.deepEqual(await state(database), before);
  },
);

onPostgres(
  "a lossy conversion stops a run until the pipeline accepts it",
  async (folder, database) => {
    await database.sql(`CREATE TABLE line ("InvoiceLineId" integer, "UnitPrice" numeric(3,1))`);
    const pipeline = (load: Keys, fields: Keys[] = [{ id: "InvoiceLineId" }]) => ({
      source: SOURCE,
      target: database.url,
      streams: [{
        id: "line",
        source: "InvoiceLine",
        target: "public.line",
        only_declared_fields: true,
        fields,
        load,
      }],
    });
    const before = await state(database);
    const stopped = await plan(folder, pipeline({}));
    assert.equal(stopped.status, "stopped");
    assert.deepEqual(stopped.streams[0]!.fields[0], {
      name: "InvoiceLineId",
      source: "InvoiceLineId",
      source_type: "INTEGER",
      dtype: "int64",
      target_type: "integer",
      conversion: "lossy",
      note: "refused when a value is no int32",
      accepted: false,
    });
    assert.match(stopped.streams[0]!.problems[0]!, /"InvoiceLineId".*load: \{ lossy: accept \}/);
    const refused = await run(folder, { version: 1, name: "p", ...pipeline({}) });
    assert.equal(refused.streams[0]!.error?.type, "LossyConversionError");
    assert.match(refused.streams[0]!.error!.message, /load: \{ lossy: accept \}/);
    assert.deepEqual(await state(database), before);
    const accepted = await plan(folder, pipeline({ lossy: "accept" }));
    assert.equal(accepted.status, "ready");
    assert.equal(accepted.streams[0]!.fields[0]!.accepted, true);
    const result = await runWell(folder, {
      version: 1,
      name: "p",
      ...pipeline({ lossy: "accept", mode: "replace" }),
    });
    assert.equal(result.streams[0]!.rows_loaded, 2240);
    const [sum] = await database.sql(`SELECT sum("InvoiceLineId")::int AS n FROM line`);
    assert.equal(sum!["n"], 2240 * 2241 / 2);
    // 0.99 has two digits after the point: what is accepted is still never changed.
    const price = pipeline({ lossy: "accept" }, [{ id: "UnitPrice" }]);
    const changed = await run(folder, { version: 1, name: "p", ...price });
    assert.match(changed.streams[0]!.error!.message, /field "UnitPrice".*value is "0.99"/);
  },
);

Deno.test("a declared narrower type is lossy and accepted: its values decide", () =>
  withFolder(async (folder) => {
    const pipeline = {
      source: SOURCE,
      target: { provider: "local" },
      streams: [{
        id: "Track",
        source: "Track",
        target: "t.csv",
        fields: [{ id: "TrackId", dtype: "int16" }, { id: "Bytes", dtype: "int32" }],
      }],
    };
    const { status, streams } = await plan(folder, pipeline);
    assert.equal(status, "ready");
    const [id] = streams[0]!.fields;
    assert.equal(id!.conversion, "lossy");
    assert.equal(id!.accepted, true);
    assert.equal(id!.note, "refused when a value is no int16");
    const result = await runWell(folder, { version: 1, name: "p", ...pipeline });
    assert.equal(result.streams[0]!.rows_loaded, 3503);
  }));

onPostgres(
  "each stream's errors are its own, and the others are planned",
  async (folder, database) => {
    const role = `dxt_poor_${crypto.randomUUID().slice(0, 8)}`;
    await database.sql(
      `CREATE TABLE secret (a int); CREATE TABLE open (a int); CREATE ROLE ${role} LOGIN PASSWORD 'poor';
     GRANT SELECT ON open TO ${role}`,
    );
    try {
      const url = new URL(database.url);
      [url.username, url.password] = [role, "poor"];
      const stream = (id: string) => ({ id, source: `public.${id}`, target: `${id}.csv` });
      const { status, streams } = await plan(folder, {
        source: url.href,
        target: { provider: "local" },
        streams: ["missing", "secret", "open"].map(stream),
      });
      assert.equal(status, "partial");
      const [missing, secret, open] = streams;
      assert.match(
        missing!.problems[0]!,
        /stream "missing": Cannot find relation "public.missing"/,
      );
      assert.match(secret!.problems[0]!, /stream "secret": .*permission denied for table secret/);
      assert.equal(open!.status, "ready");
      const { streams: [apart] } = await plan(folder, {
        source: url.href,
        target: { provider: "local" },
        streams: [{
          ...stream("apart"),
          source: { type: "relation", schema: "public", name: "missing" },
        }],
      });
      assert.match(apart!.problems[0]!, /Cannot find relation "public\.missing"/);
      const { streams: [closed] } = await plan(folder, {
        source: SOURCE,
        target: url.href,
        streams: [{ id: "Genre", source: "Genre", target: "public.genre" }],
      });
      assert.equal(closed!.status, "failed");
      assert.match(closed!.problems.join(), /lacks CREATE on schema "public"/);
      assert.equal(closed!.fields.length, 2);
    } finally {
      await database.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  },
);

Deno.test("an unreachable target leaves what the source says", () =>
  withFolder(async (folder) => {
    const { status, streams } = await plan(folder, {
      source: SOURCE,
      target: "postgres://nobody:hunter22@127.0.0.1:1/none",
      streams: ["Genre", "Artist"].map((id) => ({ id, source: id })),
    });
    assert.equal(status, "failed");
    for (const { source, problems } of streams) {
      assert.equal(source.kind, "table");
      assert.match(problems.join(), /Cannot plan the target of stream .*127\.0\.0\.1:1/);
      assert.doesNotMatch(problems.join(), /hunter22/);
    }
  }));

onPostgres(
  "sizes are those of the catalogue, or what the planner expects",
  async (folder, database) => {
    await database.sql(
      `CREATE TABLE t AS SELECT n, n % 2 AS odd FROM generate_series(1, 1000) AS n; ANALYZE t;
     CREATE TABLE fresh (a int) WITH (autovacuum_enabled = off);
     CREATE VIEW v AS SELECT * FROM t; CREATE MATERIALIZED VIEW m AS SELECT * FROM t; ANALYZE m;
     CREATE TABLE parts (a int) PARTITION BY RANGE (a);
     CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (100);
     INSERT INTO parts SELECT generate_series(0, 99); ANALYZE part`,
    );
    const sources: [unknown, string, number | undefined][] = [
      ["public.t", "table", 1000],
      ["public.fresh", "table", undefined],
      ["public.v", "view", 1000],
      ["public.m", "materialised view", 1000],
      ["public.parts", "partitioned table", 100],
      [{ type: "relation", name: "public.t", where: "odd = 1" }, "table with a condition", 500],
      [{ type: "sql", sql: "SELECT n FROM t LIMIT 7; -- seven" }, "query", 7],
      [{ type: "function", name: "generate_series", args: [1, 3] }, "function", 3],
    ];
    const { status, streams } = await plan(folder, {
      source: database.url,
      target: { provider: "local" },
      streams: sources.map(([source], i) => ({ id: `s${i}`, source, target: `${i}.csv` })),
    });
    assert.equal(status, "ready");
    for (const [i, { source }] of streams.entries()) {
      const [, kind, rows] = sources[i]!;
      assert.equal(source.kind, kind);
      if (rows === undefined) assert.equal(source.rows, undefined);
      else assert.ok(Math.abs(source.rows! - rows) <= rows / 10, `${kind}: ${source.rows}`);
      if (rows !== undefined) assert.ok(source.bytes! > 0, kind);
    }
  },
);

Deno.test("types of text are guessed, and a plan says so", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "a.csv"), "x,y\n1,a\n2,b\n");
    const [stream] = (await plan(folder, {
      source: { provider: "local" },
      target: "sqlite:w.db",
      streams: [{ id: "a", source: "a.csv", fields: [{ id: "x", dtype: "int16" }] }],
    })).streams;
    assert.deepEqual(stream!.source, { name: "a.csv", kind: "csv file", bytes: 12 });
    const [x, y] = stream!.fields;
    assert.equal(x!.note, "type guessed from values, refused when a value is no int16");
    assert.equal(x!.accepted, true);
    assert.equal(y!.note, "type guessed from values");
    assert.equal(stream!.status, "ready");
  }));
