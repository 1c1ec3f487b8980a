/**
 * Every type that may be a watermark, from every source that has it, into every target: of three rows
 * the four runs read 3, then 0, then the 1 that is new and greater, then 0. A type whose order source
 * and target do not share is refused in each of them.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createExtractTask, readRecords } from "../../src/arrow/mod.ts";
import type { Connector } from "../../src/core/contracts/connector.ts";
import type { RecordExtractor } from "../../src/core/contracts/extractor.ts";
import type { Loader } from "../../src/core/contracts/loader.ts";
import type { Provider } from "../../src/core/contracts/provider.ts";
import type { DXTRecord } from "../../src/core/values/values.ts";
import type { StreamSource, StreamTarget } from "../../src/models/source.ts";
import local from "../../src/providers/filestore/local/mod.ts";
import postgres from "../../src/providers/relational/postgres/mod.ts";
import sqlite from "../../src/providers/relational/sqlite/mod.ts";
import { resolveFields, withTargetTypes } from "../../src/runner/plan/resolve_fields.ts";
import { refuseUnordered, watermarkRange } from "../../src/runner/plan/watermark.ts";
import { connectContext } from "../support/connect_context.ts";
import { withFolder } from "../support/run.ts";
import { stagedOf } from "../support/staged.ts";
import { freshDatabase, postgresTest, type TestDatabase } from "../support/services.ts";
import { ignoreIf } from "../support/ignore.ts";

const FORMATS = ["parquet", "arrow", "csv", "tsv", "json", "jsonl"] as const;

/** The type of a column and its values as literals: three that are not in order, and a greater one. */
type Case = readonly [type: string, three: string, greater: string];

/** Text sorts otherwise in these than the values do, or the collation otherwise than code points. */
const POSTGRES: Readonly<Record<string, Case>> = {
  int16: ["smallint", "9, 10, -200", "100"],
  int32: ["integer", "9, 10, -200", "100"],
  int64: ["bigint", "9, 9007199254740992, 10", "9007199254740993"],
  float32: ["real", "9, 10.5, -1e30", "1e30"],
  float64: ["double precision", "9, 10.5, -1e300", "1e300"],
  decimal: ["numeric(20,2)", "9.99, 10.01, -100", "10.02"],
  wide: ["numeric(60,20)", "9.99, 10.01, -100", "10.01000000000000000001"],
  number: ["numeric", "9, 10.5, -200", "100.5"],
  varying: ["numeric(5,-2)", "900, 1000, -2000", "10000"],
  text: ["text", "'a', 'B', 'Z'", "'b'"],
  // Under this collation Z is the highest of the three; by code points it is a.
  collated: ['text COLLATE "und-x-icu"', "'a', 'B', 'Z'", "'b'"],
  varchar: ['varchar(20) COLLATE "und-x-icu"', "'a', 'B', 'Z'", "'é'"],
  char: ["char(5)", "'a', 'B', 'Z'", "'b'"],
  name: ["name", "'a', 'B', 'Z'", "'b'"],
  byte: ['"char"', "'a', 'B', 'Z'", "'b'"],
  uuid: [
    "uuid",
    "'0190163d-8694-739b-aea5-966c26f8ad91', '00000000-0000-0000-0000-00000000000a', '1190163d-8694-739b-aea5-966c26f8ad91'",
    "'B190163D-8694-739B-AEA5-966C26F8AD91'",
  ],
  date: ["date", "'2024-02-29', '0999-12-31', '1969-12-31'", "'2024-03-01'"],
  time: ["time", "'09:00', '10:00:00.000001', '00:00'", "'10:00:00.000002'"],
  timestamp: [
    "timestamp",
    "'2024-01-01', '1969-12-31 23:59:59.9', '0999-01-01'",
    "'2024-01-01 00:00:00.000001'",
  ],
  timestamptz: [
    "timestamptz",
    "'2024-01-01 00:00Z', '1969-12-31Z', '0999-01-01Z'",
    "'2024-01-01 00:00:00.000001Z'",
  ],
};

