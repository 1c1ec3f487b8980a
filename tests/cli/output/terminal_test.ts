/** Progress on a real terminal: `script` of util-linux makes one. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { displayWidth } from "../../../src/cli/output/terminal_text.ts";
import { withFolder } from "../../support/run.ts";

const PROCESS = fileURLToPath(new URL("../terminal_process.ts", import.meta.url));
const RUN = `'${Deno.execPath()}' run -A --no-check '${PROCESS}'`;

async function hasScript(): Promise<boolean> {
  try {
    const { stdout } = await new Deno.Command("script", { args: ["--version"] }).output();
    return new TextDecoder().decode(stdout).includes("util-linux");
  } catch {
    return false;
  }
}

const ignore = !await hasScript();

/** All that was written to a terminal of this width; with `resized` it changes its width half-way. */
async function onTerminal(columns: number, resized?: number): Promise<string> {
  return await withFolder(async (folder) => {
    const resize = resized === undefined ? "" : `(sleep 1.6; stty cols ${resized} </dev/tty) & `;
    const path = join(folder, "run.sh");
    await Deno.writeTextFile(path, `stty cols ${columns} rows 24; ${resize}exec ${RUN}\n`);
    const { code, stdout } = await new Deno.Command("script", {
      args: ["-qec", `bash ${path}`, "/dev/null"],
      clearEnv: true,
      env: {
        PATH: Deno.env.get("PATH")!,
        HOME: Deno.env.get("HOME")!,
        TERM: "xterm",
        ...(Deno.env.has("DENO_DIR") ? { DENO_DIR: Deno.env.get("DENO_DIR")! } : {}),
      },
      stdin: "null",
    }).output();
    assert.equal(code, 0);
    return new TextDecoder().decode(stdout);
  });
}

// deno-lint-ignore no-control-regex
const ESCAPES = /\u001b\[[\d;?]*[A-Za-z]/g;

interface Screen {
  readonly lines: readonly string[];
  readonly drawings: number;
  /** Widest line that was drawn again later. */
  readonly widest: number;
}

/** A terminal in miniature, which breaks a line that is too long. */
function shown(text: string, columns: number): Screen {
  const lines = [""];
  let [at, drawings, widest] = [0, 0, 0];
  // deno-lint-ignore no-control-regex
  for (const [part] of text.matchAll(/\u001b\[[\d;?]*[A-Za-z]|[^]/gu)) {
    // deno-lint-ignore no-control-regex
    const up = /^\u001b\[(\d+)A$/.exec(part);
    if (up !== null) {
      at -= Number(up[1]);
      drawings++;
      widest = Math.max(widest, ...lines.slice(at).map(displayWidth));
      assert.ok(at >= 0, "above the top");
    } else if (part === "\u001b[J") lines.splice(at, Infinity, "");
    else if (part === "\n") lines[++at] ??= "";
    else if (part !== "\r" && !part.startsWith("\u001b")) {
      if (displayWidth(lines[at]! + part) > columns) lines[++at] ??= "";
      lines[at] += part;
    }
  }
  return { lines, drawings, widest };
}

for (const columns of [80, 200]) {
  Deno.test({
    name: `a terminal of ${columns} columns shows progress without broken lines`,
    ignore,
    async fn() {
      const text = await onTerminal(columns);
      const { lines, drawings, widest } = shown(text, columns);
      assert.ok(drawings >= 5, `${drawings} drawings`);
      assert.ok(widest < columns, `${widest} columns`);
      assert.ok(text.includes("extracting"));
      // What was drawn is gone; what was told and the result stay, each once.
      const screen = lines.join("\n");
      assert.doesNotMatch(screen, /extracting|started/);
      assert.equal(screen.match(/^warning: orders: in between$/gm)?.length, 1);
      assert.doesNotMatch(screen, /^orders: succeeded/m);
      assert.equal(text.replaceAll(ESCAPES, "").match(/^orders +succeeded/gm)?.length, 1);
      assert.match(screen, /^商品/m);
    },
  });
}

Deno.test({
  name: "a terminal that becomes wider or narrower half-way shows no broken lines",
  ignore,
  async fn() {
    for (const [from, to] of [[80, 140], [140, 80]] as const) {
      const text = await onTerminal(from, to);
      // deno-lint-ignore no-control-regex
      const drawn = text.replaceAll(/\u001b\[\d*A\u001b\[J/g, "\u0000").split("\u0000").slice(1, -1)
        .flatMap((part) => part.split(/\r?\n/)).filter((line) => line.includes("extracting"))
        .map((line) => displayWidth(line.replaceAll(ESCAPES, "")));
      assert.ok(drawn.length > 5);
      assert.ok(drawn.every((width) => width < Math.max(from, to)), drawn.join());
      assert.ok(drawn.at(-1)! < to, drawn.join());
    }
  },
});

Deno.test("a pipe gets lines, and nothing that steers a terminal", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", PROCESS],
    env: { NO_COLOR: "1" },
  }).output();
  assert.equal(code, 0);
  const said = new TextDecoder().decode(stderr);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(said + new TextDecoder().decode(stdout), /[\u001b\r]/);
  assert.match(said, /^orders: started\n/);
  assert.doesNotMatch(said, /extracting/);
});
