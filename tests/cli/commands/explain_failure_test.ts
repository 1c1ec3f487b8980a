/** `dxt explain-failure`, as a whole process: what it collects, and what it leaves out. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { maskStrictly, ValueRedactor } from "../../../src/cli/app/failure/value_redactor.ts";
import { withFolder } from "../../support/run.ts";
import { type Ended, program, runCommand } from "../program.ts";

interface Project {
  readonly folder: string;
  dxt(command: string, env?: Readonly<Record<string, string>>): Promise<Ended>;
  write(name: string, text: string): Promise<void>;
  /** All files of a bundle by name. */
  read(bundle: string): Promise<Record<string, string>>;
}

async function withProject(work: (project: Project) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const write = (name: string, text: string) => Deno.writeTextFile(join(folder, name), text);
    await write(
      "dxt_project.yaml",
      "logging: { file: dxt.jsonl, receipts: receipts, level: debug }\n",
    );
    await work({
      folder,
      write,
      dxt: (command, env = {}) => program(folder, command.split(" "), env),
      async read(bundle) {
        const files: Record<string, string> = {};
        for await (const { name } of Deno.readDir(join(folder, bundle))) {
          files[name] = await Deno.readTextFile(join(folder, bundle, name));
        }
        return files;
      },
    });
  });
}

const PIPELINE = `# The shop's nightly copy.
version: 1
name: shop
source: { provider: local }
target: { provider: sqlite, path: shop.db }
streams:
  - id: people
    source: people.csv # from the clinic
    target: people
    fields: [{ id: age, dtype: int32 }, { id: name }]
    load: { mode: append }
`;

/** A load fails at the third row: the table has its name already. */
async function fail(project: Project): Promise<void> {
  using database = new DatabaseSync(join(project.folder, "shop.db"));
  database.exec(`CREATE TABLE people (name TEXT UNIQUE, age INTEGER);
    INSERT INTO people VALUES ('Cilly Cargo', 7)`);
  await project.write("people.csv", "name,age\nAnn Apple,34\nBob Berry,35\nCilly Cargo,36\n");
  await project.write("shop.yaml", PIPELINE);
  const { code } = await project.dxt("run shop.yaml -qq");
  assert.equal(code, 1);
}