/** Compared by rules of PostgreSQL, which no other system has. */
const NATIVE: Readonly<Record<string, Case>> = {
  interval: ["interval", "'9 days', '10 days', '1 hour'", "'1 mon'"],
  inet: ["inet", "'9.0.0.1', '10.0.0.1', '1.1.1.1'", "'100.0.0.1'"],
  cidr: ["cidr", "'9.0.0.0/8', '10.0.0.0/8', '1.0.0.0/8'", "'100.0.0.0/8'"],
  macaddr: [
    "macaddr",
    "'08:00:2b:01:02:03', '08:00:2b:01:02:04', '00:00:2b:01:02:04'",
    "'0a:00:2b:01:02:04'",
  ],
  bit: ["bit varying(8)", "B'1', B'01', B'001'", "B'11'"],
  timetz: ["timetz", "'09:00+00', '10:00+00', '08:00+00'", "'10:00-01'"],
  money: ["money", "'9', '10', '-200'", "'100'"],
};

/** Of no order that two systems share, or of none. */
const UNORDERED: Readonly<Record<string, Case>> = {
  enum: ["mood", "'sad', 'ok', 'sad'", "'happy'"],
  range: ["int4range", "'[1,2)', '[9,10)', '[2,3)'", "'[10,11)'"],
  composite: ["pair", "ROW(1,2)::pair, ROW(9,2)::pair, ROW(10,2)::pair", "ROW(100,2)::pair"],
  bool: ["boolean", "true, false, true", "true"],
  bytea: ["bytea", "'\\x01', '\\x02', '\\x03'", "'\\x04'"],
  json: ["jsonb", "'1', '2', '3'", "'4'"],
  array: ["integer[]", "'{1}', '{2}', '{3}'", "'{4}'"],
  ranges: ["int4range[]", `'{"[1,2)"}', '{"[2,3)"}', '{"[3,4)"}'`, `'{"[4,5)"}'`],
  vector: ["tsvector", "'a', 'b', 'c'", "'d'"],
};

const SQLITE: Readonly<Record<string, Case>> = {
  number: ["NUMERIC_ANY", "9, 10.5, -200", "100.5"],
  "number as text": ["NUMERIC_TEXT", "'9', '10.5', '-200'", "'100.5'"],
  int64: ["INTEGER", "9, 9007199254740992, 10", "9007199254740993"],
  int16: ["SMALLINT SIGNED", "9, 10, -200", "100"],
  uint64: ["UNSIGNED64_TEXT", "'9', '10', '2'", "'18446744073709551615'"],
  float64: ["DOUBLE", "9, 10.5, -1e300", "1e300"],
  decimal: ["NUMERIC(10,2)", "9.99, 10.01, -100", "10.02"],
  digits: ["DECIMAL_TEXT(40,20)", "'9.99', '10.01', '-100'", "'10.01000000000000000001'"],
  numeric: ["NUMERIC", "9, 10.5, -200", "100.25"],
  text: ["TEXT", "'a', 'B', 'Z'", "'b'"],
  nocase: ["TEXT COLLATE NOCASE", "'a', 'B', 'Z'", "'b'"],
  varchar: ["VARCHAR(20) COLLATE RTRIM", "'a', 'a ', 'Z'", "'a  '"],
  date: ["DATE", "'2024-02-29', '0999-12-31', '1969-12-31'", "'2024-03-01'"],
  time: ["TIME", "'09:00:00', '10:00:00.000001', '00:00:00'", "'10:00:00.000002'"],
  timestamp: [
    "TIMESTAMP",
    "'2024-01-01 00:00:00', '2023-12-31T23:59:59', '0999-01-01'",
    "'2024-01-01 00:00:00.000001'",
  ],
  timestamptz: [
    "TIMESTAMPTZ",
    "'2024-01-01T00:00:00+02:00', '2023-12-31 23:00:00Z', '0999-01-01T00:00:00Z'",
    "'2024-01-01 00:00:00+00:00'",
  ],
  untyped: ["", "9, 10, 2", "100"],
};

/** An end of the runs: a provider of dxt, and a connection's keys. */
interface End {
  readonly provider: Provider;
  readonly config: unknown;
}

interface Target extends End {
  /** What a stream is loaded into. */
  ref(stream: string): StreamTarget;
}

interface Source extends End {
  readonly streams: readonly { readonly id: string; readonly ref: StreamSource }[];
  /** Adds the greater rows. */
  grow(): Promise<void>;
}

const { signal } = new AbortController();

