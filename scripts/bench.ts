// deno-lint-ignore-file no-console -- a script prints
/**
 * Times the main paths against their floors: `deno task bench [--rows n] [--rounds n] [--only text]
 * [--json]`. Each round runs a path and its floor one after the other, so that a slow moment of
 * the machine meets both; figures are medians of the rounds, ratios medians of the rounds' ratios.
 */
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { type Figure, measure } from "./measure.ts";
import { startServices } from "./services.ts";

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "500000" },
    rounds: { type: "string", default: "5" },
    only: { type: "string", default: "" },
    json: { type: "boolean", default: false },
  },
});
const ROWS = Number(values.rows);
const ROUNDS = Number(values.rounds);
const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

/** 17 columns: integers, decimals, dates, texts, NULLs and JSON. */
const WIDE = `
  CREATE TABLE wide AS SELECT
    i::bigint AS id, i::bigint * 7919 AS big, (i % 100000)::int AS n1, (i % 1000)::int AS n2,
    (i % 97)::int AS n3, (i * 0.37)::numeric(12,2) AS amount, (i % 1000 / 10.0)::numeric(12,2) AS tax,
    DATE '2020-01-01' + (i % 1500)::int AS day,
    TIMESTAMP '2020-01-01' + i * INTERVAL '1.000123 second' AS created,
    TIMESTAMPTZ '2020-01-01 00:00Z' + i * INTERVAL '1 minute' AS updated,
    'customer ' || i % 5000 AS customer, md5(i::text) AS hash, repeat('x', (i % 40)::int) AS note,
    i % 3 = 0 AS active, CASE WHEN i % 5 = 0 THEN i::int END AS maybe_n,
    CASE WHEN i % 2 = 0 THEN 'maybe ' || i % 77 END AS maybe_text,
    jsonb_build_object('k', i % 10, 'v', 'value') AS doc
  FROM generate_series(1, ${ROWS}) AS i`;

interface Path {
  readonly name: string;
  readonly floor: string;
  run(): Promise<Figure>;
  runFloor(): Promise<Figure>;
  reset(): Promise<void>;
}

/** Times a command that must succeed. */
async function time(command: readonly string[]): Promise<Figure> {
  const figure = await measure(command);
  if (figure.code !== 0) throw new Error(`${command.join(" ")}: exit code ${figure.code}`);
  return figure;
}

const shell = (script: string) => time(["bash", "-o", "pipefail", "-c", script]);

async function dxt(
  folder: string,
  source: unknown,
  target: unknown,
  to = "wide",
): Promise<Figure> {
  const path = `${folder}/bench.yaml`;
  const streams = [{ id: "wide", source: "wide", target: to }];
  await Deno.writeTextFile(
    path,
    JSON.stringify({ version: 1, name: "bench", source, target, streams }),
  );
  return await time([Deno.execPath(), "run", "-A", MAIN, "run", path, "--quiet"]);
}

function paths(url: string, folder: string): Path[] {
  const other = new URL(url);
  other.pathname = "/bench_copy";
  const [from, to] = [url, other.href].map((u) => `psql -qAt -d '${u}'`);
  const sqlite = { provider: "sqlite", path: "copy.db" };
  const remove = (...names: string[]) =>
    shell(`cd '${folder}' && rm -rf ${names.join(" ")} .dxt`).then(() => {});
  return [
    {
      name: "PostgreSQL → stage → PostgreSQL",
      floor: "raw binary pipe",
      run: () => dxt(folder, url, other.href),
      runFloor: () =>
        shell(
          `${from} -c 'COPY wide TO STDOUT (FORMAT binary)' | ${to} -c 'COPY wide FROM STDIN (FORMAT binary)'`,
        ),
      async reset() {
        await shell(
          `${to} -c 'DROP TABLE IF EXISTS wide' && pg_dump -s -t wide '${url}' | ${to} >/dev/null`,
        );
      },
    },
    {
      name: "PostgreSQL → Parquet",
      floor: "psql COPY binary > /dev/null",
      run: () => dxt(folder, url, { provider: "local" }, "wide.parquet"),
      runFloor: () => shell(`${from} -c 'COPY wide TO STDOUT (FORMAT binary)' > /dev/null`),
      reset: () => remove("wide.parquet"),
    },
    {
      name: "PostgreSQL → SQLite",
      floor: "psql \\copy csv, sqlite3 .import",
      run: () => dxt(folder, url, sqlite),
      runFloor: () =>
        shell(
          `cd '${folder}' && ${from} -c "\\copy wide to 'wide.csv' csv" && sqlite3 floor.db -cmd '.mode csv' '.import wide.csv wide'`,
        ),
      async reset() {
        await remove("copy.db*", "floor.db*", "wide.csv");
        // Or .import would make a table of the first row's values.
        const columns = Array.from({ length: 17 }, (_, i) => `c${i}`).join(", ");
        await shell(`sqlite3 '${folder}/floor.db' 'CREATE TABLE wide (${columns})'`);
      },
    },
    {
      name: "SQLite → Parquet",
      floor: "sqlite3 -csv select > /dev/null",
      run: () =>
        dxt(folder, { provider: "sqlite", path: "source.db" }, { provider: "local" }, "s.parquet"),
      runFloor: () => shell(`sqlite3 -csv '${folder}/source.db' 'SELECT * FROM wide' > /dev/null`),
      reset: () => remove("s.parquet"),
    },
  ];
}

const median = (figures: number[]) => figures.toSorted((a, b) => a - b)[figures.length >> 1]!;

async function compare(path: Path) {
  const [ours, floors]: [Figure[], Figure[]] = [[], []];
  for (let round = 0; round <= ROUNDS; round++) {
    await path.reset();
    const figure = await path.run();
    await path.reset();
    const floor = await path.runFloor();
    // The first round warms the caches.
    if (round > 0) ours.push(figure), floors.push(floor);
  }
  return {
    path: path.name,
    seconds: median(ours.map(({ seconds }) => seconds)),
    floor: path.floor,
    floor_seconds: median(floors.map(({ seconds }) => seconds)),
    ratio: median(ours.map(({ seconds }, i) => seconds / floors[i]!.seconds)),
    peak_mib: Math.round(Math.max(...ours.map(({ peak }) => peak))),
  };
}

const services = await startServices();
const folder = await Deno.makeTempDir({ prefix: "dxt-bench-" });
try {
  const url = services.env["DXT_TEST_POSTGRES_15"] ?? services.env["DXT_TEST_POSTGRES_18"];
  if (url === undefined) throw new Error("no PostgreSQL server can be started here");
  await shell(
    `psql -q -d '${url}' -c 'CREATE DATABASE bench_copy' -c '${WIDE.replaceAll("'", "'\\''")}'`,
  );
  await dxt(folder, url, { provider: "sqlite", path: "source.db" });
  const results = [];
  for (const path of paths(url, folder).filter(({ name }) => name.includes(values.only))) {
    results.push(await compare(path));
  }
  if (values.json) {
    console.log(JSON.stringify({ rows: ROWS, rounds: ROUNDS, results }, null, 2));
  } else {
    console.log(`${ROWS} rows of 17 columns, medians of ${ROUNDS} interleaved rounds`);
    console.table(results.map((r) => ({
      path: r.path,
      seconds: r.seconds.toFixed(2),
      floor: r.floor,
      "floor seconds": r.floor_seconds.toFixed(2),
      ratio: r.ratio.toFixed(2),
      "peak MiB": r.peak_mib,
    })));
  }
} finally {
  await Deno.remove(folder, { recursive: true });
  await services.stop();
}
