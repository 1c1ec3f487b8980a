/** Reading a pipeline where the process may not read everything. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { withFolder } from "../support/run.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;

const PIPELINE = `version: 1
name: p
source: { provider: local }
target: { provider: sqlite, path: "\${WH}" }
streams:
  - id: a
    source: "\${DIR:-data}/a.csv"
`;

interface Answer {
  readonly code: number;
  readonly stderr: string;
}

/** `dxt validate` with these permissions. */
async function validate(
  path: string,
  flags: readonly string[],
  { env = {}, args = [] }: { env?: Record<string, string>; args?: readonly string[] } = {},
): Promise<Answer> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...flags, MAIN, "validate", path, ...args],
    env: { PATH: Deno.env.get("PATH")!, HOME: Deno.env.get("HOME") ?? "/", NO_COLOR: "1", ...env },
    clearEnv: true,
    stdout: "null",
    stderr: "piped",
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr).trim() };
}

/** The least that a pipeline without a project is read with. */
function reading(path: string, ...more: readonly string[]): string {
  const project = ["yaml", "yml"].map((ending) => join(path, `../dxt_project.${ending}`));
  return `--allow-read=${[path, ...project, ...more].join(",")}`;
}

async function withPipeline(
  files: Record<string, string>,
  work: (path: string, folder: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(join(folder, name, ".."), { recursive: true });
      await Deno.writeTextFile(join(folder, name), text);
    }
    await work(join(folder, "p.yaml"), folder);
  });
}

Deno.test("variables are read by name, each that may not be is reported with its place and flag", () =>
  withPipeline({ "p.yaml": PIPELINE }, async (path) => {
    const read = reading(path, join(path, "../.env"));
    const env = { WH: "w.db", OTHER: "x" };
    assert.deepEqual(await validate(path, [read, "--allow-env=WH,DIR"], { env }), {
      code: 0,
      stderr: "",
    });
    assert.deepEqual(await validate(path, [read], { env }), {
      code: 2,
      stderr: `error: ${path}:4:36: variable "WH" may not be read: run it with --allow-env=WH
    4 | target: { provider: sqlite, path: "\${WH}" }
      |                                    ^
error: ${path}:7:14: variable "DIR" may not be read: run it with --allow-env=DIR
    7 |     source: "\${DIR:-data}/a.csv"
      |              ^`,
    });
  }));

Deno.test("a variable that the command line gives needs no permission", () =>
  withPipeline({ "p.yaml": PIPELINE }, async (path) => {
    const flags = [reading(path), "--allow-env=DIR"];
    const args = ["--var", "WH=w.db"];
    const { code, stderr } = await validate(path, flags, { args, env: { DIR: "in" } });
    assert.deepEqual([code, stderr], [0, ""]);
  }));

Deno.test("a variable that the runtime hides is unset", () =>
  withPipeline({ "p.yaml": PIPELINE }, async (path) => {
    const env = { WH: "w.db" };
    const hidden = await validate(path, ["--allow-read", "--ignore-env=WH,DIR"], { env });
    assert.match(hidden.stderr, /4:36: variable "WH" is not set\n/);
    assert.doesNotMatch(hidden.stderr, /DIR/);
  }));

Deno.test("what was probably meant is reported where all of the environment may be read, and only there", () =>
  withPipeline({ "p.yaml": PIPELINE }, async (path) => {
    const env = { WHX: "w.db" };
    const all = await validate(path, ["--allow-read", "--allow-env"], { env });
    assert.match(all.stderr, /variable "WH" is not set, did you mean "WHX"\n/);
    const named = await validate(path, ["--allow-read", "--allow-env=WH,DIR"], { env });
    assert.match(named.stderr, /variable "WH" is not set\n/);
  }));

Deno.test("switches of dxt that may not be read are unset", () =>
  withPipeline({ "p.yaml": PIPELINE }, async (path) => {
    const env = { WH: "w.db", DXT_QUIET: "perhaps", FORCE_COLOR: "1" };
    const flags = ["--allow-read", "--allow-env=WH,DIR"];
    assert.deepEqual(await validate(path, flags, { env }), { code: 0, stderr: "" });
    const told = await validate(path, [...flags, "--allow-env=DXT_QUIET"], { env });
    assert.match(told.stderr, /DXT_QUIET/);
  }));

