/**
 * What people get wrong, each with an error that names the place and the fix, no stack trace and
 * the right exit code. Each case runs the whole command line on real files.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { main } from "../../../src/cli/main.ts";
import { withFolder } from "../../support/run.ts";
import { fakeIO } from "../fakes.ts";

const HEAD = `version: 1
name: shop
source: { provider: local, path: data }
target: { provider: sqlite, path: out.db }
`;
const GOOD = `${HEAD}streams:
  - id: a
    source: a.csv
    tags: [daily]
    load: { mode: replace }
  - id: b
    source: a.csv
`;

interface Wrong {
  /** Words of the command line; `p.yaml` is the pipeline below. */
  readonly args?: string;
  readonly pipeline?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly code?: number;
  /** What stderr says of the place, and of the fix. */
  readonly says: readonly RegExp[];
}

const edited = (from: string, to: string) => {
  assert.ok(GOOD.includes(from), from);
  return GOOD.replace(from, to);
};

const CASES: Readonly<Record<string, Wrong>> = {
  // Keys and values of a pipeline.
  "a typo in a key of the pipeline": {
    pipeline: edited("streams:", "steams:"),
    says: [/p\.yaml:5:1: unknown key "steams", did you mean "streams"/],
  },
  "a typo in a key of a stream": {
    pipeline: edited("    source: a.csv\n    tags", "    sorce: a.csv\n    tags"),
    says: [/p\.yaml:7:5: .*"sorce", did you mean "source"/, /^ +7 \| +sorce: a\.csv$/m],
  },
  "a typo in a key of load": {
    pipeline: edited("mode: replace", "moed: replace"),
    says: [/p\.yaml:9:13: .*"moed", did you mean "mode"/],
  },
  "a typo in a mode": {
    pipeline: edited("mode: replace", "mode: repalce"),
    says: [/p\.yaml:9:19: .*"repalce"/, /replace/],
  },
  "a number where a list is expected": {
    pipeline: edited("tags: [daily]", "tags: 3"),
    says: [/p\.yaml:8:11: /, /list/],
  },
  "a text where a mapping is expected": {
    pipeline: edited("load: { mode: replace }", "load: replace"),
    says: [/p\.yaml:9:11: /, /expected/],
  },
  "a list where a text is expected": {
    pipeline: edited("id: a\n", "id: [a]\n"),
    says: [/p\.yaml:6:9: /, /expected/],
  },
  "a wrong version": {
    pipeline: edited("version: 1", "version: 9"),
    says: [/p\.yaml:1:10: /, /expected 1/],
  },
  "a name with blanks": {
    pipeline: edited("name: shop", "name: my shop"),
    says: [/p\.yaml:2:7: .*letters, digits/],
  },
  "no streams": { pipeline: HEAD, says: [/p\.yaml:1:1: missing key "streams"/] },
  "an empty list of streams": {
    pipeline: `${HEAD}streams: []\n`,
    says: [/p\.yaml:5:10: /, /expected/],
  },
  "two streams with one id": {
    pipeline: edited("id: b", "id: a"),
    says: [/p\.yaml:10:\d+: .*"a"/],
  },
  "an upsert without keys": {
    pipeline: edited("mode: replace", "mode: upsert"),
    says: [/p\.yaml:9:\d+: .*upsert_keys/],
  },
  "incremental without a watermark": {
    pipeline: edited("    tags: [daily]", "    extract: { mode: incremental }"),
    says: [/p\.yaml:8:\d+: .*watermark_field/],
  },
  "a wrong dtype": {
    pipeline: edited("    tags: [daily]", "    fields: [{ id: x, dtype: integr }]"),
    says: [/p\.yaml:8:\d+: .*"integr"/],
  },
  // YAML itself.
  "a tab in YAML": {
    pipeline: edited("    tags", "\ttags"),
    says: [/p\.yaml:8:1: a tab indents this line, expected spaces/],
  },
  "a quote that is left open": {
    pipeline: edited("name: shop", 'name: "shop'),
    says: [/p\.yaml:2:7: this quote is not closed/],
  },
  "a key twice": {
    pipeline: edited("name: shop\n", "name: shop\nname: ship\n"),
    says: [/p\.yaml:3:1: key "name" occurs twice, first on line 2/],
  },
  "an alias without anchor": {
    pipeline: edited("tags: [daily]", "tags: *daily"),
    says: [/p\.yaml:8:11: alias "\*daily" has no anchor/],
  },
  "an empty file": { pipeline: "", says: [/p\.yaml:1:1: the file is empty/] },
  "JSON that is cut off": { pipeline: '{"version": 1, "name": ', says: [/p\.yaml:1:/] },
  "several mistakes are told at once": {
    pipeline: GOOD.replace("version: 1", "version: 2").replace("id: b", "idd: b"),
    says: [/^error: .*p\.yaml:1:10: /, /^error: .*p\.yaml:10:5: .*"idd", did you mean "id"/m],
  },
  // Variables.
  "a variable that is not set": {
    pipeline: edited("path: out.db", 'path: "${OUT_DB}"'),
    says: [/p\.yaml:4:\d+: .*OUT_DB/],
  },
  "a variable that is required with a message": {
    pipeline: edited("path: out.db", 'path: "${OUT_DB:?set it to the database}"'),
    says: [/p\.yaml:4:\d+: .*set it to the database/],
  },
  "a variable that is not closed": {
    pipeline: edited("path: out.db", 'path: "${OUT_DB"'),
    says: [/p\.yaml:4:\d+: /],
  },
  "a file of variables that is not there": {
    args: "validate p.yaml --env-file no.env",
    says: [/Cannot read variables file ".*no\.env": no such file/],
  },
  "a file of variables that is wrong": {
    args: "validate p.yaml --env-file bad.env",
    files: { "bad.env": "A=1\nwhat is this\n" },
    says: [/bad\.env:2/],
  },
  // Providers and connections.
  "a provider that nobody knows": {
    pipeline: edited("provider: sqlite", "provider: sqlte"),
    says: [/p\.yaml:4:\d+: .*"sqlte"/, /did you mean "sqlite"/],
  },
  "a URL of a scheme that nobody knows": {
    pipeline: edited("{ provider: sqlite, path: out.db }", "postgrs://h/d"),
    says: [/p\.yaml:4:\d+: .*"postgrs:" URL/, /did you mean "postgres"/],
  },
  "a connection that no project has": {
    pipeline: edited("{ provider: sqlite, path: out.db }", "warehouse"),
    says: [/p\.yaml:4:\d+: .*"warehouse"/],
  },
  "a key that the provider does not have": {
    pipeline: edited("path: out.db", "path: out.db, user: me"),
    says: [/p\.yaml:4:\d+: .*"user"/],
  },
  "a key of the provider that is missing": {
    pipeline: edited(", path: out.db", ""),
    says: [/p\.yaml:4:\d+: .*path/],
  },
  "a source that the provider does not have": {
    pipeline: edited("source: a.csv\n    tags", 'source: { type: sql, sql: "select 1" }\n    tags'),
    says: [/p\.yaml:7:\d+: Cannot read a sql from local/],
  },
  "an extractor that the provider does not have": {
    pipeline: edited("    tags: [daily]", "    extractor: LocalRecordExtracter"),
    says: [/p\.yaml:8:\d+: /, /did you mean "LocalRecordExtractor"/],
  },
  "a mode that the target cannot load": {
    pipeline: edited("{ provider: sqlite, path: out.db }", "{ provider: local, path: out }")
      .replace("mode: replace", "mode: upsert, upsert_keys: [id]").replaceAll(
        /^( {4}source: a\.csv)$/gm,
        "$1\n    target: x.csv",
      ),
    says: [/p\.yaml:\d+:\d+: Cannot upsert into local: it can/],
  },
  "a project that is wrong": {
    files: { "dxt_project.yaml": "conections: {}\n" },
    says: [/dxt_project\.yaml:1:1: .*"conections", did you mean "connections"/],
  },
  "a level of the log that nobody knows": {
    files: { "dxt_project.yaml": "logging: { level: loud }\n" },
    says: [/dxt_project\.yaml:1:\d+: .*"loud"/],
  },
  // Files.
  "a pipeline that is not there": {
    args: "run no.yaml",
    says: [/Cannot read pipeline ".*no\.yaml": no such file$/m],
  },
  "a pipeline of another ending": {
    args: "run p.yml",
    says: [/Cannot read pipeline "p\.yml": no such file, did you mean "p\.yaml"$/m],
  },
  "a folder for a pipeline": {
    args: "run data",
    says: [/Cannot read pipeline ".*data": it is a folder/],
  },
  "a file of the source that is not there": {
    args: "run p.yaml --select b",
    pipeline: GOOD.replaceAll("a.csv", "no.csv"),
    code: 1,
    says: [/stream "b"/, /no\.csv/],
  },
  "a target that no worker may write": {
    args: "run p.yaml --select b",
    pipeline: edited("out.db", "/proc/x.db"),
    code: 1,
    says: [/Cannot load stream "b" of pipeline "shop" into sqlite: dxt cannot use "\/proc\/x\.db"/],
  },
  "a stage that cannot be written": {
    args: "run p.yaml --select b",
    pipeline: edited("streams:", "buffer: { location: p.yaml/stage }\nstreams:"),
    code: 1,
    says: [
      /Cannot stage stream "b" of pipeline "shop" in "[^"]*p\.yaml\/stage.*, set buffer\.location/,
    ],
  },
  "a log that cannot be written": {
    args: "run p.yaml --log-file /dev/null/x.log",
    says: [/Cannot write the log "\/dev\/null\/x\.log": /],
  },
  // Selectors.
  "a stream that nobody knows": {
    args: "run p.yaml --select c",
    says: [/"c"/, /no stream has this id, did you mean "a"/],
  },
  "a tag that no stream has": {
    args: "list p.yaml --select tag:dialy",
    says: [/"tag:dialy"/, /did you mean "tag:daily"|did you mean "daily"/],
  },
  "a selector that ends with a comma": {
    args: "list p.yaml --select a,",
    says: [/Cannot .*"a,"/],
  },
  "everything excluded": { args: "list p.yaml --exclude all", says: [/exclude|no stream/i] },
  // The command line.
  "a typo in a command": { args: "rnu p.yaml", says: [/"rnu", did you mean "run"/, /dxt --help/] },
  "a typo in an option": {
    args: "run p.yaml --treads 2",
    says: [/"--treads", did you mean "--threads"/, /dxt run --help/],
  },
  "an option of another command": {
    args: "list p.yaml --full-refresh",
    says: [/Unknown option "--full-refresh"/, /dxt list --help/],
  },
  "an option before its command": {
    args: "--quiet run p.yaml",
    says: [/"--quiet": options come after the command/],
  },
  "no pipeline": { args: "list", says: [/expected a PIPELINE/] },
  "two pipelines": { args: "run p.yaml p.yaml", says: [/Unexpected argument "p\.yaml"/] },
  "no value": { args: "run p.yaml --select", says: [/--select requires SELECTOR/] },
  "threads that are no number": {
    args: "run p.yaml --threads many",
    says: [/Cannot use --threads "many": expected a valid integer/],
  },
  "no thread at all": {
    args: "run p.yaml --threads 0",
    says: [/Cannot use --threads "0": expected a value greater than or equal to 1/],
  },
  "a limit below one": {
    args: "run p.yaml --limit 0",
    says: [/Cannot use --limit "0": expected .*1/],
  },
  "an output that nobody knows": {
    args: "run p.yaml --output xml",
    says: [/Cannot use --output "xml": expected one of "text", "json", and "ndjson"/],
  },
  "a colour that is neither": {
    args: "run p.yaml --color purple",
    says: [/Cannot use --color "\S+": expected one of "auto", "always", and "never"/],
  },
  "a level that nobody knows": {
    args: "run p.yaml --log-level loud",
    says: [/Cannot use --log-level "\S+": expected one of "debug"/],
  },
  "a variable without a value": {
    args: "run p.yaml --var A",
    says: [/--var: expected NAME=VALUE, the "=" is missing/],
  },
  "a shell that nobody knows": {
    args: "completions tcsh",
    says: [/Cannot use SHELL "tcsh": expected one of "bash", "zsh", "fish", and "powershell"/],
  },
  "a category that nobody knows": {
    args: "operators list --category files",
    says: [/Cannot use --category "\S+": expected one of "relational"/],
  },
  "a target without a source": { args: "run --to x.db", says: [/--from/] },
  "a pipeline and a source": { args: "run p.yaml --from x", says: [/--from/] },
  // DXT_ variables.
  "DXT_THREADS that is no number": {
    args: "run p.yaml",
    env: { DXT_THREADS: "all" },
    says: [/variable DXT_THREADS "all": .*integer/],
  },
  "DXT_OUTPUT that nobody knows": {
    env: { DXT_OUTPUT: "xml" },
    says: [/variable DXT_OUTPUT "xml": .*"ndjson"/],
  },
  "DXT_FAIL_FAST that is neither": {
    args: "run p.yaml",
    env: { DXT_FAIL_FAST: "perhaps" },
    says: [/variable DXT_FAIL_FAST "perhaps": expected 1 or 0/],
  },
  "DXT_SELECT that selects nothing": {
    args: "list p.yaml",
    env: { DXT_SELECT: "zzz" },
    says: [/"zzz"/],
  },
  // Values.
  "a value that its type cannot hold": {
    args: "run p.yaml --select a",
    pipeline: edited("    tags: [daily]", "    fields: [{ id: x, dtype: int8 }]"),
    files: { "data/a.csv": "x\n1\n300\n" },
    code: 1,
    says: [/stream "a"/, /field "x"/, /"300"/],
  },
};

