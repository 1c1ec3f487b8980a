/** A run with exactly the permissions that `dxt permissions` prints, and with each one missing. */
import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { freshDatabase, postgresTest, type TestDatabase } from "../../support/services.ts";
import { withFolder } from "../../support/run.ts";
import { program } from "../program.ts";
import { ignoreIf } from "../../support/ignore.ts";

type Kind = "net" | "read" | "write" | "env";
type Permissions = Record<Kind, string[]>;

interface Trial {
  readonly pipeline: Record<string, unknown>;
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Record<string, string>;
  /** More arguments of `run` and `permissions`. */
  readonly args?: readonly string[];
  /** Records, or files, that each stream moves. */
  readonly rows: readonly number[];
  /** Kinds of permissions that are needed. */
  readonly kinds: readonly Kind[];
  /** Where the pipeline is; `p.yaml` */
  readonly path?: string;
  /** Whether the folder is reached by a link. */
  readonly isLinked?: boolean;
  prepare?(folder: string): void;
  check?(folder: string): Promise<void> | void;
}

const SOURCE = fileURLToPath(new URL("../../../src", import.meta.url));
const CSV = "id,name\n1,one\n2,two\n";
const LOCAL = { provider: "local" };

function flagsOf(permissions: Permissions): string[] {
  return Object.entries(permissions).filter(([, values]) => values.length > 0)
    .map(([kind, values]) => `--allow-${kind}=${values.join(",")}`);
}

/** All paths below a folder, with the sizes of files. */
function tree(folder: string, at = folder): string[] {
  return [...Deno.readDirSync(at)].flatMap((entry) => {
    const path = join(at, entry.name);
    if (entry.isDirectory) return [relative(folder, path), ...tree(folder, path)];
    return [`${relative(folder, path)} ${Deno.statSync(path).size}`];
  }).sort();
}

async function tryPermissions(trial: Trial): Promise<void> {
  await withFolder(async (made) => {
    const real = join(await Deno.realPath(made), "real");
    await Deno.mkdir(real);
    const link = join(await Deno.realPath(made), "link");
    await Deno.symlink(real, link);
    const folder = trial.isLinked === true ? link : real;
    const { path = "p.yaml", env = {}, args = [] } = trial;
    const files = { [path]: JSON.stringify(trial.pipeline), ...trial.files };
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(dirname(join(folder, name)), { recursive: true });
      await Deno.writeTextFile(join(folder, name), text);
    }
    trial.prepare?.(folder);
    const printed = await program(folder, ["permissions", path, ...args, "--format", "json"], env);
    assert.deepEqual([printed.code, printed.err], [0, ""]);
    const needed: Permissions = JSON.parse(printed.out);
    assert.deepEqual(
      Object.entries(needed).filter(([, values]) => values.length > 0).map(([kind]) => kind),
      trial.kinds,
    );
    const asFlags = await program(folder, ["permissions", path, ...args], env);
    assert.deepEqual(asFlags.out.trimEnd().split(" "), flagsOf(needed));
    const before = tree(folder);
    for (const kind of trial.kinds) {
      for (const value of needed[kind]) {
        const less = { ...needed, [kind]: needed[kind].filter((other) => other !== value) };
        const { code, err } = await program(folder, ["run", path, ...args], env, flagsOf(less));
        const wanted = new RegExp(`^error: [^]*--allow-${kind}=\\S*${RegExp.escape(value)}`);
        assert.match(err, wanted, `without ${kind} ${value}`);
        // A file that may be read for several variables is named for each.
        const errors = err.match(/^error: /gm)!.length;
        assert.equal(err.match(/run it with --allow-/g)!.length, errors, err);
        assert.equal(code, 2, err);
        assert.deepEqual(tree(folder), before, `written without ${kind} ${value}`);
      }
    }
    const ran = await program(folder, ["run", path, ...args, "-q"], env, flagsOf(needed));
    assert.deepEqual([ran.code, ran.err], [0, ""]);
    const result = JSON.parse(ran.out);
    assert.equal(result.status, "succeeded");
    assert.deepEqual(
      result.streams.map(({ rows_loaded }: { rows_loaded: number }) => rows_loaded),
      trial.rows,
    );
    await trial.check?.(folder);
    assert.ok(!tree(folder).includes(".dxt"), "the stage is gone");
  });
}

function onFiles(name: string, trial: Trial): void {
  Deno.test(`exactly the permissions that are printed are enough: ${name}`, () =>
    tryPermissions(trial));
}

function sqlite(path: string, sql: string): void {
  using database = new DatabaseSync(path);
  database.exec(sql);
}

function count(path: string, table: string): number {
  using database = new DatabaseSync(path, { readOnly: true });
  return Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()!["n"]);
}

