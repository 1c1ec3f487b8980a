/** Paths from PostgreSQL. */
import { expectedTotals } from "../tables.ts";
import {
  dxt,
  floor,
  type Path,
  peer,
  type Table,
  unconfined,
  verifying,
  type Way,
} from "../way.ts";
import {
  dlt,
  emptyTable,
  filled,
  ingestr,
  inParquet,
  inPostgres,
  inSQLite,
  sling,
} from "./common.ts";

const copyOut = (table: Table) => `sql "$SOURCE" -c 'COPY ${table} TO STDOUT (FORMAT binary)'`;
const copyIn = (table: Table) => `sql "$TARGET" -c 'COPY ${table} FROM STDIN (FORMAT binary)'`;

const rawPipe = (table: Table, atMost: number) =>
  floor("COPY | COPY", ["psql"], `${copyOut(table)} | ${copyIn(table)}`, {
    prepare: emptyTable(table),
    fills: true,
    atMost,
  });

const pgcopydb = (table: Table) =>
  peer(
    "pgcopydb",
    `pgcopydb clone --source "$SOURCE" --target "$TARGET" --dir "$WORK/pgcopydb" --table-jobs 2 \\
      --index-jobs 2 --split-tables-larger-than 32MB --filters filters.ini --skip-extensions \\
      --skip-large-objects --no-owner --no-acl --no-comments`,
    {
      prepare: `printf '[include-only-table]\\npublic.${table}\\n' > filters.ini`,
      atMost: 0.75,
    },
  );

const pgloader = (table: Table) =>
  peer("pgloader", "pgloader --no-ssl-cert-verification move.load", {
    prepare: `cat > move.load <<EOF
LOAD DATABASE FROM $SOURCE INTO $TARGET
  WITH workers = 2, concurrency = 1, prefetch rows = 10000
  INCLUDING ONLY TABLE NAMES MATCHING '${table}' IN SCHEMA 'public';
EOF`,
  });

function toPostgres(table: Table): Path {
  const streams = [{ id: table, source: table, target: table }];
  const pipeline = { source: "${SOURCE}", target: "${TARGET}", streams };
  return {
    name: `PostgreSQL → stage → PostgreSQL, ${table}`,
    from: "postgres",
    table,
    totals: inPostgres(table),
    compares: "seconds",
    memory: 450,
    ways: [
      dxt(pipeline),
      unconfined(pipeline),
      verifying("counts", pipeline),
      verifying("full", pipeline),
      rawPipe(table, 1.15),
      floor(
        "COPY | COPY, two parts",
        ["psql"],
        `"$PEERS/two_parts.sh" ${table} '| psql -qAtX -d "$TARGET" -c "COPY ${table} FROM STDIN (FORMAT binary)"'`,
        { prepare: emptyTable(table), fills: true },
      ),
      pgcopydb(table),
      pgloader(table),
      sling("$SOURCE", `public.${table}`, "$TARGET", `public.${table}`),
      dlt("$SOURCE", table, "$TARGET"),
      ingestr("$SOURCE", `public.${table}`, "$TARGET", `public.${table}`),
    ],
  };
}

function inPhases(): Path {
  const table = "wide";
  const buffer = { format: "parquet", compression: "zstd" };
  const streams = [{ id: table, source: table, target: table, load: { early: false } }];
  return {
    name: "PostgreSQL → stage → PostgreSQL, wide, phases in sequence, zstd",
    from: "postgres",
    table,
    totals: inPostgres(table),
    compares: "seconds",
    memory: 256,
    ways: [
      dxt({ source: "${SOURCE}", target: "${TARGET}", buffer, streams }),
      rawPipe(table, 1.2),
    ],
  };
}

function toParquet(table: Table): Path {
  const pipeline = {
    source: "${SOURCE}",
    target: { provider: "local", path: "${OUT}" },
    streams: [{ id: table, source: table, target: `${table}.parquet` }],
  };
  return {
    name: `PostgreSQL → zstd Parquet, ${table}`,
    from: "postgres",
    table,
    ...inParquet(),
    compares: "seconds",
    memory: 450,
    ways: [
      dxt(pipeline),
      verifying("full", pipeline),
      floor("COPY > /dev/null", ["psql"], `${copyOut(table)} > /dev/null`, { atMost: 0.8 }),
      floor(
        "COPY > /dev/null, two parts",
        ["psql"],
        `"$PEERS/two_parts.sh" ${table} '> /dev/null'`,
        { atMost: 1.35 },
      ),
      peer(
        "connectorx",
        `"$CONNECTORX" "$PEERS/connectorx_parquet.py" "$SOURCE" ${table} "$OUT/${table}.parquet"`,
      ),
      sling("$SOURCE", `public.${table}`, "file://$OUT", `file://$OUT/${table}.parquet`),
      dlt("$SOURCE", table, "file://$OUT"),
    ],
  };
}

function toSQLite(): Path {
  const pipeline = {
    source: "${SOURCE}",
    target: { provider: "sqlite", path: "${OUT}/wide.db" },
    streams: [{ id: "wide", source: "wide", target: "wide" }],
  };
  return {
    name: "PostgreSQL → SQLite, wide",
    from: "postgres",
    totals: inSQLite(),
    compares: "seconds",
    memory: 450,
    ways: [
      dxt(pipeline),
      verifying("counts", pipeline),
      verifying("full", pipeline),
      floor(
        "\\copy csv, .import",
        ["psql", "sqlite3"],
        `sql "$SOURCE" -c "\\copy wide to '$OUT/wide.csv' csv"
sqlite3 "$OUT/wide.db" -cmd '.mode csv' ".import $OUT/wide.csv wide"`,
        { prepare: filled, fills: true, atMost: 0.8 },
      ),
      sling("$SOURCE", "public.wide", "sqlite://$OUT/wide.db", "main.wide"),
      dlt("$SOURCE", "wide", "sqlite:///$OUT/wide.db"),
      ingestr("$SOURCE", "public.wide", "sqlite:///$OUT/wide.db", "main.wide"),
    ],
  };
}

