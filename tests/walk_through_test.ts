/**
 * The console blocks of all pages, run as they stand: what is printed is what the page shows, but for
 * times and sizes. A page has a folder of its own, with the files of its blocks that begin with a
 * comment such as `# shop.yaml`, and the shop of README.md in a database of its own, whose URL is in
 * SHOP_URL. With DXT_UPDATE_GOLDEN=1 the outputs are written into the pages.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { freshDatabase, postgresTest } from "./support/services.ts";
import { withFolder } from "./support/run.ts";
import { ignoreIf } from "./support/ignore.ts";
import { runCommand } from "./cli/program.ts";
import { codeBlocks, readPages, ROOT, writeFiles } from "./support/pages.ts";

const server = postgresTest(18);
const PAGES = await readPages();
const SHOP = codeBlocks(PAGES.find(({ path }) => path === "README.md")!.text)
  .find(({ language }) => language === "sql")!.text;

/** Without the figures of the machine, runs of blanks and dashes as one. */
function steady(text: string): string {
  return text.replace(/\d+(\.\d+)? (ms|s)\b/g, "TIME").replace(/\d+(\.\d+)? (\w+i)?B\b/g, "SIZE")
    .replace(/PostgreSQL \d+\.\d+/g, "PostgreSQL").replace(/ {2,}/g, " ")
    .replace(/SIZE [\d,]+ TIME/g, "SIZE RATE TIME").trimEnd();
}

for (const { path, text } of PAGES) {
  const consoles = codeBlocks(text).filter(({ language, notRun }) =>
    language === "console" && notRun === undefined
  );
  if (consoles.length === 0) continue;
  Deno.test({
    ...ignoreIf(server.missing, `the commands of ${path} print what it shows`),
    fn: () =>
      withFolder(async (folder) => {
        await using database = await freshDatabase(server.url);
        await database.sql(SHOP);
        const own = new URL(database.url).pathname.slice(1);
        await writeFiles(text, folder);
        let updated = text;
        const differing: [string, string, string][] = [];
        for (const block of consoles) {
          const printed: string[] = [];
          for (const part of block.text.split(/^(?=\$ )/m)) {
            const [command, ...shown] = part.trimEnd().split("\n");
            const out = await runLine(command!.slice(2), folder, { SHOP_URL: database.url });
            const named = out.replaceAll(own, "shop").trimEnd();
            const isSame = steady(shown.join("\n")) === steady(named);
            const lines = isSame ? shown : named.split("\n");
            printed.push([command!, ...lines, ""].join("\n").replace(/\n{2,}$/, "\n"));
            if (!isSame) differing.push([command!, steady(named), steady(shown.join("\n"))]);
          }
          updated = updated.replace(block.text, () => printed.join("\n"));
        }
        if (Deno.env.get("DXT_UPDATE_GOLDEN") === "1") {
          return await Deno.writeTextFile(join(ROOT, path), updated);
        }
        for (const [command, actual, expected] of differing) {
          assert.equal(actual, expected, `${command}: DXT_UPDATE_GOLDEN=1 rewrites ${path}`);
        }
      }),
  });
}

Deno.test("the modules on pages have no type errors", () =>
  withFolder(async (folder) => {
    const { imports, compilerOptions } = JSON.parse(
      await Deno.readTextFile(join(ROOT, "deno.json")),
    );
    const dxt = {
      dxt: join(ROOT, "src/mod.ts"),
      "dxt/conformance": join(ROOT, "tests/conformance/mod.ts"),
    };
    const config = { compilerOptions, imports: { ...imports, ...dxt } };
    await Deno.writeTextFile(join(folder, "deno.json"), JSON.stringify(config));
    const modules: string[] = [];
    for (const [i, { path, text }] of PAGES.entries()) {
      const blocks = codeBlocks(text).filter(({ language }) => language === "ts");
      if (blocks.length === 0) continue;
      const own = join(folder, String(i));
      await Deno.mkdir(own);
      await writeFiles(text, own);
      const found = [...Deno.readDirSync(own)].filter(({ name }) => name.endsWith(".ts"));
      assert.equal(
        found.length,
        blocks.length,
        `${path}: a block begins with the name of its file`,
      );
      modules.push(...found.map(({ name }) => join(own, name)));
      await Deno.copyFile(join(ROOT, "pipelines/providers/pages.ts"), join(own, "pages.ts"));
    }
    assert.ok(modules.length >= 2);
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "--no-lock", ...modules],
      cwd: folder,
      env: { NO_COLOR: "1" },
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  }));

/** Runs a line of a shell, in which dxt is this source, and returns its stdout; it must succeed. */
async function runLine(
  line: string,
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const dxt = `dxt() { '${Deno.execPath()}' run --no-prompt --no-check -A '${ROOT}main.ts' "$@"; }`;
  const { code, out, err } = await runCommand("sh", ["-c", `${dxt}\n${line}`], folder, env);
  assert.equal(code, 0, `${line}: ${err}`);
  return out;
}
