import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { NAMES } from "../../../src/cli/command_table.ts";
import { complete, type NameReaders, VALUES } from "../../../src/cli/help/complete.ts";
import { SCRIPTS, type Shell, SHELLS } from "../../../src/cli/help/completion_scripts.ts";
import { readPage } from "../../../src/cli/help/command_pages.ts";
import { FORMATS } from "../../../src/models/format.ts";
import { LOAD_MODES } from "../../../src/models/stream.ts";
import { withFolder } from "../../support/run.ts";
import { dxt } from "../fakes.ts";

const MAIN = fileURLToPath(new URL("../../../main.ts", import.meta.url));
const names: NameReaders = {
  streams: () => Promise.resolve({ ids: ["orders", "totals"], tags: ["critical", "daily"] }),
  connections: () => Promise.resolve(["lake", "shop"]),
};

async function words(...typed: string[]): Promise<string[]> {
  return (await complete(typed, names)).map(({ word }) => word);
}

Deno.test("every command and every option is completed", async () => {
  assert.deepEqual(await words(""), [...NAMES]);
  assert.deepEqual(await words("ex"), ["extract", "explain-failure"]);
  assert.deepEqual(await words("--v"), ["--version"]);
  for (const name of NAMES) {
    const known = readPage(name)!.options.map(({ names }) => names.at(-1)!);
    assert.deepEqual(await words(name, "-"), known);
  }
  assert.deepEqual(await words("run", "--sel"), ["--select"]);
});

Deno.test("ids and tags of the pipeline are completed within a selector", async () => {
  const all = ["orders", "totals", "tag:critical", "tag:daily"];
  assert.deepEqual(await words("run", "a.yaml", "--select", ""), all);
  assert.deepEqual(await words("run", "a.yaml", "-x", "tag:d"), ["tag:daily"]);
  assert.deepEqual(await words("run", "a.yaml", "--select=orders,to"), ["--select=orders,totals"]);
  assert.deepEqual(await words("run", "a.yaml", "-s", "tag:daily+c"), ["tag:daily+critical"]);
  assert.deepEqual(await words("run", "--select", ""), []);
  assert.deepEqual(await words("head", "a.yaml", "o"), ["orders"]);
});

Deno.test("values are choices or files", async () => {
  assert.deepEqual(await words("run", "--output", ""), ["text", "json", "ndjson"]);
  assert.deepEqual(await words("run", "--color=a"), ["--color=auto", "--color=always"]);
  assert.deepEqual(await words("run", "--log-file", ""), [":files"]);
  assert.deepEqual(await words("run", "--threads", ""), []);
  assert.deepEqual(await words("run", "a"), [":files"]);
  assert.deepEqual(await words("completions", ""), [...SHELLS]);
  assert.deepEqual(await words("nonsense", ""), []);
});

Deno.test("modes and formats are those of the models, connections those of the project", async () => {
  assert.deepEqual(VALUES, { "--mode": LOAD_MODES, "--format": FORMATS });
  assert.deepEqual(await words("run", "--mode", ""), [...LOAD_MODES]);
  assert.deepEqual(await words("plan", "--format=j"), ["--format=json", "--format=jsonl"]);
  assert.deepEqual(await words("run", "--from", ""), ["lake", "shop", ":files"]);
  assert.deepEqual(await words("run", "--to=s"), ["--to=shop", ":files"]);
  assert.deepEqual(await words("discover", "s"), ["shop", ":files"]);
  assert.deepEqual(await words("head", ""), ["lake", "shop", ":files"]);
  assert.deepEqual(await words("validate", ""), [":files"]);
});

Deno.test("a pipeline that cannot be read completes nothing, and says nothing", async () => {
  const ended = await dxt("completions --words run /nowhere.yaml --select x");
  assert.deepEqual(ended, { code: 0, out: "", err: "" });
});

Deno.test("the scripts are printed as they are", async () => {
  for (const shell of SHELLS) {
    assert.equal((await dxt(`completions ${shell}`)).out, SCRIPTS[shell]);
    assert.equal((await dxt(`completions ${shell} --color never`)).out, SCRIPTS[shell]);
  }
  assert.match(
    (await dxt("completions tcsh")).err,
    /Cannot use SHELL "tcsh": expected one of "bash", "zsh"/,
  );
});

async function has(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}

const INSTALLED = new Map(
  await Promise.all(
    (["bash", "zsh", "fish"] as const).map(async (shell) => [shell, await has(shell)] as const),
  ),
);

