/** The most that a pipeline may need, as the command line and the project say it. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { withFolder } from "../../support/run.ts";
import { program } from "../program.ts";

const PIPELINE = {
  version: 1,
  name: "p",
  source: { provider: "local" },
  target: { provider: "sqlite", path: "w.db" },
  streams: [{ id: "t", source: "in/a.csv" }, { id: "u", source: "in/a.csv" }],
};

const POSTGRES = {
  ...PIPELINE,
  source: "postgres://me@db.invalid:5433/shop",
  streams: [{ id: "t", source: "public.t" }],
};

/** A folder with these files, at its real path. */
async function withFiles(
  files: Readonly<Record<string, unknown>>,
  work: (folder: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (made) => {
    const folder = await Deno.realPath(made);
    const all = { "in/a.csv": "id\n1\n", ...files };
    for (const [name, content] of Object.entries(all)) {
      const text = typeof content === "string" ? content : JSON.stringify(content, null, 1);
      await Deno.mkdir(dirname(join(folder, name)), { recursive: true });
      await Deno.writeTextFile(join(folder, name), text);
    }
    await work(folder);
  });
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("what is not allowed is reported at once, with who needs it and where to add it", () =>
  withFiles({ "p.yaml": PIPELINE }, async (folder) => {
    const before = names(folder);
    const limits = ["--allow-read=in,.dxt", "--allow-write=.dxt", "--allow-net="];
    const { code, err } = await program(folder, ["run", "p.yaml", ...limits]);
    assert.equal(
      err,
      `error: Cannot use pipeline "p": it needs more than is allowed
  read "${folder}/w.db" for stream "t", stream "u": add it to --allow-read
  read "${folder}/w.db-journal" for stream "t", stream "u": add it to --allow-read
  write "${folder}/w.db" for stream "t", stream "u": add it to --allow-write
  write "${folder}/w.db-journal" for stream "t", stream "u": add it to --allow-write
`,
    );
    assert.equal(code, 2);
    assert.deepEqual(names(folder), before);
    const all = ["--allow-read=.", "--allow-write=.", "--allow-net=", "--allow-env="];
    const allowed = await program(folder, ["run", "p.yaml", "-q", ...all]);
    assert.deepEqual([allowed.code, allowed.err], [0, ""]);
  }));

Deno.test("the project's permissions start at its folder, and hold beside those of the command line", () =>
  withFiles({
    "sub/p.yaml": { ...PIPELINE, source: { provider: "local", path: ".." } },
    "dxt_project.yaml": { permissions: { read: ["in", "sub"], write: ["sub"], net: [], env: [] } },
  }, async (folder) => {
    const inside = await program(folder, ["run", "sub/p.yaml", "-q"]);
    assert.deepEqual([inside.code, inside.err], [0, ""]);
    const fewer = ["--allow-read=sub/.dxt,sub/w.db,sub/w.db-journal"];
    const both = await program(folder, ["run", "sub/p.yaml", ...fewer]);
    assert.match(
      both.err,
      /read ".*\/in\/a.csv" for stream "t", stream "u": add it to --allow-read\n$/,
    );
    assert.equal(both.err.split("\n").length, 3);
    await Deno.writeTextFile(
      join(folder, "dxt_project.yaml"),
      "permissions: { read: [in, sub], write: [sub/w.db] }\n",
    );
    const { code, err } = await program(folder, ["run", "sub/p.yaml", "--allow-write=/"]);
    assert.match(
      err,
      /write ".*\/sub\/\.dxt" for .*: add it to permissions.write in dxt_project.yaml/,
    );
    assert.equal(code, 2);
  }));

Deno.test("every command that connects is held to the limits, before it connects", () =>
  withFiles({ "p.yaml": POSTGRES, "shop.yaml": POSTGRES }, async (folder) => {
    for (
      const command of [
        ["run", "p.yaml"],
        ["run", "p.yaml", "--dry-run"],
        ["run", "--from", POSTGRES.source, "--source", "t", "--to", "w.db"],
        ["extract", "p.yaml"],
        ["plan", "p.yaml"],
        ["test", "p.yaml"],
        ["head", "p.yaml", "t"],
        ["head", POSTGRES.source, "t"],
        ["discover", POSTGRES.source],
      ]
    ) {
      const { code, err } = await program(folder, [...command, "--allow-net=db.invalid:5432"]);
      assert.match(
        err,
        /connect to "db\.invalid:5433" for .*: add it to --allow-net\n$/,
        command[0],
      );
      assert.equal(code, 2, `${command}`);
    }
    const load = await program(folder, ["load", "p.yaml", "--allow-write=in"]);
    assert.match(load.err, /write ".*w.db" for stream "t": add it to --allow-write/);
    const variable = await program(folder, ["test", "p.yaml"], { DXT_ALLOW_NET: "other" });
    assert.match(variable.err, /add it to --allow-net/);
    assert.deepEqual(names(folder), ["in", "p.yaml", "shop.yaml"]);
  }));

Deno.test("variables are limited by name", () =>
  withFiles({ "p.yaml": { ...PIPELINE, description: "${HOME_OF_IT:-x}" } }, async (folder) => {
    const { code, err } = await program(folder, ["test", "p.yaml", "--allow-env=HOME"]);
    assert.match(err, /read variable "HOME_OF_IT" for the pipeline: add it to --allow-env\n$/);
    assert.equal(code, 2);
    const given = ["--allow-env=", "--var", "HOME_OF_IT=y"];
    assert.equal((await program(folder, ["test", "p.yaml", ...given])).code, 0);
  }));

Deno.test("a link is held to where it leads, a stage to where it is", () =>
  withFiles({
    "data/in/x": "",
    "elsewhere/a.csv": "id\n1\n",
    "p.yaml": {
      ...PIPELINE,
      source: { provider: "local", path: "data/in" },
      target: { provider: "local", path: "data/out" },
      buffer: { location: "../stages" },
      streams: [{ id: "t", source: "away/a.csv", target: "t.csv" }],
    },
  }, async (folder) => {
    await Deno.symlink("../../elsewhere", join(folder, "data/in/away"));
    const limits = ["--allow-read=data", "--allow-write=data"];
    const { code, err } = await program(folder, ["run", "p.yaml", ...limits]);
    const stages = join(folder, "../stages/p");
    assert.deepEqual(
      err.trimEnd().split("\n").sort(),
      [
        `  read "${folder}/data/in/away/a.csv", which is "${folder}/elsewhere/a.csv" for stream "t": add it to --allow-read`,
        `  read "${stages}" for stream "t": add it to --allow-read`,
        `  write "${stages}" for stream "t": add it to --allow-write`,
        'error: Cannot use pipeline "p": it needs more than is allowed',
      ].sort(),
    );
    assert.equal(code, 2);
  }));

Deno.test("a link that is found in a folder and leads elsewhere is refused by the sandbox alone", () =>
  withFiles({
    "elsewhere/b.csv": "id\n2\n",
    "p.yaml": { ...PIPELINE, streams: [{ id: "t", source: "in/*.csv" }] },
  }, async (folder) => {
    await Deno.symlink("../elsewhere/b.csv", join(folder, "in/b.csv"));
    const { code, err } = await program(folder, ["run", "p.yaml"]);
    assert.equal(code, 1);
    assert.match(
      err,
      /Cannot read "in\/b.csv": dxt may not read ".*\/elsewhere\/b.csv": its connection does not/,
    );
    const off = await program(folder, ["run", "p.yaml", "-q", "--sandbox=off"]);
    assert.equal(JSON.parse(off.out).streams[0].rows_loaded, 2);
  }));

Deno.test("what is no host, path or name is refused by its option", async () => {
  const host = "expected host, host:port or [IPv6 address]:port, with a port from 1 to 65535";
  const wrong: [string, string, string][] = [
    ["net", "a/b", host],
    ["net", "http://a", host],
    ["net", "a:0", host],
    ["net", "a:65536", host],
    ["net", "::1", host],
    ["net", "*.a.example", host],
    ["net", "a,,b", "expected a value, it is empty"],
    ["read", ",", "expected a value, it is empty"],
    ["write", "a,", "expected a value, it is empty"],
    ["env", "A=B", "expected the name of a variable"],
  ];
  await withFiles({ "p.yaml": POSTGRES }, async (folder) => {
    for (const [kind, value, wanted] of wrong) {
      const { code, err } = await program(folder, ["test", "p.yaml", `--allow-${kind}=${value}`]);
      assert.ok(err.startsWith(`error: Cannot use --allow-${kind} with "`), err);
      assert.ok(err.endsWith(`": ${wanted}\n`), err);
      assert.equal(code, 2);
    }
    await Deno.writeTextFile(
      join(folder, "dxt_project.yaml"),
      'permissions:\n  net: [a.example, "b/c"]\n  read: 5\n  wirte: []\n',
    );
    const { code, err } = await program(folder, ["test", "p.yaml"]);
    assert.equal(code, 2);
    assert.match(err, /dxt_project.yaml:2:20: item 2 of "net" is "b\/c", expected host, host:port/);
    assert.match(err, /dxt_project.yaml:3:9: "read" is the number 5, expected a list/);
    assert.match(err, /dxt_project.yaml:4:3: unknown key "wirte", did you mean "write"/);
  });
});

Deno.test("an address of IPv6 is allowed by any way of writing it", () =>
  withFiles({ "p.yaml": { ...POSTGRES, source: "postgres://me@[::1]:1/x" } }, async (folder) => {
    const tried = (limit: string) => program(folder, ["test", "p.yaml", `--allow-net=${limit}`]);
    assert.match((await tried("[::2]:1")).err, /connect to "\[::1\]:1" for stream "t": add it/);
    assert.match((await tried("[::1]:2")).err, /connect to "\[::1\]:1" for stream "t": add it/);
    for (const limit of ["[::1]", "[::1]:1", "[0:0:0:0:0:0:0:1]:1"]) {
      assert.equal((await tried(limit)).code, 1, limit);
    }
  }));

Deno.test("a path with a comma has no flag, and is reported in JSON", () =>
  withFiles({
    "a,b/x.csv": "id\n1\n",
    "p.yaml": { ...PIPELINE, streams: [{ id: "t", source: "a,b/x.csv" }] },
  }, async (folder) => {
    const { code, err } = await program(folder, ["permissions", "p.yaml"]);
    assert.match(
      err,
      /^error: Cannot write --allow-read for ".*\/a,b\/x.csv": it contains a comma/,
    );
    assert.equal(code, 2);
    const { out } = await program(folder, ["permissions", "p.yaml", "--format", "json"]);
    assert.ok(JSON.parse(out).read.includes(join(folder, "a,b/x.csv")));
  }));

Deno.test("flags are words of a shell, of the selected streams alone", () =>
  withFiles({
    "with space/b.csv": "id\n1\n",
    "p.yaml": {
      ...PIPELINE,
      source: "postgres://me@[::1]/x",
      target: { provider: "local" },
      streams: [
        { id: "t", source: "t", target: "with space/t.csv" },
        { id: "u", source: "u", target: "in/u.csv" },
      ],
    },
  }, async (folder) => {
    const { out, code } = await program(folder, ["permissions", "p.yaml", "-s", "t"]);
    assert.equal(code, 0);
    assert.match(out, /^'--allow-net=\[::1\]:5432' '--allow-read=[^']*with space[^']*' /);
    assert.doesNotMatch(out, /u\.csv/);
    assert.equal(out.split("\n").length, 2);
  }));

Deno.test("a run without the sandbox says so, in its log too", () =>
  withFiles({ "p.yaml": PIPELINE }, async (folder) => {
    const log = ["--log-file", "x.log"];
    const off = await program(folder, ["run", "p.yaml", "-q", "--sandbox=off", ...log]);
    const told =
      "the sandbox is off: workers have all permissions of dxt, not only those that they need";
    assert.deepEqual([off.code, off.err], [0, `warning: ${told}\n`]);
    const lines = Deno.readTextFileSync(join(folder, "x.log")).trim().split("\n")
      .map((line) => JSON.parse(line));
    const { time: _, run_id, ...line } = lines.find(({ event }) => event === "warning");
    assert.match(run_id, /^[\da-f-]{36}$/);
    assert.deepEqual(line, { level: "warning", event: "warning", pipeline: "p", message: told });
    const on = await program(folder, ["run", "p.yaml", "-q", "--sandbox=on"]);
    assert.deepEqual([on.code, on.err], [0, ""]);
    const wrong = await program(folder, ["run", "p.yaml", "--sandbox=maybe"]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.err, /"maybe"/);
  }));