function toText(format: "csv" | "jsonl", what: string, command: string): Path {
  return {
    name: `PostgreSQL → ${format === "csv" ? "CSV" : "JSON Lines"}, wide`,
    from: "postgres",
    totals: format === "csv"
      ? `tail -n +2 "$OUT/wide.csv" | awk -F, '{ s += $1 } END { printf "%d|%.0f", NR, s }'`
      : `sed -E 's/.*"id": ?([0-9]+).*/\\1/' "$OUT/wide.jsonl" |
        awk '{ s += $1 } END { printf "%d|%.0f", NR, s }'`,
    compares: "seconds",
    memory: 450,
    ways: [
      dxt({
        source: "${SOURCE}",
        target: { provider: "local", path: "${OUT}" },
        streams: [{ id: "wide", source: "wide", target: `wide.${format}` }],
      }),
      floor(what, ["psql"], command, { fills: true }),
      sling("$SOURCE", "public.wide", "file://$OUT", `file://$OUT/wide.${format}`),
    ],
  };
}

/** Rows from one refused row to the next: ten are refused of three million. */
const REJECTED_EVERY = 300_000;
const REJECTED_FIRST = 7;

/** What the good rows cost when the target refuses some. */
function withRejectedRows(): Path {
  const load = (on_load_error: "retry" | "skip") =>
    dxt({
      source: "${SOURCE}",
      target: "${TARGET}",
      streams: [{ id: "wide", source: "wide", target: "wide", load: { mode: "append" } }],
      defaults: { error_handling: { on_load_error } },
    });
  const ours = load("skip");
  const refuse = `sql "$TARGET" -c \
    'ALTER TABLE wide ADD CHECK (id % ${REJECTED_EVERY} <> ${REJECTED_FIRST})'`;
  return {
    name: "PostgreSQL → stage → PostgreSQL, wide, rejected rows",
    from: "postgres",
    totals: inPostgres("wide"),
    expects(rows) {
      const all = expectedTotals(rows);
      const rejected = Math.ceil((rows - REJECTED_FIRST + 1) / REJECTED_EVERY);
      const each = REJECTED_FIRST + REJECTED_EVERY * (rejected - 1) / 2;
      return { rows: all.rows - rejected, sum: all.sum - rejected * each };
    },
    compares: "seconds",
    memory: 450,
    ways: [
      { ...ours, prepare: `${emptyTable("wide")}\n${refuse}\n${ours.prepare}` },
      ...(["skip", "retry"] as const).map((on_load_error) => {
        const { script, prepare } = load(on_load_error);
        return floor(`dxt, no row rejected, ${on_load_error}`, [], script, {
          prepare: `${emptyTable("wide")}\n${prepare}`,
          ...(on_load_error === "retry" ? { atMost: 1.5 } : {}),
        });
      }),
    ],
  };
}

const MAKE_SMALL_TABLES = `
sql "$SOURCE" <<'SQL'
SET client_min_messages = warning;
CREATE SCHEMA IF NOT EXISTS small;
DO $$ BEGIN
  FOR i IN 1..40 LOOP
    EXECUTE format('CREATE TABLE IF NOT EXISTS small.t%s AS
      SELECT id::bigint, md5(id::text) AS name FROM generate_series(1, 2) AS id', i);
  END LOOP;
END $$;
SQL`;

/** Forty tables of two rows: what each stream costs. */
function manyStreams(): Path {
  const pipeline = {
    source: "${SOURCE}",
    target: "${TARGET}",
    defaults: { load: { mode: "replace" } },
    streams: [{ source: "small.*", target: "public.{table}" }],
  };
  const prepared = (way: Way, atMost?: number): Way => ({
    ...way,
    prepare: `${MAKE_SMALL_TABLES}\n${way.prepare ?? ""}`,
    ...(atMost === undefined ? {} : { atMost }),
  });
  const union = Array.from({ length: 40 }, (_, i) => `SELECT id FROM public.t${i + 1}`);
  return {
    name: "PostgreSQL → stage → PostgreSQL, forty tables of two rows",
    from: "postgres",
    totals: `sql "$TARGET" -c 'SELECT count(*), sum(id) FROM (${union.join(" UNION ALL ")}) AS t'`,
    expects: () => ({ rows: 80, sum: 120 }),
    compares: "cpu",
    memory: 450,
    ways: [
      prepared(dxt(pipeline)),
      prepared(unconfined(pipeline), 1.5),
      prepared(sling("$SOURCE", "small.*", "$TARGET", "public.{stream_table}")),
    ],
  };
}

export const FROM_POSTGRES: readonly Path[] = [
  toPostgres("wide"),
  inPhases(),
  withRejectedRows(),
  manyStreams(),
  toPostgres("narrow"),
  toParquet("wide"),
  toParquet("narrow"),
  toSQLite(),
  toText("csv", "\\copy csv", `sql "$SOURCE" -c "\\copy wide to '$OUT/wide.csv' csv header"`),
  toText(
    "jsonl",
    "COPY row_to_json",
    `sql "$SOURCE" -c 'COPY (SELECT row_to_json(wide) FROM wide) TO STDOUT' > "$OUT/wide.jsonl"`,
  ),
];