for (
  const [name, { args = "validate p.yaml", code = 2, says, ...wrong }] of Object.entries(CASES)
) {
  Deno.test(`wrong: ${name}`, async () => {
    await withFolder(async (folder) => {
      await Deno.mkdir(join(folder, "data"));
      const files = { "p.yaml": wrong.pipeline ?? GOOD, "data/a.csv": "x\n1\n", ...wrong.files };
      for (const [path, text] of Object.entries(files)) {
        await Deno.writeTextFile(join(folder, path), text);
      }
      const words = args.split(" ").map((word) =>
        /^(p\.yaml|no\.yaml|p\.yml|data|no\.env|bad\.env)$/.test(word) ? join(folder, word) : word
      );
      const io = fakeIO({ env: wrong.env ?? {} });
      const ended = await main(words, io);
      const err = io.err.replaceAll(`${folder}/`, "");
      for (const expected of says) assert.match(err, expected);
      assert.equal(ended, code, err);
      assert.match(err, /^error: /m);
      assert.doesNotMatch(err + io.out, /^\s+at .*:\d+:\d+/m);
      assert.doesNotMatch(err, /undefined|\[object|TypeError/);
    });
  });
}

Deno.test("a load that fails names stream, table and cause once", async () => {
  await withFolder(async (folder) => {
    await Deno.mkdir(join(folder, "data"));
    await Deno.writeTextFile(join(folder, "data/a.csv"), "x\n1\n");
    await Deno.writeTextFile(join(folder, "p.yaml"), GOOD);
    using database = new DatabaseSync(join(folder, "out.db"));
    database.exec("CREATE TABLE b (x INTEGER, y INTEGER NOT NULL)");
    const io = fakeIO();
    assert.equal(await main(["run", join(folder, "p.yaml"), "--select", "b"], io), 1);
    const [error] = io.err.match(/^error: .*$/m)!;
    assert.match(
      error,
      /^error: Cannot load stream "b" of pipeline "shop" into "b" of sqlite: column "y"/,
    );
    assert.equal(error.match(/Cannot/g)!.length, 1, error);
  });
});

Deno.test("there are fifty of them and more", () => {
  assert.ok(Object.keys(CASES).length >= 50);
});

Deno.test("a database that is none is reported with its path", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "x.db"), "this is no database at all".repeat(100));
    assert.throws(() => new DatabaseSync(join(folder, "x.db")).prepare("SELECT * FROM a"));
    await Deno.mkdir(join(folder, "data"));
    await Deno.writeTextFile(join(folder, "data/a.csv"), "x\n1\n");
    await Deno.writeTextFile(join(folder, "p.yaml"), GOOD.replace("out.db", "x.db"));
    const io = fakeIO();
    assert.equal(await main(["run", join(folder, "p.yaml")], io), 1, io.err);
    assert.match(io.err, /x\.db.*not a database|not a database.*x\.db/);
  });
});