Deno.test("a file that may have a variable's value and may not be read is an error, not another value", () =>
  withPipeline({
    "dxt_project.yaml": "name: shop\n",
    ".env": "WH=far.db\nDIR=far\n",
    "q/p.yaml": PIPELINE,
    "q/.env": "WH=near.db\n",
  }, async (_, folder) => {
    const path = join(folder, "q/p.yaml");
    const env = "--allow-env=WH,DIR";
    const project = ["yaml", "yml"].map((ending) => join(folder, `dxt_project.${ending}`));
    const far = [...project, join(folder, ".env")];
    const near = join(folder, "q/.env");
    assert.equal((await validate(path, [env, reading(path, near, ...far)])).code, 0);
    const without = await validate(path, [env, reading(path, ...far)]);
    assert.equal(without.code, 2);
    assert.match(
      without.stderr,
      new RegExp(
        `4:36: variable "WH" may be in "${near}", which dxt may not read: run it with --allow-read=${near}\n`,
      ),
    );
    const given = await validate(path, [env, reading(path)], { env: { WH: "w.db", DIR: "in" } });
    assert.deepEqual(given, { code: 0, stderr: "" });
  }));

Deno.test("a project is looked for as far up as dxt may look, and never left out by half", () =>
  withPipeline({
    "q/p.yaml": PIPELINE.replace("${WH}", "w.db").replace("${DIR:-data}", "data"),
    "dxt_project.yaml": "defaults: { load: { mode: upsert } }\n",
  }, async (_, folder) => {
    const path = join(folder, "q/p.yaml");
    const above = ["yaml", "yml"].map((ending) => join(folder, `dxt_project.${ending}`));
    const all = await validate(path, [reading(path, ...above)]);
    assert.match(all.stderr, /mode upsert but no upsert_keys/);
    assert.equal((await validate(path, [reading(path)])).code, 0);
    assert.equal((await validate(path, [`--allow-read=${folder}/q`])).code, 0);
    for (const [kept, hidden] of [above, above.toReversed()] as [string, string][]) {
      const half = await validate(path, [reading(path, kept)]);
      assert.deepEqual(half, {
        code: 2,
        stderr:
          `error: Cannot look for a project: dxt may not read "${hidden}": run it with --allow-read=${hidden}`,
      });
    }
    const none = await validate(path, [`--allow-read=${path}`]);
    assert.equal(none.code, 2);
    const own = ["yaml", "yml"].map((ending) => join(folder, `q/dxt_project.${ending}`)).join(",");
    assert.match(none.stderr, new RegExp(`Cannot look for a project: .*--allow-read=${own}$`));
  }));

Deno.test("an unknown connection may be one of a project that dxt may not look for", () =>
  withPipeline({
    "q/p.yaml": PIPELINE.replace(/^target:.*/m, "target: warehouse").replace("${DIR:-data}", "d"),
    "dxt_project.yaml": "connections: { warehouse: { provider: sqlite, path: w.db } }\n",
  }, async (_, folder) => {
    const path = join(folder, "q/p.yaml");
    const { code, stderr } = await validate(path, [reading(path)]);
    assert.equal(code, 2);
    assert.match(
      stderr,
      new RegExp(
        `"warehouse" is not a URL, and dxt may not read "${folder}/dxt_project.yaml": `,
      ),
    );
  }));

Deno.test("a pipeline that may not be read is reported with its flag, quoted for a shell", () =>
  withPipeline({ "a b/p.yaml": PIPELINE }, async (_, folder) => {
    const path = join(folder, "a b/p.yaml");
    assert.deepEqual(await validate(path, []), {
      code: 2,
      stderr:
        `error: Cannot read pipeline "${path}": dxt may not read "${path}": run it with '--allow-read=${path}'`,
    });
  }));
