/** Runs, heads and projects that the command line alone describes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { golden } from "../../support/golden.ts";
import { withFolder } from "../../support/run.ts";
import { freshDatabase, postgresTest } from "../../support/services.ts";
import { type Ended, program } from "../program.ts";
import { ignoreIf } from "../../support/ignore.ts";

const CHINOOK = fileURLToPath(new URL("../../data/chinook/chinook.sqlite", import.meta.url));

async function filled(folder: string): Promise<void> {
  await Deno.copyFile(CHINOOK, join(folder, "chinook.sqlite"));
  await Deno.writeTextFile(join(folder, "x.csv"), "id,name\n1,one\n2,two\n");
  await Deno.mkdir(join(folder, "data"));
  for (const month of [1, 2]) {
    await Deno.writeTextFile(join(folder, "data", `m${month}.csv`), `id,m\n${month},${month}\n`);
  }
}

function rowsIn(folder: string, database: string, sql: string): unknown[] {
  using open = new DatabaseSync(join(folder, database));
  return open.prepare(sql).all().map((row) => ({ ...row }));
}

async function well(ended: Promise<Ended>): Promise<Ended> {
  const result = await ended;
  assert.equal(result.code, 0, result.err + result.out);
  return result;
}

Deno.test("a table goes into a file, a file into a table, files into one table", async () => {
  await withFolder(async (folder) => {
    await filled(folder);
    const dxt = (...args: string[]) => well(program(folder, args));
    await dxt("run", "--from", "chinook.sqlite", "--source", "Album", "--to", "out/album.parquet");
    const album = `file://${folder}/out/album.parquet`;
    await dxt("run", "--from", album, "--to", "sqlite:///w.db", "--target", "albums");
    assert.deepEqual(rowsIn(folder, "w.db", "SELECT count(*) AS n FROM albums"), [{ n: 347 }]);
    for (let i = 0; i < 2; i++) {
      const args = ["--from", "x.csv", "--to", `sqlite:///${folder}/w.db`];
      await dxt("run", ...args, "--mode", "upsert", "--key", "id");
    }
    assert.deepEqual(rowsIn(folder, "w.db", "SELECT * FROM x"), [
      { id: 1, name: "one" },
      { id: 2, name: "two" },
    ]);
    await dxt("run", "--from", "file:data/*.csv", "--to", "file:./w.db", "--target", "months");
    assert.deepEqual(rowsIn(folder, "w.db", "SELECT count(*) AS n FROM months"), [{ n: 2 }]);
    const query = "SELECT ArtistId, count(*) AS n FROM Album GROUP BY ArtistId";
    await dxt("run", "--from", "chinook.sqlite", "--source", query, "--to", "w.db");
    assert.deepEqual(rowsIn(folder, "w.db", "SELECT sum(n) AS n FROM query"), [{ n: 347 }]);
    await dxt("run", "--from", "chinook.sqlite", "--source", "Genre", "--to", "files/");
    assert.match((await dxt("head", "files/Genre.parquet", "-n", "1")).out, /Rock/);
    const { out } = await dxt(
      ...["run", "--from", "chinook.sqlite", "--source", "Track", "--to", "w.db"],
      ...["--limit", "7", "--quiet"],
    );
    const [stream] = JSON.parse(out).streams;
    assert.equal(stream.rows_loaded, 7);
    assert.match(stream.warnings[0], /at most 7 rows/);
    // Nothing but the targets is left.
    const left = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
    assert.deepEqual(left, ["chinook.sqlite", "data", "files", "out", "w.db", "x.csv"]);
  });
});

Deno.test("a file is replaced by each run, a table keeps its rows, unless a mode is set", async () => {
  await withFolder(async (folder) => {
    await filled(folder);
    const run = (to: string, ...args: string[]) =>
      well(program(folder, ["run", "--from", "x.csv", "--to", to, ...args]));
    const fileRows = async (path: string) =>
      (await Deno.readTextFile(join(folder, path))).trim().split("\n").length - 1;
    const tableRows = () => rowsIn(folder, "w.db", "SELECT count(*) AS n FROM x");
    for (let i = 0; i < 2; i++) {
      for (const to of ["y.csv", "out/", `file://${folder}/z.csv`]) {
        const { out } = await run(to);
        assert.match(out, /x +succeeded +2 .* replace/);
      }
      await run("w.db");
    }
    assert.equal(await fileRows("y.csv"), 2);
    assert.equal(await fileRows("z.csv"), 2);
    assert.deepEqual(tableRows(), [{ n: 4 }]);
    await run("y.csv", "--mode", "append");
    assert.equal(await fileRows("y.csv"), 4);
    await run("w.db", "--mode", "replace");
    assert.deepEqual(tableRows(), [{ n: 2 }]);
    const project = "connections:\n  here: { provider: local, path: . }\n";
    await Deno.writeTextFile(join(folder, "dxt_project.yaml"), project);
    await run("here", "--target", "y.csv");
    assert.equal(await fileRows("y.csv"), 2);
    await Deno.writeTextFile(
      join(folder, "dxt_project.yaml"),
      `${project}defaults: { load: { mode: append } }\n`,
    );
    await run("y.csv");
    assert.equal(await fileRows("y.csv"), 4);
  });
});

Deno.test("every ending of a format is that of a target, and no part of a stream's id", async () => {
  await withFolder(async (folder) => {
    await filled(folder);
    for (const ending of ["pq", "tab", "arrows"]) {
      const file = `as_${ending}.${ending}`;
      await well(program(folder, ["run", "--from", "x.csv", "--to", file]));
      await well(program(folder, ["run", "--from", file, "--to", "w.db"]));
      const sql = `SELECT count(*) AS n FROM as_${ending}`;
      assert.deepEqual(rowsIn(folder, "w.db", sql), [{ n: 2 }]);
    }
  });
});

Deno.test("a condition, columns and a limit choose what is read", async () => {
  await withFolder(async (folder) => {
    await filled(folder);
    const read = async (from: readonly string[], ...args: string[]) => {
      await well(program(folder, ["run", "--from", ...from, "--to", "o.jsonl", ...args]));
      const text = await Deno.readTextFile(join(folder, "o.jsonl"));
      return text.trimEnd().split("\n");
    };
    const album = ["chinook.sqlite", "--source", "Album"];
    const ofOne = ["--where", "ArtistId = 1 AND Title LIKE 'Let%'"];
    assert.deepEqual(await read(album, ...ofOne, "--columns", "Title, AlbumId"), [
      '{"Title":"Let There Be Rock","AlbumId":4}',
    ]);
    const counted = ["chinook.sqlite", "--source", "SELECT 1 AS a, 2 AS b UNION SELECT 3, 4"];
    assert.deepEqual(await read(counted, "--columns", "b", "--limit", "1"), ['{"b":2}']);
    await Deno.writeTextFile(join(folder, "x.jsonl"), '{"id":1}\n{"id":2,"name":"two"}\n');
    await well(program(folder, ["run", "--from", "x.csv", "--to", "x.parquet"]));
    for (const file of ["x.csv", "x.jsonl", "x.parquet"]) {
      assert.deepEqual((await read([file], "--columns", "name,id"))[1], '{"name":"two","id":2}');
      assert.equal((await read([file], "--limit", "1")).length, 1);
    }
    assert.equal((await read(["data/*.csv"], "--limit", "1")).length, 1);
    const unknown = ["run", "--from", "x.csv", "--to", "o.jsonl", "--columns", "id,nam"];
    const { code, err } = await program(folder, unknown);
    assert.equal(code, 1);
    assert.match(err, /column "nam" .*, the source does not have it, did you mean "name"; it has/);
  });
});

const server = postgresTest(15);

Deno.test({
  ...ignoreIf(
    server.missing,
    "a table of PostgreSQL goes into a file, named by a URL, a variable or the project",
  ),
  fn: () =>
    withFolder(async (folder) => {
      await using database = await freshDatabase(server.url);
      await database.sql("CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1)");
      await Deno.writeTextFile(
        join(folder, "dxt_project.yaml"),
        'connections:\n  shop: "${SHOP_URL}"\n',
      );
      const env = { SHOP_URL: database.url };
      for (const from of [database.url, "${SHOP_URL}", "shop"]) {
        const args = ["--from", from, "--source", "public.orders", "--to", "./orders.parquet"];
        const { out, err } = await well(
          program(folder, ["run", ...args, "--mode", "replace"], env),
        );
        assert.match(out, /orders +succeeded +1 .* replace/);
        assert.ok(!`${out}${err}`.includes(new URL(database.url).password));
      }
      const { out } = await well(
        program(folder, ["head", "shop", "orders", "--output", "ndjson"], env),
      );
      assert.equal(out, '{"id":1}\n');
      const yaml = await well(program(folder, ["discover", "shop", "-f", "yaml"], env));
      assert.match(yaml.out, /^source: shop$/m);
    }),
});

/** Arguments, and what is told: the option, what is wrong with it, and what was wanted. */
const WRONG: readonly [string[], RegExp, number?][] = [
  [["run"], /Cannot run: expected a PIPELINE, or --from and --to/],
  [["run", "--from", "x.csv"], /--to is missing/],
  [["run", "--to", "x.db"], /--from is missing/],
  [["run", "p.yaml", "--from", "x.csv"], /Cannot run "p.yaml" with --from/],
  [["run", "p.yaml", "--mode", "append"], /Cannot run "p.yaml" with --mode/],
  [["run", "p.yaml", "--key", "id"], /Cannot run "p.yaml" with --key/],
  [["plan"], /Cannot plan: expected a PIPELINE, or --from and --to/],
  [["plan", "--from", "x.csv"], /--to is missing\nRun "dxt plan --help"/],
  [["test", "p.yaml", "--from", "x.csv"], /Cannot test "p.yaml" with --from/],
  [["run", "--from", "nope.csv", "--to", "w.db"], /--from: there is no "nope.csv"$/m],
  [
    ["run", "--from", "data/m8.csv", "--to", "w.db"],
    /is no "data\/m8.csv", did you mean "data\/m1.csv"/,
  ],
  [
    ["run", "-qq", "mistyped.yaml", "--select", "near"],
    /"m8.csv" in folder ".*\/data": it does not exist, did you mean "m1.csv"$/m,
    1,
  ],
  [
    ["run", "-qq", "mistyped.yaml", "--select", "far"],
    /"a\/x.csv" in folder ".*\/data\/a": the folder does not exist$/m,
    1,
  ],
  [
    [
      "run",
      "-qq",
      "mistyped.yaml",
      "--select",
      "near",
      "--allow-read=data/m8.csv,.dxt,w.db,w.db-journal",
    ],
    /"m8.csv" in folder ".*\/data": it does not exist$/m,
    1,
  ],
  [["run", "--from", "shop", "--to", "w.db"], /--from: "shop" is not a URL/],
  [["run", "--from", "file://host/x.csv", "--to", "w.db"], /--from: Cannot use URL.*a local path/],
  [["run", "--from", "", "--to", "w.db"], /--from: it is empty/],
  [
    ["run", "--from", "x.csv", "--to", "oracle://h/d"],
    /--to: .*"oracle:" URL: no provider knows it, known are http:, https:, file:, mysql:, mariadb:, postgres:/,
  ],
  [["run", "--from", "x.csv", "--to", "jdbc:postgresql://h/d"], /--to: .*leave out "jdbc:"/],
  [
    ["run", "--from", "x.csv", "--to", "https://h/x.csv"],
    /--to: files are not written over http\(s\)/,
  ],
  [["run", "--from", "https://h/in/", "--to", "w.db"], /--from: it has more than one dataset/],
  [
    ["run", "--from", "https://h/x.csv", "--source", "y.csv", "--to", "w.db"],
    /--source: --from already names the file "x\.csv"/,
  ],
  [
    ["run", "--from", "https://h/x.csv", "--to", "w.db", "--where", "id = 1"],
    /--where: files evaluate no SQL/,
  ],
  [
    ["run", "--from", "https://h/x.csv", "--to", "w.db", "--allow-net", "other"],
    /--allow-net.*h:443|h:443.*--allow-net/s,
  ],
  [
    ["run", "--from", "x.csv", "--to", "film.xlsx"],
    /--to: unknown ending "\.xlsx", expected \.parq/,
  ],
  [
    ["run", "--from", "x.csv", "--to", "out/film.xlsx"],
    /--to: unknown ending .* ends with a slash/,
  ],
  [["run", "--from", "x.csv", "--to", "postgers://h/d"], /--to: .*did you mean "postgres"/],
  [["run", "--from", "chinook.sqlite", "--to", "w.db"], /--from: it has more than one dataset/],
  [
    ["run", "--from", "x.csv", "--source", "y", "--to", "w.db"],
    /--source: --from already names the file/,
  ],
  [
    ["run", "--from", "x.csv", "--to", "y.csv", "--target", "z"],
    /--target: --to already names the file/,
  ],
  [
    ["run", "--from", "x.csv", "--to", "w.db", "--mode", "upsrt"],
    /--mode: unknown mode "upsrt", expected append, replace, upsert, scd2/,
  ],
  [["run", "--from", "x.csv", "--to", "w.db", "--mode", "upsert"], /--mode: .*no upsert_keys/],
  [["run", "--from", "x.csv", "--to", "w.db", "--key", "id"], /--key: .*expected mode: upsert/],
  [
    ["run", "--from", "x.csv", "--to", "y.parquet", "--mode", "upsert", "--key", "id"],
    /Cannot upsert into local/,
  ],
  [
    ["run", "--from", "x.csv", "--to", "w.db", "--where", "id = 1"],
    /--where: files evaluate no SQL, expected a table of a database; a run with --to x\.db/,
  ],
  [
    ["run", "--from", "x.csv", "--to", "w.db", "--columns", "id,,name"],
    /--columns: a name is empty, expected names of columns separated by commas/,
  ],
  [["run", "--from", "x.csv", "--to", "w.db", "--columns", "id,id"], /--columns: .*"id" occurs/],
  [
    ["run", "--from", "chinook.sqlite", "--source", "SELECT 1", "--to", "w.db", "--where", "1"],
    /--where: --source is a query, expected the condition in the query/,
  ],
  [["plan", "p.yaml", "--where", "id = 1"], /Cannot plan "p.yaml" with --where/],
  [["run", "--from", "${NOPE}", "--to", "w.db"], /--from: variable "NOPE" is not set/],
  [["run", "--from", "x.csv", "--to", "w.db", "--limit", "0"], /--limit/],
  [["run", "--from", "x.csv", "--to", "w.db", "--limit", "many"], /--limit/],
  [["run", "--from", "x.csv", "--to", "w.db", "--since", "1"], /stream "x": it is read whole/],
  [["head", "x.csv", "-n", "few"], /--rows "few"/],
  [["head", "x.csv", "-n", "0"], /--rows "0"/],
  [["head", "chinook.sqlite"], /expected a STREAM, dxt discover lists/],
  [
    ["head", "chinook.sqlite", "Trak"],
    /"Trak" in database "chinook.sqlite": it does not exist, did you mean "Track"/,
    1,
  ],
  [
    ["head", "data", "m3.csv"],
    /file "m3.csv" in folder ".*\/data": it does not exist, did you mean "m1.csv"/,
    1,
  ],
  [["head", "chinook.sqlite", "Track", "--target"], /--target needs a stream of a pipeline/],
  [["head", "p.yaml", "xx"], /Cannot find stream "xx" in pipeline "p": it has "x", did you mean/],
  [["head", "p.yaml", "x", "--stage"], /nothing is staged in .*dxt extract stages it/, 1],
  [["head", "p.yaml", "x", "--stage", "--target"], /--stage and --target together/],
  [["head", "p.yaml", "x", "--target"], /Cannot find relation "x"|no such file/, 1],
  [["head", "missing.yaml", "x"], /Cannot read pipeline "missing.yaml": no such file/],
  [["head", "broken.db", "t"], /not a database/, 1],
  [["discover", "nowhere"], /CONNECTION: "nowhere" is not a URL/],
  [["discover", "nowhere/"], /CONNECTION: there is no "nowhere\/"/],
  [["discover", "chinook.sqlite", "--schema", "main"], /Cannot find schema "main"/],
  [["discover", "chinook.sqlite", "--select", "tag:x"], /Cannot select "tag:x"/],
  [["discover", "chinook.sqlite", "--select", "a,,b"], /Cannot parse selector/],
  [["test", "missing.yaml"], /no such file/],
  [["test", "p.yaml", "--select", "y"], /Cannot select "y"/],
  [["init", "a/b"], /Cannot name a pipeline "a\/b"/],
  [["init", "new", "--to", "x.db"], /Cannot use --to without --from/],
  [["init", "new", "--from", "chinook.sqlite", "--to", "y.csv"], /it is one file, expected/],
  [["init", "new", "--from", "nope/"], /--from: there is no "nope\/"/],
];

