/** The runtime asks on a terminal for what was not granted: dxt does nothing that makes it ask. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { withFolder } from "../../support/run.ts";
import { program } from "../program.ts";
import { ignoreIf } from "../../support/ignore.ts";

const MAIN = fileURLToPath(new URL("../../../main.ts", import.meta.url));

async function hasScript(): Promise<boolean> {
  try {
    const { stdout } = await new Deno.Command("script", { args: ["--version"] }).output();
    return new TextDecoder().decode(stdout).includes("util-linux");
  } catch {
    return false;
  }
}

const missing = await hasScript() ? undefined : "needs script, which makes a terminal";

/** What a terminal shows of dxt without --no-prompt. */
async function shown(folder: string, permissions: string, args: string): Promise<string> {
  const command = `'${Deno.execPath()}' run --no-check ${permissions} '${MAIN}' ${args}`;
  const child = new Deno.Command("script", {
    args: ["-qec", command, "/dev/null"],
    cwd: folder,
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH")!,
      HOME: Deno.env.get("HOME")!,
      TERM: "dumb",
      NO_COLOR: "1",
      WAREHOUSE: "w",
      ...(Deno.env.has("DENO_DIR") ? { DENO_DIR: Deno.env.get("DENO_DIR")! } : {}),
    },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  let text = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    // Nobody answers.
    if (text.includes("Allow?")) child.kill("SIGKILL");
  }
  await child.stdin.close().catch(() => {});
  await child.status;
  // deno-lint-ignore no-control-regex
  return text.replace(/\u001b\[[\d;?]*[A-Za-z]/g, "").replaceAll("\r", "");
}

const PIPELINE = {
  version: 1,
  name: "p",
  source: { provider: "local", path: "in" },
  target: { provider: "sqlite", path: "made/${WAREHOUSE}.db" },
  streams: [{ id: "t", source: "*.csv" }],
};

Deno.test({
  ...ignoreIf(
    missing,
    "nothing is asked on a terminal, whether all is granted, the least, or too little",
  ),
  fn: () =>
    withFolder(async (made) => {
      const folder = await Deno.realPath(made);
      await Deno.mkdir(join(folder, "in"));
      await Deno.writeTextFile(join(folder, "in/a.csv"), "id\n1\n");
      await Deno.writeTextFile(join(folder, "p.yaml"), JSON.stringify(PIPELINE));
      const back = { ...PIPELINE, source: PIPELINE.target, target: { provider: "local" } };
      const streams = [{ id: "t", source: "t", target: "out/t.csv" }];
      await Deno.writeTextFile(join(folder, "q.yaml"), JSON.stringify({ ...back, streams }));
      const least = async (path: string) =>
        (await program(folder, ["permissions", path], { WAREHOUSE: "w" })).out.trim();
      const tries: [string, string, RegExp][] = [
        ["-A", "run p.yaml", /1 of 1 stream succeeded/],
        ["-A", "run q.yaml", /1 of 1 stream succeeded/],
        ["-A", "test p.yaml", /0 failed/],
        [await least("p.yaml"), "run p.yaml", /1 of 1 stream succeeded/],
        [await least("q.yaml"), "run q.yaml", /1 of 1 stream succeeded/],
        [await least("p.yaml"), "run q.yaml", /error: Cannot read pipeline "q.yaml"/],
        ["", "run p.yaml", /error: Cannot read pipeline "p.yaml"/],
        ["--allow-read=p.yaml", "run p.yaml", /error: Cannot look for a project/],
        ["--allow-read=.", "run p.yaml", /variable "WAREHOUSE" may not be read/],
        [
          "--allow-read=. --allow-env=WAREHOUSE",
          "run p.yaml",
          /permissions that dxt does not have/,
        ],
        ["", "discover in", /error: /],
        ["", "--help", /Usage: dxt/],
      ];
      for (const [permissions, args, wanted] of tries) {
        const text = await shown(folder, permissions, args);
        assert.doesNotMatch(text, /Allow\?|Denied|Granted/, `${permissions} ${args}: ${text}`);
        assert.match(text, wanted, `${permissions} ${args}: ${text}`);
      }
    }),
});
