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

Deno.test("variables are read by name, each that may not be is told with its place and flag", () =>
  withPipeline({ "p.yaml": PIPELINE }, async (path) => {
    const read = `--allow-read=${path}`;
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
${path}:7:14: variable "DIR" may not be read: run it with --allow-env=DIR
    7 |     source: "\${DIR:-data}/a.csv"
      |              ^`,
    });
  }));

Deno.test("a variable that the command line gives needs no permission", () =>
  withPipeline({ "p.yaml": PIPELINE }, async (path) => {
    const flags = [`--allow-read=${path}`, "--allow-env=DIR"];
    const { code, stderr } = await validate(path, flags, { args: ["--var", "WH=w.db"] });
    assert.deepEqual([code, stderr], [0, ""]);
  }));

Deno.test("a variable that the runtime hides is unset", () =>
  withPipeline({ "p.yaml": PIPELINE }, async (path) => {
    const env = { WH: "w.db" };
    const hidden = await validate(path, ["--allow-read", "--ignore-env=WH,DIR"], { env });
    assert.match(hidden.stderr, /4:36: variable "WH" is not set\n/);
    assert.doesNotMatch(hidden.stderr, /DIR/);
  }));

Deno.test("what was probably meant is told where all of the environment may be read, and only there", () =>
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

Deno.test("a file that may be there and cannot be looked for is named with its flag", () =>
  withPipeline({
    "p.yaml": PIPELINE,
    ".env": "WH=w.db\n",
    "q/p.yaml": PIPELINE.replace(/^target:.*/m, "target: warehouse"),
    "dxt_project.yaml": "connections: { warehouse: { provider: sqlite, path: w.db } }\n",
  }, async (path, folder) => {
    const env = ["--allow-env=WH,DIR"];
    const flags = [...env, `--allow-read=${path},${folder}/dxt_project.yaml`];
    const unset = await validate(path, flags);
    assert.match(
      unset.stderr,
      new RegExp(`"WH" is not set; dxt may not look for a .env: .*=${folder}/.env\n`),
    );
    assert.equal((await validate(path, [...flags, `--allow-read=${folder}/.env`])).code, 0);
    const inside = join(folder, "q/p.yaml");
    const alone = await validate(inside, [...env, `--allow-read=${inside}`]);
    assert.equal(alone.code, 2);
    assert.match(
      alone.stderr,
      new RegExp(
        `"warehouse" is not a URL, and dxt may not look for a dxt_project.yaml: .*,${folder}/dxt_project.yaml,`,
      ),
    );
    const project = `--allow-read=${folder}/dxt_project.yaml`;
    assert.equal((await validate(inside, [...env, `--allow-read=${inside}`, project])).code, 0);
  }));

Deno.test("a pipeline that may not be read is told with its flag, quoted for a shell", () =>
  withPipeline({ "a b/p.yaml": PIPELINE }, async (_, folder) => {
    const path = join(folder, "a b/p.yaml");
    assert.deepEqual(await validate(path, []), {
      code: 2,
      stderr:
        `error: Cannot read pipeline "${path}": dxt may not read "${path}": run it with '--allow-read=${path}'`,
    });
  }));
