/** dxt plan --save and dxt run --plan, as whole processes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ignoreIf } from "../../support/ignore.ts";
import { withFolder } from "../../support/run.ts";
import { freshDatabase, postgresTest } from "../../support/services.ts";
import { type Ended, program } from "../program.ts";

interface Project {
  readonly folder: string;
  dxt(command: string, env?: Readonly<Record<string, string>>): Promise<Ended>;
  write(name: string, text: string): Promise<void>;
  /** Writes the pipeline with these keys in place of its own. */
  writePipeline(stream: object, keys?: object): Promise<void>;
}

const STREAM = {
  id: "orders",
  source: "orders.csv",
  target: "orders",
  extract: { mode: "incremental", watermark_field: "id" },
  load: { mode: "append" },
};

async function withProject(work: (project: Project) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const write = (name: string, text: string) => Deno.writeTextFile(join(folder, name), text);
    const writePipeline = (stream: object, keys: object = {}) =>
      write(
        "shop.yaml",
        JSON.stringify({
          version: 1,
          name: "shop",
          source: { provider: "local" },
          target: { provider: "sqlite", path: "${FILE:-shop.db}" },
          streams: [{ ...STREAM, ...stream }],
          ...keys,
        }),
      );
    await writePipeline({});
    await write("orders.csv", "id,name\n1,Ann\n2,Bob\n");
    const dxt = (command: string, env = {}) => program(folder, command.split(" "), env);
    await work({ folder, dxt, write, writePipeline });
  });
}

/** The changes that a refused run lists, without their indent. */
async function refuse({ dxt }: Project, env = {}): Promise<string[]> {
  const { code, out, err } = await dxt("run --plan shop.plan", env);
  assert.deepEqual([code, out], [5, ""], err);
  const [message, ...changes] = err.trimEnd().split("\n");
  assert.equal(
    message,
    'error: Cannot run plan "shop.plan": a run would no longer do the same; make a new plan',
  );
  return changes.map((change) => change.trimStart());
}

Deno.test("a saved plan runs once, and its receipt has its digest", () =>
  withProject(async (project) => {
    const { folder, dxt } = project;
    const saved = await dxt("plan shop.yaml --save shop.plan --select orders");
    assert.equal(saved.code, 0, saved.err);
    assert.match(saved.err, /shop: the plan is saved, run it with: dxt run --plan shop\.plan\n$/);
    const bytes = await Deno.readFile(join(folder, "shop.plan"));
    assert.equal((await Deno.stat(join(folder, "shop.plan"))).mode! & 0o777, 0o600);

    const dry = await dxt("run --plan shop.plan --dry-run");
    assert.equal(dry.code, 0, dry.err);
    const { code, err } = await dxt("run --plan shop.plan --receipts receipts");
    assert.equal(code, 0, err);
    const [entry] = await Array.fromAsync(Deno.readDir(join(folder, "receipts")));
    const receipt = JSON.parse(await Deno.readTextFile(join(folder, "receipts", entry!.name)));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
    assert.deepEqual([receipt.plan, receipt.result.streams[0].rows_loaded], [digest, 2]);

    assert.deepEqual(await refuse(project), [
      'stream "orders": extract.watermark is "2", was null',
      'stream "orders": extract.watermark_of is "orders", was unset',
      'stream "orders": extract.after is "2", was unset',
      'stream "orders": target.exists is true, was false',
      'stream "orders": no longer runs: CREATE TABLE "main"."orders" ("id" INTEGER, "name" TEXT)',
    ]);
    assert.equal((await dxt("run --plan shop.plan --dry-run")).code, 5);
  }));

