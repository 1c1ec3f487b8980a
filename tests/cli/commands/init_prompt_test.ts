/** Questions and widths on a real terminal, which `script` of util-linux makes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { displayWidth } from "../../../src/cli/output/terminal_text.ts";
import { withFolder } from "../../support/run.ts";
import { program } from "../program.ts";

const MAIN = fileURLToPath(new URL("../../../main.ts", import.meta.url));
const CHINOOK = fileURLToPath(new URL("../../data/chinook/chinook.sqlite", import.meta.url));

async function hasScript(): Promise<boolean> {
  try {
    const { stdout } = await new Deno.Command("script", { args: ["--version"] }).output();
    return new TextDecoder().decode(stdout).includes("util-linux");
  } catch {
    return false;
  }
}

const ignore = !await hasScript();

/** What a terminal shows of dxt, when somebody types these lines. */
async function typed(
  folder: string,
  columns: number,
  args: string,
  lines: readonly string[],
): Promise<{ code: number; lines: string[] }> {
  const path = join(folder, ".run.sh");
  const run = `'${Deno.execPath()}' run -A --no-check '${MAIN}' ${args}`;
  await Deno.writeTextFile(path, `stty cols ${columns} rows 24 -echo\n${run}\n`);
  const child = new Deno.Command("script", {
    args: ["-qec", `bash ${path}`, "/dev/null"],
    cwd: folder,
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH")!,
      HOME: Deno.env.get("HOME")!,
      TERM: "xterm",
      NO_COLOR: "1",
      ...(Deno.env.has("DENO_DIR") ? { DENO_DIR: Deno.env.get("DENO_DIR")! } : {}),
    },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  let shown = "";
  let left = [...lines];
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    shown += chunk;
    if (left.length === 0 || !/(: |\]: )$/.test(shown)) continue;
    await input.write(new TextEncoder().encode(`${left[0]}\n`));
    left = left.slice(1);
  }
  await input.close().catch(() => {});
  const { code } = await child.status;
  // deno-lint-ignore no-control-regex
  const plain = shown.replace(/\u001b\[[\d;?]*[A-Za-z]/g, "").replaceAll("\r", "");
  await Deno.remove(path);
  return { code, lines: plain.trimEnd().split("\n") };
}

Deno.test({
  name: "init asks on a terminal for what was not given, and takes an empty line for the default",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      await Deno.copyFile(CHINOOK, join(folder, "chinook.sqlite"));
      const { code, lines } = await typed(folder, 80, "init", ["music", "chinook.sqlite", ""]);
      assert.equal(code, 0, lines.join("\n"));
      assert.ok(lines.some((line) => line.includes("Name of the pipeline [")));
      assert.ok(lines.some((line) => line.includes("Target [sqlite:music.db]: ")));
      const { code: valid } = await program(folder, ["validate", "pipelines/music.yaml"]);
      assert.equal(valid, 0);
      const said = await typed(folder, 80, "init second --from chinook.sqlite --to out/", []);
      assert.equal(said.code, 0, said.lines.join("\n"));
      assert.ok(said.lines.every((line) => !line.includes("Name of")));
    }),
});

Deno.test({
  name: "head fits the terminal, and names the fields that do not fit",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      for (const columns of [60, 80, 200]) {
        const { code, lines } = await typed(folder, columns, `head ${CHINOOK} Customer -n 5`, []);
        assert.equal(code, 0);
        const table = lines.filter((line) => !line.startsWith("warning"));
        assert.equal(table.length, 6, lines.join("\n"));
        for (const line of table) assert.ok(displayWidth(line) <= columns, line);
        assert.equal(
          lines.some((line) => /^warning: \d+ fields? not shown/.test(line)),
          columns < 200,
        );
      }
    }),
});

Deno.test("head shows what is staged, and JSON that keeps every digit", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(
      join(folder, "p.yaml"),
      "version: 1\nname: p\nsource: { provider: local }\ntarget: sqlite:t.db\n" +
        "streams: [{ id: x, source: x.csv }]\n",
    );
    await Deno.writeTextFile(
      join(folder, "x.csv"),
      'id,d,t\n9007199254740993,1.10,\n2,2.20,"a\u001b[2J"\n',
    );
    const dxt = (...args: string[]) => program(folder, args);
    assert.equal((await dxt("extract", "p.yaml")).code, 0);
    await Deno.remove(join(folder, "x.csv"));
    const { out } = await dxt("head", "p.yaml", "x", "--stage", "-o", "json");
    const rows = JSON.parse(out);
    assert.equal(rows[0].id, "9007199254740993");
    assert.equal(rows[0].t, null);
    assert.equal(rows[1].t, "a\u001b[2J");
    assert.doesNotMatch(out.replaceAll("\n", ""), /\p{Cc}/u);
    const one = await dxt("head", "p.yaml", "--stage", "-n", "1", "-o", "ndjson");
    assert.equal(one.out.trimEnd().split("\n").length, 1);
    assert.equal((await dxt("load", "p.yaml")).code, 0);
    const table = await dxt("head", "p.yaml", "x", "--target");
    assert.match(table.out, /^9007199254740993 .*NULL$/m);
    assert.doesNotMatch(table.out.replaceAll("\n", ""), /\p{Cc}/u);
  });
});