const shop = (folder: string) =>
  sqlite(
    join(folder, "shop.db"),
    "CREATE TABLE t (id INTEGER PRIMARY KEY, at TEXT);" +
      "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')",
  );

onFiles("a file into a new SQLite database in a new folder", {
  pipeline: {
    version: 1,
    name: "p",
    source: LOCAL,
    target: { provider: "sqlite", path: "new/er/w.db" },
    streams: [{ id: "t", source: "in/a.csv" }],
  },
  files: { "in/a.csv": CSV, "in/other.csv": CSV },
  rows: [2],
  kinds: ["read", "write"],
  check: (folder) => assert.equal(count(join(folder, "new/er/w.db"), "t"), 2),
});

onFiles("a pattern into a file beside others, a folder into a new folder", {
  pipeline: {
    version: 1,
    name: "p",
    source: LOCAL,
    target: LOCAL,
    streams: [
      { id: "one", source: "in/*.csv", target: "out/all.parquet", load: { mode: "replace" } },
      { id: "two", source: "in/", target: "made/here/", load: { mode: "replace" } },
    ],
  },
  files: { "in/a.csv": CSV, "in/b.csv": CSV, "out/other.txt": "x" },
  rows: [4, 4],
  kinds: ["read", "write"],
  check: (folder) =>
    assert.deepEqual(tree(join(folder, "out")).map((line) => line.split(" ")[0]), [
      "all.parquet",
      "other.txt",
    ]),
});

onFiles("files as they are, added to a folder that is there", {
  pipeline: {
    version: 1,
    name: "p",
    source: { provider: "local", path: "in" },
    target: { provider: "local", path: "out" },
    buffer: { format: "passthrough" },
    streams: [{ id: "one", source: "*.csv", target: "deep/" }],
  },
  files: { "in/a.csv": CSV, "in/b.csv": CSV, "out/deep/c.csv": CSV },
  rows: [2],
  kinds: ["read", "write"],
  check: (folder) => assert.equal(Deno.readTextFileSync(join(folder, "out/deep/b.csv")), CSV),
});

onFiles("files in a folder that is a link, one of them a link itself", {
  isLinked: true,
  pipeline: {
    version: 1,
    name: "p",
    source: LOCAL,
    target: LOCAL,
    streams: [
      { id: "one", source: "in/*.csv", target: "out.parquet" },
      { id: "two", source: "linked.csv", target: "made/" },
    ],
  },
  files: { "in/a.csv": CSV, "elsewhere/b.csv": CSV },
  prepare: (folder) => Deno.symlinkSync("elsewhere/b.csv", join(folder, "linked.csv")),
  rows: [2, 2],
  kinds: ["read", "write"],
});

onFiles("SQLite in a folder that is a link", {
  isLinked: true,
  pipeline: {
    version: 1,
    name: "p",
    source: { provider: "sqlite", path: "shop.db" },
    target: { provider: "sqlite", path: "w.db" },
    buffer: { format: "csv" },
    streams: [{ id: "t", source: "t", load: { mode: "replace" } }],
  },
  prepare: shop,
  rows: [3],
  kinds: ["read", "write"],
  check: (folder) => assert.equal(count(join(folder, "w.db"), "t"), 3),
});

onFiles("SQLite into SQLite, what is new, by key", {
  pipeline: {
    version: 1,
    name: "p",
    source: { provider: "sqlite", path: "shop.db" },
    target: { provider: "sqlite", path: "w.db" },
    streams: [{
      id: "t",
      source: "t",
      extract: { mode: "incremental", watermark_field: "id" },
      load: { mode: "upsert", upsert_keys: ["id"] },
    }],
  },
  prepare(folder) {
    shop(folder);
    sqlite(
      join(folder, "w.db"),
      "CREATE TABLE t (id INTEGER PRIMARY KEY, at TEXT);" +
        "INSERT INTO t VALUES (1, 'a')",
    );
  },
  rows: [2],
  kinds: ["read", "write"],
  check: (folder) => assert.equal(count(join(folder, "w.db"), "t"), 3),
});

onFiles("SQLite into files, without a stage on disk", {
  pipeline: {
    version: 1,
    name: "p",
    source: { provider: "sqlite", path: "shop.db", readonly: true },
    target: LOCAL,
    buffer: { format: "memory" },
    streams: [{ id: "t", source: "t", target: "t.jsonl" }],
  },
  prepare: shop,
  rows: [3],
  kinds: ["read", "write"],
});