async function connected({ provider, config }: End): Promise<Connector> {
  return await provider.connect(provider.config.parse(config), connectContext("/", signal));
}

/** What four runs read of each stream, or "refused". */
async function fourRuns(source: Source, target: Target) {
  await using from = await connected(source);
  await using to = await connected(target);
  const extractor = await firstOf(source.provider.extractors).create(from, {}) as RecordExtractor;
  const [loaderClass] = Object.values(target.provider.loaders);
  const loader = await loaderClass!.create(to, loaderClass!.options.parse({}));
  const seen = new Map<string, (number | string)[]>();
  for (const number of [1, 2, 3, 4]) {
    if (number === 3) await source.grow();
    for (const { id, ref } of source.streams) {
      const read = await oneRun({ from, extractor, ref }, { to, loader, ref: target.ref(id) });
      seen.set(id, [...seen.get(id) ?? [], read]);
    }
  }
  return seen;
}

/** As the runner does it, over connections in this thread: a run of each stream would take minutes. */
async function oneRun(
  { from, extractor, ref }: { from: Connector; extractor: RecordExtractor; ref: StreamSource },
  { to, loader, ref: target }: { to: Connector; loader: Loader; ref: StreamTarget },
): Promise<number | string> {
  const resolved = resolveFields({ id: "s", source: "s" }, (await from.getStreamFields(ref))!);
  const { projections } = withTargetTypes(resolved, await to.getStreamFields(target) ?? [], "none");
  const { field } = projections[0]!;
  try {
    refuseUnordered(field);
    const max = await loader.getMaxWatermark(target, field.name, { as: field });
    const range = watermarkRange({}, field, max);
    const task = { source: ref, projections, range, batchRows: 100, batchBytes: 1 << 20, signal };
    const records: DXTRecord[] = [];
    for await (const batch of extractor.extract(createExtractTask(task))) {
      records.push(...readRecords(batch));
    }
    const staged = stagedOf([field], records);
    await loader.load({ target, staged, mode: "append", upsertKeys: [], signal });
    return records.length;
  } catch (error) {
    const { message } = error as Error;
    return /has no order|its own order/.test(message) ? "refused" : message;
  }
}

function firstOf<T>(classes: Readonly<Record<string, T>>): T {
  return Object.values(classes)[0]!;
}

function holds(
  seen: ReadonlyMap<string, readonly (number | string)[]>,
  isRefused: (stream: string) => boolean,
): void {
  const wanted = new Map(
    [...seen.keys()].map((id) => [id, isRefused(id) ? Array(4).fill("refused") : [3, 0, 1, 0]]),
  );
  assert.deepEqual(seen, wanted);
}

const server = postgresTest(15);

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

async function postgresSource(database: TestDatabase): Promise<Source> {
  const all = { ...POSTGRES, ...NATIVE, ...UNORDERED };
  await database.sql(
    "CREATE TYPE mood AS ENUM ('happy', 'sad', 'ok'); CREATE TYPE pair AS (a int, b int)",
  );
  for (const [id, [type, three]] of Object.entries(all)) {
    const rows = three.split(/, (?!2\))/).map((value) => `(${value})`).join(", ");
    await database.sql(`CREATE TABLE "${id}" (w ${type}); INSERT INTO "${id}" VALUES ${rows}`);
  }
  return {
    ...postgresEnd(database),
    streams: Object.keys(all).map((id) => ({ id, ref: { type: "relation", name: id } })),
    async grow() {
      for (const [id, [, , greater]] of Object.entries(all)) {
        await database.sql(`INSERT INTO "${id}" VALUES (${greater})`);
      }
    },
  };
}

function sqliteSource(folder: string): Source {
  const path = join(folder, "source.db");
  const change = (statement: (id: string, one: Case) => string) => {
    using database = new DatabaseSync(path);
    for (const [id, one] of Object.entries(SQLITE)) database.exec(statement(id, one));
    return Promise.resolve();
  };
  change((id, [type, three]) =>
    `CREATE TABLE "${id}" (w ${type}); INSERT INTO "${id}" VALUES ${
      three.split(", ").map((value) => `(${value})`).join(", ")
    }`
  );
  return {
    provider: sqlite as unknown as Provider,
    config: { path },
    streams: Object.keys(SQLITE).map((id) => ({ id, ref: { type: "relation", name: id } })),
    grow: () => change((id, [, , greater]) => `INSERT INTO "${id}" VALUES (${greater})`),
  };
}