Deno.test("wrong words name the option, what is wrong and what was wanted, without a stack", async () => {
  await withFolder(async (folder) => {
    await filled(folder);
    await Deno.writeTextFile(join(folder, "broken.db"), "this is no database at all");
    await Deno.writeTextFile(
      join(folder, "p.yaml"),
      "version: 1\nname: p\nsource: { provider: local }\ntarget: sqlite:new.db\n" +
        "streams: [{ id: x, source: x.csv }]\n",
    );
    await Deno.writeTextFile(
      join(folder, "mistyped.yaml"),
      "version: 1\nname: m\nsource: { provider: local, path: data }\ntarget: sqlite:w.db\n" +
        "streams: [{ id: near, source: m8.csv }, { id: far, source: a/x.csv }]\n",
    );
    for (const [args, message, code = 2] of WRONG) {
      const ended = await program(folder, args);
      const said = `${args.join(" ")}: ${ended.err}`;
      assert.match(ended.err, message, said);
      assert.match(ended.err, /^error: /m, said);
      assert.equal(ended.code, code, said);
      assert.doesNotMatch(ended.err, /\n\s+at /, said);
      assert.equal(ended.out, "", said);
    }
    await assert.rejects(Deno.stat(join(folder, "new.db")), Deno.errors.NotFound);
    await assert.rejects(Deno.stat(join(folder, "w.db")), Deno.errors.NotFound);
    await assert.rejects(Deno.stat(join(folder, "pipelines")), Deno.errors.NotFound);
  });
});