Deno.test("a plan says what is verified, and its run does it", () =>
  withProject(async (project) => {
    const { dxt } = project;
    const planned = await dxt("plan shop.yaml --verify aggregates --save shop.plan");
    assert.match(planned.out, /append \(transactional\), verify aggregates$/m);
    const { code, out, err } = await dxt("run --plan shop.plan --quiet");
    assert.equal(code, 0, err);
    assert.equal(JSON.parse(out).streams[0].proof.verified.level, "aggregates");
    await project.writePipeline({ load: { mode: "append", verify: "counts" } });
    const other = await dxt("run shop.yaml --verify full --full-refresh --quiet");
    assert.equal(JSON.parse(other.out).streams[0].proof.verified.level, "full");
  }));

Deno.test("each plan has digests of its own, so that none tells a value", () =>
  withProject(async ({ folder, dxt }) => {
    const digests = await Promise.all(["one", "other"].map(async (name) => {
      assert.equal((await dxt(`plan shop.yaml --save ${name}.plan`)).code, 0);
      const { settings } = JSON.parse(await Deno.readTextFile(join(folder, `${name}.plan`)));
      return Object.values(settings.source);
    }));
    assert.ok(digests[0]!.length > 0);
    assert.deepEqual(digests[0]!.filter((digest) => digests[1]!.includes(digest)), []);
  }));

Deno.test("more rows in the source and a comment do not change a plan", () =>
  withProject(async (project) => {
    const { dxt, write, writePipeline, folder } = project;
    await writePipeline({}, { source: { provider: "local", path: "." } });
    assert.equal((await dxt("plan shop.yaml --save shop.plan")).code, 0);
    await write("orders.csv", "id,name\n1,Ann\n2,Bob\n3,Cem\n");
    const path = join(folder, "shop.yaml");
    await Deno.writeTextFile(path, `# reviewed\n${await Deno.readTextFile(path)}`);
    const { code, err } = await dxt("run --plan shop.plan");
    assert.equal(code, 0, err);
    assert.match(err, /3 rows loaded/);
  }));

