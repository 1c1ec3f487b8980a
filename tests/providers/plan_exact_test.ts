/** What a plan calls exact or widened is loaded without an error, and reads back as it was. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import type { Connector } from "../../src/core/contracts/connector.ts";
import type { Provider } from "../../src/core/contracts/provider.ts";
import { createExtractTask as asTask, readRecords } from "../../src/arrow/mod.ts";
import type { RecordExtractor } from "../../src/core/contracts/extractor.ts";
import { type DXTRecord, formatValue, JSONText, type Value } from "../../src/core/values/values.ts";
import type { Field } from "../../src/models/field.ts";
import type { StreamSource, StreamTarget } from "../../src/models/source.ts";
import local from "../../src/providers/filestore/local/mod.ts";
import postgres from "../../src/providers/relational/postgres/mod.ts";
import sqlite from "../../src/providers/relational/sqlite/mod.ts";
import { extremes, FIELDS_OF_EVERY_TYPE } from "../conformance/values.ts";
import { withFolder } from "../support/run.ts";
import { freshDatabase, postgresTest } from "../support/services.ts";
import { stagedOf } from "../support/staged.ts";
import { connectContext } from "../support/connect_context.ts";
import { ignoreIf } from "../support/ignore.ts";

const { signal } = new AbortController();

/** A connection, and the table or file that is loaded. */
interface Place {
  readonly provider: Provider;
  readonly connector: Connector;
  readonly ref: StreamTarget & StreamSource;
}

const first = <T>(classes: Readonly<Record<string, T>>) => Object.values(classes)[0]!;

async function loaderOf({ provider, connector }: Place) {
  const loader = first(provider.loaders);
  return await loader.create(connector, loader.options.parse({}));
}

async function planned(place: Place, fields: readonly Field[]) {
  const { columns } = await (await loaderOf(place)).plan({
    target: place.ref,
    staged: { kind: "records", fields },
    mode: "append",
    upsertKeys: [],
    signal,
  });
  assert.deepEqual(columns.map(({ field }) => field), fields);
  return columns;
}

/** Loads the extremes of the fields, reads them again as what a table has, and compares. */
async function move(place: Place, fields: readonly Field[], records: DXTRecord[]): Promise<void> {
  const own = records.map((record) =>
    Object.fromEntries(fields.map(({ name }) => [name, record[name]!]))
  );
  const staged = stagedOf(fields, own);
  const task = {
    target: place.ref,
    mode: "append",
    upsertKeys: [],
    lossy: "stop",
    signal,
  } as const;
  assert.equal((await (await loaderOf(place)).load({ ...task, staged })).rows, records.length);
  // Text in a file reads back when it is read as the same type, which is what the plan's rule says.
  const there = place.ref.type === "file"
    ? fields
    : await place.connector.getStreamFields(place.ref);
  const extractor = await first(place.provider.extractors).create(
    place.connector,
    {},
  ) as RecordExtractor;
  const batches = extractor.extract(asTask({
    source: place.ref,
    projections: there!.filter(({ name }) => fields.some((field) => field.name === name))
      .map((field) => ({ field, column: field.name })),
    batchRows: 1000,
    batchBytes: 1 << 22,
    signal,
  }));
  const read: DXTRecord[] = [];
  for await (const batch of batches) read.push(...readRecords(batch));
  const values = (records: DXTRecord[]) =>
    records.map((record) => fields.map((field) => plain(record[field.name]!, field)));
  assert.deepEqual(values(read), values(own));
}

/**
 * A value whatever type holds it: a number without closing zeros, a day without midnight, JSON as
 * the value that it is, since jsonb has an order of keys of its own.
 */
function plain(value: Value, { dtype }: Field): unknown {
  if (value === null) return null;
  const text = formatValue(value);
  if (["json", "array", "object"].includes(dtype)) return JSON.parse(text);
  if (dtype === "date") return text.replace(/[T ]00:00:00$/, "");
  return /^-?\d+\.\d+$/.test(text) ? text.replace(/\.?0+$/, "") : text;
}

async function columnsHold(
  place: Place,
  types: readonly string[],
  make: (columns: readonly string[]) => Promise<unknown>,
  quote: (name: string) => string,
): Promise<void> {
  let moved = 0;
  const column = fc.constantFrom(...types);
  const choice = fc.array(column, {
    minLength: FIELDS_OF_EVERY_TYPE.length,
    maxLength: FIELDS_OF_EVERY_TYPE.length,
  });
  await fc.assert(
    fc.asyncProperty(choice, async (chosen) => {
      await make(FIELDS_OF_EVERY_TYPE.map(({ name }, i) => `${quote(name)} ${chosen[i]}`));
      const columns = await planned(place, FIELDS_OF_EVERY_TYPE);
      const kept = columns.filter(({ conversion }) => conversion.kind !== "lossy");
      moved += kept.length;
      if (kept.length > 0) await move(place, kept.map(({ field }) => field), extremes());
    }),
    { numRuns: 40 },
  );
  assert.ok(moved > 40, `${moved} columns`);
}