function postgresEnd(database: TestDatabase): End {
  return {
    provider: postgres as unknown as Provider,
    config: postgres.urls!.parse(database.url, "/"),
  };
}

/** Formats that guess types from the first values, and cases whose greater value is of no such type. */
const GUESSED: ReadonlySet<string> = new Set(["csv", "tsv", "json", "jsonl"]);
const BEYOND_GUESS: ReadonlySet<string> = new Set(["uint64", "digits", "numeric"]);

/** Files of all formats with the rows of the SQLite source. */
async function fileSource(folder: string): Promise<Source> {
  const database = sqliteSource(folder);
  const files = FORMATS.flatMap((format) =>
    database.streams.filter(({ id }) => !GUESSED.has(format) || !BEYOND_GUESS.has(id)).map((
      stream,
    ) => ({
      ...stream,
      file: { type: "file", path: `${stream.id}.${format}` } as const,
    }))
  );
  const end = { provider: local as unknown as Provider, config: { path: join(folder, "files") } };
  const write = async () => {
    await using from = await connected(database);
    await using to = await connected(end);
    const extractor = await firstOf(database.provider.extractors).create(from, {});
    const loader = await firstOf(end.provider.loaders).create(to, {});
    for (const { ref, file } of files) {
      const fields = (await from.getStreamFields(ref))!;
      const projections = fields.map((field) => ({ field, column: field.name }));
      const task = { source: ref, projections, batchRows: 100, batchBytes: 1 << 20, signal };
      const records: DXTRecord[] = [];
      for await (const batch of (extractor as RecordExtractor).extract(createExtractTask(task))) {
        records.push(...readRecords(batch));
      }
      const staged = stagedOf(fields, records);
      await loader.load({ target: file, staged, mode: "replace", upsertKeys: [], signal });
    }
  };
  await write();
  return {
    ...end,
    streams: files.map(({ file }) => ({ id: file.path.replace(".", "_"), ref: file })),
    async grow() {
      await database.grow();
      await write();
    },
  };
}

function fileTarget(folder: string, format: string): Target {
  return {
    provider: local as unknown as Provider,
    config: { path: join(folder, `to_${format}`) },
    ref: (stream) => ({ type: "file", path: `${stream}.${format}` }),
  };
}

const sqliteTarget = (folder: string): Target => ({
  provider: sqlite as unknown as Provider,
  config: { path: join(folder, "target.db") },
  ref: (stream) => ({ type: "relation", name: stream }),
});

const postgresTarget = (database: TestDatabase): Target => ({
  ...postgresEnd(database),
  ref: (stream) => ({ type: "relation", name: stream, schema: "copy" }),
});

const isUnordered = (id: string) => Object.hasOwn(UNORDERED, id);
const isNative = (id: string) => isUnordered(id) || Object.hasOwn(NATIVE, id);

onPostgres("four runs from PostgreSQL into PostgreSQL", async (_folder, database) => {
  const source = await postgresSource(database);
  await database.sql("CREATE SCHEMA copy");
  holds(await fourRuns(source, postgresTarget(database)), isUnordered);
});

for (const format of ["", ...FORMATS]) {
  onPostgres(`four runs from PostgreSQL into ${format || "SQLite"}`, async (folder, database) => {
    const target = format === "" ? sqliteTarget(folder) : fileTarget(folder, format);
    holds(await fourRuns(await postgresSource(database), target), isNative);
  });
}

for (
  const [name, sourceOf, formats] of [
    ["SQLite", sqliteSource, FORMATS],
    ["files", fileSource, ["parquet", "csv"]],
  ] as const
) {
  onPostgres(`four runs from ${name} into PostgreSQL`, async (folder, database) => {
    await database.sql("CREATE SCHEMA copy");
    holds(await fourRuns(await sourceOf(folder), postgresTarget(database)), () => false);
  });

  for (const format of ["", ...formats]) {
    Deno.test(`four runs from ${name} into ${format || "SQLite"}`, () =>
      withFolder(async (folder) => {
        const target = format === "" ? sqliteTarget(folder) : fileTarget(folder, format);
        holds(await fourRuns(await sourceOf(folder), target), () => false);
      }));
  }
}
