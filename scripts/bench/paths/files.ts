/** Paths from files, including SQLite databases. */
import { dxt, floor, type Path, peer } from "../way.ts";
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

const LOCAL = { provider: "local", path: "${DATA}" };
const SQLITE = { provider: "sqlite", path: "${DATA}/wide.db" };
const OUT = { provider: "local", path: "${OUT}" };
const move = (source: string, target: string) => [{ id: "wide", source, target }];

/** Types are inferred from DuckDB's default sample, as dxt does. */
const duckdb = (read: string, extra: { atMost?: number } = {}) =>
  floor(
    "DuckDB, 2 threads",
    ["duckdb"],
    `"$DUCKDB" "$PEERS/duckdb_sql.py" "COPY (FROM ${read}) TO '$OUT/wide.parquet'
      (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"`,
    { fills: true, ...extra },
  );

const CSV: readonly Path[] = [
  {
    name: "CSV → zstd Parquet, wide",
    from: "csv",
    ...inParquet(),
    compares: "seconds",
    memory: 450,
    ways: [
      dxt({ source: LOCAL, target: OUT, streams: move("wide.csv", "wide.parquet") }),
      duckdb("read_csv('$DATA/wide.csv')", { atMost: 0.8 }),
      sling("file://$DATA", "file://$DATA/wide.csv", "file://$OUT", "file://$OUT/wide.parquet"),
      dlt("$DATA/wide.csv", "wide", "file://$OUT"),
    ],
  },
  {
    name: "CSV → SQLite, wide",
    from: "csv",
    totals: inSQLite(),
    compares: "seconds",
    memory: 450,
    ways: [
      dxt({
        source: LOCAL,
        target: { provider: "sqlite", path: "${OUT}/wide.db" },
        streams: move("wide.csv", "wide"),
      }),
      floor(
        ".import",
        ["sqlite3"],
        `sqlite3 "$OUT/wide.db" -cmd '.mode csv' ".import --skip 1 $DATA/wide.csv wide"`,
        { prepare: filled, fills: true, atMost: 1 },
      ),
      sling("file://$DATA", "file://$DATA/wide.csv", "sqlite://$OUT/wide.db", "main.wide"),
      dlt("$DATA/wide.csv", "wide", "sqlite:///$OUT/wide.db"),
      ingestr("csv://$DATA/wide.csv", "wide", "sqlite:///$OUT/wide.db", "main.wide"),
    ],
  },
  {
    name: "CSV → PostgreSQL, wide",
    from: "csv",
    totals: inPostgres("wide"),
    compares: "seconds",
    memory: 450,
    ways: [
      dxt({ source: LOCAL, target: "${TARGET}", streams: move("wide.csv", "wide") }),
      floor(
        "\\copy csv",
        ["psql"],
        `sql "$TARGET" -c "\\copy wide from '$DATA/wide.csv' csv header"`,
        { prepare: emptyTable("wide"), fills: true },
      ),
      peer("pgloader", "pgloader --no-ssl-cert-verification csv.load", {
        prepare: `${emptyTable("wide")}
cat > csv.load <<EOF
LOAD CSV FROM '$DATA/wide.csv' INTO $TARGET?tablename=wide
  WITH skip header = 1, fields terminated by ',', workers = 2, concurrency = 1;
EOF`,
      }),
      sling("file://$DATA", "file://$DATA/wide.csv", "$TARGET", "public.wide"),
      ingestr("csv://$DATA/wide.csv", "wide", "$TARGET", "public.wide"),
    ],
  },
];

const JSONL: Path = {
  name: "JSON Lines → zstd Parquet, wide",
  from: "jsonl",
  ...inParquet(),
  compares: "seconds",
  memory: 450,
  ways: [
    dxt({ source: LOCAL, target: OUT, streams: move("wide.jsonl", "wide.parquet") }),
    duckdb("read_json('$DATA/wide.jsonl')"),
    sling("file://$DATA", "file://$DATA/wide.jsonl", "file://$OUT", "file://$OUT/wide.parquet"),
  ],
};

const SQLITE_PATHS: readonly Path[] = [
  {
    name: "SQLite → zstd Parquet, wide",
    from: "sqlite",
    ...inParquet(),
    compares: "seconds",
    memory: 450,
    ways: [
      dxt({ source: SQLITE, target: OUT, streams: move("wide", "wide.parquet") }),
      floor(
        "sqlite3 -csv > /dev/null",
        ["sqlite3"],
        `sqlite3 -csv "$DATA/wide.db" 'SELECT * FROM wide' > /dev/null`,
        { atMost: 1.1 },
      ),
      peer(
        "connectorx",
        `"$CONNECTORX" "$PEERS/connectorx_parquet.py" "sqlite://$DATA/wide.db" wide "$OUT/wide.parquet"`,
      ),
      sling("sqlite://$DATA/wide.db", "main.wide", "file://$OUT", "file://$OUT/wide.parquet"),
      dlt("sqlite:///$DATA/wide.db", "wide", "file://$OUT"),
    ],
  },
  {
    name: "SQLite → PostgreSQL, wide",
    from: "sqlite",
    totals: inPostgres("wide"),
    compares: "seconds",
    memory: 450,
    ways: [
      dxt({ source: SQLITE, target: "${TARGET}", streams: move("wide", "wide") }),
      floor(
        "sqlite3 -csv | \\copy",
        ["sqlite3", "psql"],
        `sqlite3 -csv "$DATA/wide.db" 'SELECT * FROM wide' | sql "$TARGET" -c '\\copy wide from stdin csv'`,
        { prepare: emptyTable("wide"), fills: true },
      ),
      peer("pgloader", "pgloader --no-ssl-cert-verification sqlite.load", {
        prepare: `cat > sqlite.load <<EOF
LOAD DATABASE FROM sqlite://$DATA/wide.db INTO $TARGET
  WITH workers = 2, concurrency = 1, prefetch rows = 10000
  CAST type json_text to jsonb drop typemod;
EOF`,
      }),
      sling("sqlite://$DATA/wide.db", "main.wide", "$TARGET", "public.wide"),
      dlt("sqlite:///$DATA/wide.db", "wide", "$TARGET"),
      ingestr("sqlite:///$DATA/wide.db", "wide", "$TARGET", "public.wide"),
    ],
  },
];

export const FROM_FILES: readonly Path[] = [...CSV, JSONL, ...SQLITE_PATHS];