onFiles("variables, a project, .env files, a log, and a stage elsewhere", {
  path: "pipelines/p.yaml",
  pipeline: {
    version: 1,
    name: "p",
    source: "incoming",
    target: { connection: "warehouse", path: "${WAREHOUSE:-w}.db" },
    buffer: { location: "${STAGE}" },
    streams: [{ id: "t", source: "${NAME}.csv" }],
  },
  files: {
    "dxt_project.yaml": JSON.stringify({
      connections: {
        incoming: { provider: "local", path: "in" },
        warehouse: { provider: "sqlite", path: "unused.db" },
      },
      logging: { file: "logs/dxt.log" },
    }),
    "pipelines/.env": "NAME=a\n",
    ".env": "STAGE=../stages\nNAME=b\n",
    "in/a.csv": CSV,
  },
  env: { WAREHOUSE: "big" },
  rows: [2],
  kinds: ["read", "write", "env"],
  check(folder) {
    assert.equal(count(join(folder, "big.db"), "t"), 2);
    assert.match(Deno.readTextFileSync(join(folder, "logs/dxt.log")), /run_finished/);
  },
});

for (const version of [15, 18] as const) {
  const server = postgresTest(version);
  const onServer = (name: string, trial: (database: TestDatabase) => Promise<Trial>) =>
    Deno.test({
      ...ignoreIf(
        server.missing,
        `exactly the permissions that are printed are enough: PostgreSQL ${version}, ${name}`,
      ),
      async fn() {
        await using database = await freshDatabase(server.url);
        await tryPermissions(await trial(database));
      },
    });

  onServer("into SQLite and back, its URL in a variable", async (database) => {
    await database.sql(
      "CREATE TABLE t AS SELECT i AS id, 'x' || i AS x FROM generate_series(1, 9) i",
    );
    return {
      pipeline: {
        version: 1,
        name: "p",
        source: "${SHOP_URL}",
        target: { provider: "sqlite", path: "w.db" },
        streams: [{ id: "t", source: "t" }],
      },
      env: { SHOP_URL: database.url },
      rows: [9],
      kinds: ["net", "read", "write", "env"],
      check: (folder) => assert.equal(count(join(folder, "w.db"), "t"), 9),
    };
  });

  onServer("files into it, the certificate checked", (database) => {
    const url = new URL(database.url);
    return Promise.resolve({
      pipeline: {
        version: 1,
        name: "p",
        source: LOCAL,
        target: {
          url: database.url,
          host: url.hostname,
          sslmode: "verify-ca",
          sslrootcert: server.authority,
        },
        streams: [
          { id: "t", source: "a.csv", load: { mode: "upsert", upsert_keys: ["id"] } },
          { id: "u", source: "a.csv", load: { mode: "replace" } },
        ],
      },
      files: { "a.csv": CSV },
      rows: [2, 2],
      kinds: ["net", "read", "write"] as const,
      async check() {
        const [row] = await database.sql(
          "SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM u) AS n",
        );
        assert.equal(Number(row!["n"]), 4);
      },
    });
  });

  onServer("into itself", async (database) => {
    await database.sql("CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 5) i");
    return {
      pipeline: {
        version: 1,
        name: "p",
        source: database.url,
        target: database.url,
        streams: [{ id: "t", source: "t", target: "u" }],
      },
      rows: [5],
      kinds: ["net", "read", "write"],
    };
  });
}

Deno.test("head of one file needs that file, and looks at no other", () =>
  withFolder(async (made) => {
    const folder = await Deno.realPath(made);
    await Deno.mkdir(join(folder, "in"));
    await Deno.writeTextFile(join(folder, "in/a.csv"), CSV);
    const pipeline = {
      version: 1,
      name: "p",
      source: { provider: "local", path: "in" },
      target: { provider: "sqlite", path: "w.db" },
      streams: [{ id: "a", source: "a.csv" }],
    };
    await Deno.writeTextFile(join(folder, "p.yaml"), JSON.stringify(pipeline));
    const files = ["p.yaml", "dxt_project.yaml", "dxt_project.yml", ".env", "in/a.csv"];
    const paths = [...files.map((name) => join(folder, name)), SOURCE];
    const head = (...more: string[]) =>
      program(folder, ["head", "p.yaml", "a"], {}, [
        `--allow-read=${[...paths, ...more].join(",")}`,
      ]);
    const { code, out, err } = await head();
    assert.equal(code, 0, err);
    assert.match(out, /two/);
    await Deno.remove(join(folder, "in/a.csv"));
    const missing = await head();
    assert.equal(missing.code, 1);
    assert.match(missing.err, /Cannot find file "a\.csv".*it does not exist$/m);
    await Deno.writeTextFile(join(folder, "in/ab.csv"), CSV);
    const seen = await program(folder, ["head", "p.yaml", "a"]);
    assert.match(seen.err, /Cannot find file "a\.csv".*did you mean "ab\.csv"/);
    const limited = await program(folder, ["head", "p.yaml", "a", "--allow-read=in/a.csv"]);
    assert.match(limited.err, /Cannot find file "a\.csv".*it does not exist$/m);
  }));
