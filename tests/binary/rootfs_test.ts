// deno-lint-ignore-file no-console
/** The binary alone, as a container runs it: see rootfs.ts. */
import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { EXAMPLE, ROWS, serveThings, thingsPipeline } from "../external/api.ts";
import { binaryTest, type Outcome } from "../support/binary.ts";
import { withFolder } from "../support/run.ts";
import { freshDatabase, postgresTest } from "../support/services.ts";
import { askBoth, countDifferences } from "../support/sqlite.ts";
import { chrootMissing, everythingIn, makeRootfs, type Rootfs, written } from "./rootfs.ts";
import { ignoreIf } from "../support/ignore.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CHINOOK = join(ROOT, "tests/data/chinook/chinook.sqlite");
const TABLES = ["Artist", "Customer", "Invoice", "InvoiceLine", "Track"];

const binary = binaryTest();
const missing = binary.missing ?? await chrootMissing();

function inRootfs(name: string, work: (rootfs: Rootfs) => Promise<void>, why = missing): void {
  Deno.test({
    ...ignoreIf(why, `the binary in a chroot ${name}`),
    fn: () => withFolder(async (folder) => work(await makeRootfs(folder, binary.path))),
  });
}

function succeeded({ code, out, err }: Outcome): string {
  assert.equal(code, 0, err);
  return out;
}

inRootfs(
  "runs the quickstart and writes what it was asked for",
  async ({ data, libraries, run }) => {
    await copyExamples(data);
    const before = await everythingIn(data);
    const report = JSON.parse(succeeded(await run(["run", "/data/quickstart.yaml", "--quiet"])));
    assert.deepEqual(
      report.streams.map(({ rows_loaded }: { rows_loaded: number }) => rows_loaded),
      [1461, 438, 3376],
    );
    const again = JSON.parse(succeeded(await run(["run", "/data/quickstart.yaml", "-q"])));
    assert.equal(again.streams[0].rows_loaded, 0);
    succeeded(await run(["run", "/data/quickstart_export.yaml"]));
    const files = written(before, await everythingIn(data));
    assert.deepEqual(files, [
      "out/airports.parquet",
      "out/quickstart.db",
      "out/weather.parquet",
      "out/weather_by_month.parquet",
    ]);
    const { size } = await Deno.stat(binary.path);
    console.log(
      `binary: ${(size / 1e6).toFixed(1)} MB, needs ${
        libraries.map((path) => basename(path)).join(", ")
      }`,
    );
    console.log(`files written by the quickstart: ${files.join(", ")}`);
  },
);

inRootfs("needs no library that its container lacks", async ({ libraries }) => {
  // What gcr.io/distroless/cc-debian12 adds to a bare root: the C library and libgcc.
  const there = /^(ld-linux-.*|lib(c|m|dl|rt|pthread|gcc_s))\.so\.\d$/;
  assert.deepEqual(libraries.map((path) => basename(path)).filter((name) => !there.test(name)), []);
  assert.match(
    await Deno.readTextFile(join(ROOT, "scripts/Dockerfile")),
    /distroless\/cc-debian12/,
  );
});

inRootfs("says what is wrong without /proc instead of crashing", async ({ data, run }) => {
  await copyExamples(data);
  assert.match(succeeded(await run(["--version"], { proc: false })), /^\d+\.\d+\.\d+\n$/);
  assert.match(succeeded(await run(["run", "--help"], { proc: false })), /dxt run/);
  assert.match(succeeded(await run(["list", "/data/quickstart.yaml"], { proc: false })), /weather/);
  assert.deepEqual(await run(["run", "/data/quickstart.yaml"], { proc: false }), {
    code: 1,
    out: "",
    err: "error: Cannot start: /proc is not mounted, but the runtime needs it\n",
  });
});

inRootfs("refuses to write where it may not", async ({ data, run }) => {
  await copyExamples(data);
  await Deno.chmod(join(data, "out"), 0o555);
  await Deno.chown(join(data, "out"), 0, 0);
  const { code, err } = await run(["run", "/data/quickstart.yaml"]);
  assert.equal(code, 1);
  assert.match(err, /cannot create a file in folder "\/data\/out": permission denied/);
});