Deno.test("a run that would do something else than its plan is refused, and says what", () =>
  withProject(async (project) => {
    const { dxt, write, writePipeline, folder } = project;
    assert.equal((await dxt("plan shop.yaml --save shop.plan")).code, 0);
    assert.deepEqual(await refuse(project, { FILE: "other.db" }), [
      'target: changed settings "path"',
    ]);
    await writePipeline({ load: { mode: "upsert", upsert_keys: ["id"] } });
    assert.deepEqual((await refuse(project)).slice(0, 3), [
      'stream "orders": changed settings "load"',
      'stream "orders": load.mode is "upsert", was "append"',
      'stream "orders": load.upsert_keys is ["id"], was []',
    ]);
    await writePipeline({});
    await write("orders.csv", "id,city\n1,Rome\nx,Oslo\n");
    assert.deepEqual((await refuse(project)).filter((change) => !/runs: /.test(change)), [
      'stream "orders": field.id.source_type is "string", was "int64"',
      'stream "orders": field.id.dtype is "string", was "int64"',
      'stream "orders": field.id.target_type is "TEXT", was "INTEGER"',
      'stream "orders": field.name is gone',
      'stream "orders": field.city is new',
    ]);
    await write("orders.csv", "id,name\n1,Ann\n2,Bob\n");
    await writePipeline({}, { streams: [{ id: "others", source: "orders.csv" }] });
    assert.deepEqual(await refuse(project), [
      'stream "orders": it is gone',
      'stream "others": it is new',
    ]);
    assert.deepEqual(
      (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort(),
      ["orders.csv", "shop.plan", "shop.yaml"],
    );
  }));

Deno.test("a plan that would fail is not saved, and no other file is overwritten", () =>
  withProject(async ({ dxt, write, folder }) => {
    const before = await Deno.readTextFile(join(folder, "shop.yaml"));
    const { code, err } = await dxt("plan shop.yaml --save shop.yaml");
    assert.deepEqual([code, await Deno.readTextFile(join(folder, "shop.yaml"))], [2, before]);
    assert.match(
      err,
      /Cannot save plan "shop\.yaml": the file is no saved plan \(.*\), .*; the file is kept/,
    );

    await write("orders.csv", "no\n1\n");
    const failed = await dxt("plan shop.yaml --save shop.plan");
    assert.equal(failed.code, 1);
    assert.match(failed.err, /The plan is not saved: a run of "shop" would stop or fail/);
    await assert.rejects(Deno.stat(join(folder, "shop.plan")), Deno.errors.NotFound);

    const missing = await dxt("plan shop.yaml --save no/such/folder.plan");
    assert.equal(missing.code, 1);
  }));

Deno.test("options that a plan has already, a missing and a foreign plan are refused", () =>
  withProject(async ({ dxt, write, folder }) => {
    assert.equal((await dxt("plan shop.yaml --save shop.plan")).code, 0);
    for (
      const [command, message] of [
        [
          "run --plan shop.plan --select orders",
          'Cannot run plan "shop.plan" with --select: the plan already says what is moved and verified, expected no --select',
        ],
        ["run --plan shop.plan --full-refresh", /with --full-refresh/],
        ["run --plan no.plan", 'Cannot run plan "no.plan": no such file'],
        ["run --plan shop.yaml", /Cannot run plan "shop\.yaml": the file is no saved plan/],
        ["run --plan shop.plan --from a.csv --to b.csv", /with --from/],
        [
          "plan --from orders.csv --to x.csv --save x.plan",
          /a saved plan refers to a pipeline file, expected a PIPELINE/,
        ],
      ] as const
    ) {
      const { code, err } = await dxt(command);
      assert.equal(code, 2, err);
      if (typeof message === "string") assert.ok(err.includes(message), err);
      else assert.match(err, message);
    }
    const plan = JSON.parse(await Deno.readTextFile(join(folder, "shop.plan")));
    await write("shop.plan", JSON.stringify({ ...plan, dxt: "0.0.1" }));
    const { code, err } = await dxt("run --plan shop.plan");
    assert.equal(code, 5);
    assert.match(err, /it was made by dxt 0\.0\.1, this is dxt [\d.]+; make a new plan/);
  }));

const server = postgresTest(18);

Deno.test({
  ...ignoreIf(
    server.missing,
    "PostgreSQL: a plan holds for another password, and for no new table",
  ),
  fn: () =>
    withProject(async (project) => {
      const { dxt, writePipeline, folder } = project;
      await using database = await freshDatabase(server.url);
      const url = new URL(database.url);
      const role = url.pathname.slice(1);
      url.username = role;
      await database.sql(`
        CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD 'first'; CREATE SCHEMA s;
        CREATE TABLE s.a AS SELECT 1 AS id`);
      await using cleanup = new AsyncDisposableStack();
      cleanup.defer(async () =>
        void await database.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
      );
      const at = (password: string) => {
        url.password = password;
        return { SHOP: url.href };
      };
      const stream = { id: "{table}", source: "s.*", target: "public.{table}", extract: undefined };
      await writePipeline(stream, { source: "${SHOP}", target: "${SHOP}" });
      const saved = await dxt("plan shop.yaml --save shop.plan", at("first"));
      assert.equal(saved.code, 0, saved.err);
      const text = await Deno.readTextFile(join(folder, "shop.plan"));
      assert.ok(!text.includes(new URL(database.url).hostname) && !text.includes("first"), text);
      await database.sql(`ALTER ROLE ${role} PASSWORD 'second'`);
      assert.equal((await dxt("run --plan shop.plan --dry-run", at("second"))).code, 0);

      await database.sql(`CREATE TABLE s.b AS SELECT 1 AS id`);
      assert.deepEqual(await refuse(project, at("second")), ['stream "b": it is new']);
      await database.sql(`DROP TABLE s.b`);
      const { code, err } = await dxt("run --plan shop.plan", at("second"));
      assert.equal(code, 0, err);
    }),
});