Deno.test("the last failed run is one file: errors with places, plan, stage, receipt and log", () =>
  withProject(async (project) => {
    await fail(project);
    const { code, out, err } = await project.dxt("explain-failure shop.yaml --out failure -q");
    assert.equal(code, 0, err);
    const { files, run_id, problems } = JSON.parse(out);
    const names = [
      "failure.json",
      "pipeline.yaml",
      "plan.json",
      "stages.json",
      "receipt.json",
      "log.jsonl",
    ];
    assert.deepEqual(files.map(({ name }: { name: string }) => name), names);
    assert.deepEqual(problems, []);
    const found = await project.read("failure");
    const failure = JSON.parse(found["failure.json"]!);
    assert.deepEqual([failure.run_id, failure.status], [run_id, "failed"]);
    assert.match(
      failure.streams[0].error.message,
      /^Cannot load stream "people" of pipeline "shop"/,
    );
    assert.match(failure.versions.deno, /^2\./);
    assert.ok(failure.permissions.some((flag: string) => flag.startsWith("--allow-read")));
    assert.deepEqual(
      failure.servers.map(({ check }: { check: string }) => check).slice(0, 2),
      ["source", "read"],
    );
    assert.ok(failure.streams[0].last_statements.length > 0);
    assert.match(found["pipeline.yaml"]!, /^# The shop's nightly copy\.[^]*# from the clinic/);
    const [stage] = JSON.parse(found["stages.json"]!);
    assert.deepEqual([stage.stream, stage.manifest.count], ["people", 3]);
    assert.equal(JSON.parse(found["receipt.json"]!).result.run_id, run_id);
    assert.match(found["log.jsonl"]!, /"event":"run_started"/);
    for (const value of ["Ann Apple", "Bob Berry", "Cilly Cargo"]) {
      assert.ok(!JSON.stringify(found).includes(value), value);
    }
  }));

Deno.test("a run is found by its id, and the archive is one that tar reads", () =>
  withProject(async (project) => {
    await fail(project);
    const [receipt] = Array.from(
      Deno.readDirSync(join(project.folder, "receipts")),
      (one) => one.name,
    );
    const id = receipt!.slice(-13, -5);
    const { code, out, err } = await project.dxt(`explain-failure ${id} --offline`);
    assert.equal(code, 0, err);
    assert.match(out, /^pipeline\.yaml +\d+ B +the pipeline as written, secrets masked$/m);
    assert.match(err, new RegExp(`look at "dxt-failure-${id}.tar.gz" before you send it`));
    const listed = await runCommand(
      "tar",
      ["-tzf", `dxt-failure-${id}.tar.gz`],
      project.folder,
      {},
    );
    assert.equal(listed.code, 0, listed.err);
    assert.ok(listed.out.split("\n").includes(`dxt-failure-${id}/failure.json`), listed.out);
    const again = await project.dxt(`explain-failure ${id} --offline`);
    assert.equal(again.code, 2);
    assert.match(again.err, /it exists, expected a new name with --out/);
    const unknown = await project.dxt("explain-failure ffffffff");
    assert.deepEqual([unknown.code, unknown.out], [2, ""]);
    assert.match(unknown.err, /Cannot find run "ffffffff": no receipt and no line of a log has it/);
  }));

Deno.test("a value that stopped an extraction is left out, unless it is asked for", () =>
  withProject(async (project) => {
    await project.write("people.csv", "name,age\nAnn,34\nBob,thirtysix\n");
    await project.write("shop.yaml", PIPELINE);
    assert.equal((await project.dxt("run shop.yaml -qq")).code, 1);
    await project.dxt("explain-failure shop.yaml --out without");
    const without = await project.read("without");
    assert.ok(!JSON.stringify(without).includes("thirtysix"));
    const { place, error } = JSON.parse(without["failure.json"]!).streams[0];
    assert.deepEqual([place.field, place.row, place.line], ["age", 2, 3]);
    assert.match(error.message, /field "age", row 2.*value is "…"/);
    await project.dxt("explain-failure shop.yaml --out with --with-values");
    assert.match((await project.read("with"))["failure.json"]!, /thirtysix/);
  }));

Deno.test("without a log or a receipt it says what to switch on, and has the rest", () =>
  withProject(async (project) => {
    await project.write("dxt_project.yaml", "name: bare\n");
    await fail(project);
    const { code, out, err } = await project.dxt("explain-failure shop.yaml --offline -q");
    assert.equal(code, 0, err);
    const { file, files, problems } = JSON.parse(out);
    assert.equal(file, "dxt-failure-shop.tar.gz");
    assert.deepEqual(
      files.map(({ name }: { name: string }) => name),
      ["failure.json", "pipeline.yaml", "plan.json", "stages.json"],
    );
    assert.deepEqual(problems, [
      "no receipt of the run: set logging.receipts in dxt_project.yaml, or use --receipts FOLDER",
      "no log: set logging.file in dxt_project.yaml, or use --log-file FILE",
    ]);
  }));

Deno.test("a file that was mistyped is an error, and no other pipeline's failure is taken", () =>
  withProject(async (project) => {
    await fail(project);
    const { code, err } = await project.dxt("explain-failure shp.yaml --out other");
    assert.equal(code, 2);
    assert.match(err, /Cannot explain the failure of "shp.yaml": no such file, did you mean "shop/);
    await project.write("broken.yaml", "version: 1\n");
    const broken = await project.dxt("explain-failure broken.yaml --out broken -q");
    assert.equal(broken.code, 0);
    assert.equal((await project.read("broken"))["receipt.json"], undefined);
  }));

Deno.test("what code of the database raises is left out, and what people note of a login", () => {
  const redactor = new ValueRedactor(new Set(["c", "g"]));
  const raised: [string, string][] = [
    [
      'Cannot load stream "c" of pipeline "g" into "ef" of postgres: bad: Ann Apple, Key 7 (SQLSTATE P0001)',
      'Cannot load stream "c" of pipeline "g" into "…" of postgres: … (SQLSTATE P0001)',
    ],
    [
      "Cannot load into ef of mysql: no Ann here (error 1644, SQLSTATE 45000)",
      "Cannot load into ef of mysql: … (error 1644, SQLSTATE 45000)",
    ],
  ];
  for (const [message, wanted] of raised) assert.equal(redactor.text(message), wanted);
  const noted = [
    "# password: Gnu\n",
    "source: x # secret: Gnu\n",
    "  # db password is Gnu\n",
    "# api_key: Gnu, token Gnu",
    "# mysql -u root -pGnu",
    'description: "the old password was Gnu"',
  ];
  for (const text of noted) assert.ok(!maskStrictly(text).includes("Gnu"), maskStrictly(text));
  const plain = "loader: ./mod.ts#TokenLoader\nupsert_keys: [id] # the key\n";
  assert.equal(maskStrictly(plain), plain);
});

Deno.test("a pipeline that cannot be loaded is explained, too", () =>
  withProject(async (project) => {
    await project.write(
      "shop.yaml",
      PIPELINE.replace("source: {", 'source: { path: "${NOT_SET}",'),
    );
    const { code, out } = await project.dxt("explain-failure shop.yaml --out broken -q");
    assert.equal(code, 0);
    assert.match(JSON.parse(out).problems[0], /variable "NOT_SET" is not set/);
    assert.match((await project.read("broken"))["pipeline.yaml"]!, /\$\{NOT_SET\}/);
  }));

/** Secrets in each place where people put them. */
const SECRETS = {
  urlPassword: "Gh7tR2wQ9zL1",
  variableURL: "pw4Variable8Url2",
  variable: "tok3nOfVar1able",
  bearer: "b3ar3rT0ken5678abcdef",
  apiKey: "correcthorsebattery",
  cookie: "chocolatechipsession",
  query: "q4eryT0ken31337",
  signature: "s1gnatur3V4lue88",
  sqlComment: "askedBobForHunter2",
  blockComment: "bl0ckC0mm3nt55z",
  sqlLiteral: "passw0rdInL1teral9",
  fileName: "exp0rtK3yF1le42",
  fileVariable: "fold3rS3cr3t66",
  yamlComment: "gh0p4tT0kenInC0mment",
  keyValue: "v4lueOfS3cretKey1",
  github: "ghp_abcdefghijklmnopqrstuvwxyz123456",
  stripe: "sk_live_51HabcdefghijKLMNOP",
  aws: "AKIAIOSFODNN7EXAMPLE",
  dsn: "d5nPassw0rdHer3",
  envFile: "fr0mD0tEnvF1le9",
};

Deno.test("none of twenty planted secrets is in the bundle", () =>
  withProject(async (project) => {
    const s = SECRETS;
    assert.equal(Object.keys(s).length, 20);
    await project.write(".env", `DOT=${s.envFile}\nFOLDER=${s.fileVariable}\n`);
    await project.write(
      "shop.yaml",
      `# asked with ${s.github}, later ${s.yamlComment}
version: 1
name: shop
description: "api_key=${s.keyValue} and ${s.stripe}"
source: { provider: http, url: "http://u:${s.urlPassword}@127.0.0.1:9/${s.fileName}?token=${s.query}", headers: { Authorization: "Bearer ${s.bearer}", X-Api-Key: "${s.apiKey}", Cookie: "id=${s.cookie}", X-Dot: "\${DOT}" } }
target: "\${WAREHOUSE}"
streams:
  - id: people
    source: { type: file, path: "\${FOLDER}/p.csv?sig=${s.signature}", format: csv }
    target: people
    description: "\${TOKEN} ${s.aws}"
    load: { mode: replace, where: "1 = 1 -- ${s.sqlComment}" }
    extract: { watermark_where: "x = 'host=h password=${s.sqlLiteral}' /* ${s.blockComment} */" }
    error_handling: { dead_letters: "postgres://a:${s.dsn}@h/x" }
`,
    );
    const env = { WAREHOUSE: `postgres://u:${s.variableURL}@127.0.0.1:9/w`, TOKEN: s.variable };
    const run = await project.dxt("run shop.yaml --retries 0", env);
    assert.notEqual(run.code, 0);
    const { code, out, err } = await project.dxt(
      "explain-failure shop.yaml --out bundle --with-values",
      env,
    );
    assert.equal(code, 0, err);
    const all = JSON.stringify(await project.read("bundle")) + out + err;
    for (const [where, secret] of Object.entries(s)) {
      assert.ok(
        !all.includes(secret),
        `${where}: ${all.slice(all.indexOf(secret) - 200, all.indexOf(secret) + 50)}`,
      );
    }
    const bare = await project.dxt("explain-failure shop.yaml --out bare --offline");
    const unset = JSON.stringify(await project.read("bare")) + bare.out + bare.err;
    for (const [where, secret] of Object.entries(s)) assert.ok(!unset.includes(secret), where);
  }));