Deno.test("init says in JSON what it wrote, and on stderr nothing", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, ".gitignore"), "");
    const init = async (...args: string[]) => {
      const { out, err } = await well(program(folder, ["init", ...args]));
      return [err, out] as const;
    };
    const [err, out] = await init("shop", "-q");
    assert.equal(err, "");
    const { files, ...about } = JSON.parse(out);
    assert.deepEqual(about, { pipeline: "pipelines/shop.yaml", variables: ["SHOP_URL"] });
    assert.deepEqual(files[0], { path: "pipelines/shop.yaml", change: "wrote" });
    assert.ok(files.some(({ change }: { change: string }) => change === "added to"));
    assert.equal(JSON.parse((await init("more", "-o", "json"))[1]).files.length, files.length - 1);
    const named = JSON.parse((await init("typed.yaml", "-o", "json"))[1]);
    assert.equal(named.files[0].path, "pipelines/typed.yaml");
    const lines = (await init("lines", "-o", "ndjson"))[1].trimEnd().split("\n");
    assert.deepEqual(JSON.parse(lines[0]!), { path: "pipelines/lines.yaml", change: "wrote" });
    assert.deepEqual(await init("silent", "-qq"), ["", ""]);
  });
});

Deno.test("init writes a project that validates and runs, overwrites nothing, and adds to it", async () => {
  await withFolder(async (folder) => {
    await filled(folder);
    await Deno.writeTextFile(join(folder, ".gitignore"), "node_modules");
    const dxt = (...args: string[]) => well(program(folder, args, { PLAIN_URL: "sqlite:x.db" }));
    const text = (path: string) => Deno.readTextFile(join(folder, path));
    const { out } = await dxt("init", "music", "--from", "chinook.sqlite", "--select", "A*");
    assert.equal(
      out,
      "wrote    pipelines/music.yaml\nwrote    dxt_project.yaml\nwrote    .env.example\n" +
        "added to .gitignore\nwrote    pipelines/schema.json\n" +
        "wrote    pipelines/project.schema.json\n",
    );
    await golden("init_project.yaml", await text("dxt_project.yaml"));
    await golden("init_pipeline.yaml", await text("pipelines/music.yaml"));
    assert.equal(
      await text(".gitignore"),
      "node_modules\n.env\n.dxt/\n*.db\n*.db-journal\n*.db-shm\n*.db-wal\n*.log\n",
    );
    await dxt("validate", "pipelines/music.yaml");
    await dxt("test", "pipelines/music.yaml");
    await dxt("run", "pipelines/music.yaml");
    assert.match((await dxt("head", "pipelines/music.yaml", "Artist", "--target")).out, /AC\/DC/);
    const project = await text("dxt_project.yaml");
    const again = await program(folder, ["init", "music"]);
    assert.equal(again.code, 2);
    assert.match(again.err, /Cannot write "pipelines\/music.yaml": it already exists/);
    await dxt("init", "plain");
    await golden("init_plain.yaml", await text("pipelines/plain.yaml"));
    await dxt("validate", "pipelines/plain.yaml");
    await dxt("init", "inbox", "--from", "data/", "--to", "out/");
    await dxt("run", "pipelines/inbox.yaml");
    assert.match((await dxt("head", "out/m1.parquet")).out, /^id +m$/m);
    assert.equal(await text("dxt_project.yaml"), project);
    assert.match(await text(".env.example"), /^PLAIN_URL=postgres:\/\/user:password@/m);
    assert.equal((await text(".gitignore")).match(/\.env/g)!.length, 1);
  });
});