/** What a shell prints that has loaded its script, in a folder with a pipeline and a `dxt`. */
async function inShell(shell: Shell, commands: string): Promise<string> {
  return await withFolder(async (folder) => {
    const program = join(folder, "dxt");
    await Deno.writeTextFile(
      program,
      `#!/bin/sh\nexec '${Deno.execPath()}' run -A --no-check '${MAIN}' "$@"\n`,
    );
    await Deno.chmod(program, 0o755);
    await Deno.writeTextFile(join(folder, "script"), SCRIPTS[shell]);
    await Deno.writeTextFile(
      join(folder, "shop.yaml"),
      "streams:\n  - id: orders\n    tags: [daily]\n  - id: totals\n",
    );
    await Deno.writeTextFile(
      join(folder, "dxt_project.yaml"),
      "connections:\n  shop: sqlite:shop.db\n  lake: sqlite:lake.db\n",
    );
    const { stdout, stderr } = await new Deno.Command(shell, {
      args: [...shell === "bash" ? ["--norc"] : shell === "zsh" ? ["-f"] : ["-N"], "-c", commands],
      cwd: folder,
      env: { PATH: `${folder}:${Deno.env.get("PATH")}`, HOME: folder },
    }).output();
    assert.equal(new TextDecoder().decode(stderr), "");
    return new TextDecoder().decode(stdout);
  });
}

Deno.test({
  name: "bash completes, also behind the characters that it breaks words at",
  ignore: !INSTALLED.get("bash"),
  async fn() {
    const printed = await inShell(
      "bash",
      String.raw`source ./script
try() {
  COMP_LINE="$1" COMP_POINT=${"${#1}"} COMP_WORDS=(\${@:2}) COMP_CWORD=$(($# - 2))
  [[ "$1" == *" " ]] && COMP_WORDS+=("") && COMP_CWORD=$((COMP_CWORD + 1))
  _dxt
  printf '%s\n' "${"${COMPREPLY[*]}"}"
}
try "dxt ru" dxt ru
try "dxt run shop.yaml --select " dxt run shop.yaml --select
try "dxt run shop.yaml --select tag:d" dxt run shop.yaml --select tag : d
try "dxt run shop.yaml --select orders,t" dxt run shop.yaml --select orders,t
try "dxt run shop.yaml --output=" dxt run shop.yaml --output =
try "dxt run sh" dxt run sh
try "dxt run --mode " dxt run --mode
try "dxt run --to la" dxt run --to la
try "dxt discover sh" dxt discover sh
`.replaceAll("\\${", "${"),
    );
    assert.deepEqual(printed.trimEnd().split("\n"), [
      "run runs",
      "orders totals tag:daily",
      "daily",
      "orders,totals orders,tag:daily",
      "text json ndjson",
      "shop.yaml",
      "append replace upsert scd2",
      "lake",
      "shop shop.yaml",
    ]);
  },
});

Deno.test({
  name: "fish completes, with what each word means",
  ignore: !INSTALLED.get("fish"),
  async fn() {
    const printed = await inShell(
      "fish",
      `source ./script
complete -C "dxt ru"
complete -C "dxt run shop.yaml --select "
complete -C "dxt run sh"
complete -C "dxt run --to la"`,
    );
    assert.deepEqual(printed.trimEnd().split("\n"), [
      "run\tMove the streams of a pipeline from source to target",
      "runs\tList past runs from their receipts",
      "orders\tstream",
      "tag:daily\ttag",
      "totals\tstream",
      "shop.yaml",
      "lake\tconnection",
    ]);
  },
});

Deno.test({
  name: "zsh completes at a real prompt",
  ignore: !INSTALLED.get("zsh"),
  async fn() {
    const printed = await inShell(
      "zsh",
      String.raw`zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PS1="> "; autoload -Uz compinit; compinit -u -D; source ./script; print rea""dy'
while zpty -r z line; do [[ $line == *ready* ]] && break; done
zpty -w -n z $'dxt run shop.yaml --select tag\t'
heard=""
for i in {1..100}; do
  sleep 0.1
  while zpty -r -t z line; do heard+=$line; done
  [[ $heard == *tag:daily* ]] && break
done
[[ $heard == *tag:daily* ]] && print completed
zpty -d z`,
    );
    assert.equal(printed, "completed\n");
  },
});

Deno.test("each script is a script of its shell", async () => {
  for (const [shell, there] of INSTALLED) {
    if (!there) continue;
    await withFolder(async (folder) => {
      const path = join(folder, "script");
      await Deno.writeTextFile(path, SCRIPTS[shell]);
      const { success } = await new Deno.Command(shell, { args: ["-n", path] }).output();
      assert.ok(success, shell);
    });
  }
  assert.match(SCRIPTS.powershell, /^Register-ArgumentCompleter -Native -CommandName dxt/m);
});