const name = (text: string) => `"${text}"`;

const POSTGRES_TYPES = [
  ...["smallint", "integer", "bigint", "real", "double precision", "numeric", "numeric(5,1)"],
  ...["numeric(12,2)", "numeric(20,0)", "numeric(40,10)", "numeric(80,2)", "text", "varchar"],
  ...["varchar(10)", "char(5)", "name", "boolean", "date", "time", "time(3)", "timestamp"],
  ...["timestamp(0)", "timestamptz", "timestamptz(3)", "bytea", "json", "jsonb", "uuid", "xml"],
  ...["interval", "text[]", "integer[]"],
];

const SQLITE_TYPES = [
  ...[
    "INT1",
    "INT2",
    "INT4",
    "TINYINT SIGNED",
    "SMALLINT SIGNED",
    "INTEGER SIGNED",
    "INTEGER",
    "TINYINT UNSIGNED",
  ],
  ...["SMALLINT UNSIGNED", "INTEGER UNSIGNED", "UNSIGNED64_TEXT", "FLOAT4", "DOUBLE", "REAL"],
  ...["TEXT", "VARCHAR(10)", "BOOLEAN", "DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "BLOB"],
  ...["JSON_TEXT", "JSON_ARRAY_TEXT", "JSON", "NUMERIC(12,2)", "NUMERIC(20,4)", "NUMERIC(20,0)"],
  ...["DECIMAL_TEXT(76,0)", "DECIMAL_TEXT(40,10)", "INT", "DATETIME"],
];

for (const version of [15, 18] as const) {
  const server = postgresTest(version);
  Deno.test({
    ...ignoreIf(
      server.missing,
      `PostgreSQL ${version}: columns that a plan calls exact or widened hold the extremes`,
    ),
    async fn() {
      await using database = await freshDatabase(server.url);
      const config = postgres.config.parse({
        sslmode: "disable",
        ...postgres.urls!.parse(database.url, "/") as object,
      });
      await using connector = await postgres.connect(config, connectContext("/", signal));
      const provider = postgres as unknown as Provider;
      const place: Place = { provider, connector, ref: { type: "relation", name: "public.t" } };
      const make = (columns: readonly string[]) =>
        database.sql(`DROP TABLE IF EXISTS t; CREATE TABLE t (${columns.join(", ")})`);
      await columnsHold(place, POSTGRES_TYPES, make, name);
      await database.sql("DROP TABLE t");
      const columns = await planned(place, FIELDS_OF_EVERY_TYPE);
      assert.ok(columns.every(({ conversion }) => conversion.kind !== "lossy"));
      await move(place, FIELDS_OF_EVERY_TYPE, extremes());
    },
  });
}

Deno.test("SQLite: columns that a plan calls exact or widened hold the extremes", () =>
  withFolder(async (folder) => {
    const context = connectContext(folder, signal);
    await using connector = await sqlite.connect({ path: "t.db" }, context);
    const provider = sqlite as unknown as Provider;
    const place: Place = { provider, connector, ref: { type: "relation", name: "t" } };
    const run = (sql: string) => {
      using database = new DatabaseSync(join(folder, "t.db"));
      database.exec(sql);
    };
    const make = (columns: readonly string[]) =>
      Promise.try(() => run(`DROP TABLE IF EXISTS t; CREATE TABLE t (${columns.join(", ")})`));
    await columnsHold(place, SQLITE_TYPES, make, name);
    run("DROP TABLE t");
    const columns = await planned(place, FIELDS_OF_EVERY_TYPE);
    assert.ok(columns.every(({ conversion }) => conversion.kind !== "lossy"));
    await move(place, FIELDS_OF_EVERY_TYPE, extremes());
  }));

for (const format of ["parquet", "arrow", "csv", "tsv", "json", "jsonl"]) {
  Deno.test(`${format}: files hold the extremes of every type, as a plan says`, () =>
    withFolder(async (folder) => {
      await using connector = await local.connect({ path: folder }, connectContext(folder, signal));
      const provider = local as unknown as Provider;
      const place: Place = { provider, connector, ref: { type: "file", path: `t.${format}` } };
      const columns = await planned(place, FIELDS_OF_EVERY_TYPE);
      assert.ok(columns.every(({ conversion }) => conversion.kind !== "lossy"));
      // JSON has one null, which is NULL: a json field's own is refused when it comes.
      const records = extremes().map((record) =>
        format.startsWith("json") && String(record["f_json"]) === "null"
          ? { ...record, f_json: new JSONText("0") }
          : record
      );
      await move(place, FIELDS_OF_EVERY_TYPE, records);
    }));
}