Deno.test("init of a template makes a project that names its variable in .env.example", async () => {
  await withFolder(async (folder) => {
    const { err } = await well(program(folder, ["init", "shop"]));
    assert.match(err, /set SHOP_URL in the environment or in \.env/);
    await Deno.copyFile(join(folder, ".env.example"), join(folder, ".env"));
    await well(program(folder, ["validate", "pipelines/shop.yaml"]));
  });
});

Deno.test("files whose names look like patterns are themselves, and their pipeline runs", async () => {
  await withFolder(async (folder) => {
    const name = "a[1] {b}*.csv";
    await Deno.mkdir(join(folder, "in"));
    await Deno.writeTextFile(join(folder, "in", name), "id\n7\n");
    await Deno.writeTextFile(join(folder, "in", "a1.csv"), "id\n8\n");
    const one = await well(program(folder, ["head", `in/${name}`, "-o", "ndjson"]));
    assert.equal(one.out, '{"id":"7"}\n');
    for (const [of, rows] of [[`in/${name}`, [7]], ["in", [8, 7]]] as const) {
      const { out } = await well(program(folder, ["discover", of, "-f", "yaml"]));
      await Deno.writeTextFile(join(folder, "p.yaml"), out);
      const { streams } = JSON.parse((await well(program(folder, ["run", "p.yaml", "-q"]))).out);
      assert.equal(streams.length, rows.length);
    }
    const chosen = await well(program(folder, ["discover", "in", "-s", "a1", "-f", "json"]));
    assert.deepEqual(JSON.parse(chosen.out).streams.map((one: { name: string }) => one.name), [
      "a1.csv",
    ]);
    const pattern = await well(program(folder, ["discover", "in/a*.csv", "-f", "json"]));
    assert.deepEqual(JSON.parse(pattern.out).streams[0].source, {
      type: "glob",
      pattern: "a*.csv",
    });
  });
});

Deno.test("a mistyped URL does not tell its password", async () => {
  await withFolder(async (folder) => {
    for (const url of ["postgres//u:hunter22@h/db", "postgers://u:hunter22@h/db"]) {
      for (
        const args of [["discover", url], ["head", url, "x"], ["run", "--from", url, "--to", "x"]]
      ) {
        const { code, out, err } = await program(folder, args);
        assert.equal(code, 2);
        assert.doesNotMatch(out + err, /hunter22/);
      }
    }
  });
});