const server = postgresTest(18);

inRootfs("moves SQLite to PostgreSQL to Parquet", async ({ data, run }) => {
  await using database = await freshDatabase(server.url);
  await Deno.copyFile(CHINOOK, join(data, "music.db"));
  const hop = async (name: string, source: unknown, target: unknown, to: (t: string) => string) => {
    const from = name === "to_parquet" ? (t: string) => `public."${t}"` : sourceOf(name);
    const streams = TABLES.map((table) => ({
      id: table,
      source: from(table),
      target: to(table),
      load: { mode: "replace" },
    }));
    const pipeline = { version: 1, name, source, target, streams };
    await Deno.writeTextFile(join(data, `${name}.yaml`), JSON.stringify(pipeline));
    const args = ["run", `/data/${name}.yaml`, "--quiet"];
    const { status } = JSON.parse(succeeded(await run(args, { env: { URL: database.url } })));
    assert.equal(status, "succeeded");
  };
  const before = await everythingIn(data);
  const files = { provider: "local", path: "." };
  const sqlite = (path: string) => ({ provider: "sqlite", path });
  await hop("to_postgres", sqlite("music.db"), "${URL}", (table) => `public."${table}"`);
  await hop("to_parquet", "${URL}", files, (table) => `${table}.parquet`);
  await hop("back", files, sqlite("copy.db"), (table) => table);
  for (const table of TABLES) {
    const rows = (end: string) => `SELECT * FROM ${end}."${table}"`;
    const { differing, counted } = await askBoth(
      CHINOOK,
      join(data, "copy.db"),
      `SELECT (${countDifferences(rows("main"), rows("other"))}) AS differing,
        (SELECT count(*) FROM other."${table}") AS counted`,
    );
    assert.equal(differing, 0, table);
    assert.ok(Number(counted) > 0, table);
  }
  const files2 = written(before, await everythingIn(data)).filter((path) =>
    !path.endsWith(".yaml")
  );
  console.log(`files written by SQLite → PostgreSQL → Parquet → SQLite: ${files2.join(", ")}`);
  assert.deepEqual(files2, [...TABLES.map((table) => `${table}.parquet`), "copy.db"].sort());
}, missing ?? server.missing);

inRootfs("uses another's provider by URL", async ({ data, run }) => {
  await using server = serveThings({ "/pages.ts": EXAMPLE });
  const pipeline = thingsPipeline(`${server.base}/pages.ts`, server.host);
  await Deno.writeTextFile(join(data, "things.yaml"), JSON.stringify(pipeline));
  const before = await everythingIn(data);
  const args = ["run", "/data/things.yaml", "--quiet", `--allow-import=${server.host}`];
  const { streams: [stream] } = JSON.parse(succeeded(await run(args)));
  assert.equal(stream.rows_loaded, ROWS);
  const files = written(before, await everythingIn(data)).map((path) =>
    path.replace(/[0-9a-f]{64}/, "…")
  );
  console.log(`files written with a provider by URL: ${files.join(", ")}`);
  assert.ok(files.includes("out.db"));
  assert.deepEqual(files.filter((path) => !/^(out\.db$|\.dxt\/)/.test(path)), []);
});

/** Names of the datasets in what a hop reads. */
function sourceOf(hop: string): (table: string) => string {
  return hop === "back" ? (table) => `${table}.parquet` : (table) => table;
}

async function copyExamples(data: string): Promise<void> {
  for (const folder of ["data", "out"]) await Deno.mkdir(join(data, folder));
  for (const name of ["quickstart.yaml", "quickstart_export.yaml"]) {
    await Deno.copyFile(join(ROOT, "pipelines", name), join(data, name));
  }
  for await (const { name } of Deno.readDir(join(ROOT, "pipelines/data"))) {
    await Deno.copyFile(join(ROOT, "pipelines/data", name), join(data, "data", name));
  }
  for (const path of ["", "out"]) await Deno.chown(join(data, path), 65532, 65532);
}
