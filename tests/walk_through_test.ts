/**
 * The walk-through of README.md, run as it stands against the real server: what is printed is what
 * it shows, but for times and sizes. With DXT_UPDATE_GOLDEN=1 the outputs are written into it.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { program } from "./cli/program.ts";
import { freshDatabase, postgresTest } from "./support/services.ts";
import { withFolder } from "./support/run.ts";
import { ignoreIf } from "./support/ignore.ts";

const PATH = fileURLToPath(new URL("../README.md", import.meta.url));
const README = await Deno.readTextFile(PATH);
const SECTION = /## PostgreSQL to SQLite in five minutes\n[^]*?(?=\n## )/.exec(README)![0];

/** Figures of the machine away, runs of blanks and dashes as one. */
function steady(text: string): string {
  return text.replace(/\d+(\.\d+)? (ms|s)\b/g, "TIME").replace(/\d+(\.\d+)? KiB/g, "SIZE")
    .replace(/PostgreSQL \d+\.\d+/g, "PostgreSQL").replace(/ {2,}/g, " ").trimEnd();
}

const server = postgresTest(18);

Deno.test({
  ...ignoreIf(server.missing, "the walk-through of README.md prints what it shows"),
  fn: () =>
    withFolder(async (folder) => {
      await using database = await freshDatabase(server.url);
      await database.sql(/```sql\n([^]*?)```/.exec(SECTION)![1]!);
      const own = new URL(database.url).pathname.slice(1);
      let updated = SECTION;
      const differing: [string, string, string][] = [];
      for (const [block, inside] of SECTION.matchAll(/```console\n([^]*?)```/g)) {
        const printed: string[] = [];
        for (const part of inside!.split(/^(?=\$ )/m)) {
          const [command, ...shown] = part.trimEnd().split("\n");
          const out = await outputOf(command!.slice(2), folder, { SHOP_URL: database.url });
          const named = out.replaceAll(own, "shop").trimEnd();
          printed.push(`${command}\n${named === "" ? "" : `${named}\n`}`);
          if (steady(shown.join("\n")) !== steady(named)) {
            differing.push([command!, steady(named), steady(shown.join("\n"))]);
          }
        }
        updated = updated.replace(block, () => `\`\`\`console\n${printed.join("\n")}\`\`\``);
      }
      if (Deno.env.get("DXT_UPDATE_GOLDEN") === "1") {
        return await Deno.writeTextFile(PATH, README.replace(SECTION, () => updated));
      }
      for (const [command, actual, expected] of differing) {
        assert.equal(actual, expected, `${command}: DXT_UPDATE_GOLDEN=1 rewrites README.md`);
      }
    }),
});

/** What a command prints to stdout; it must succeed. */
async function outputOf(
  command: string,
  folder: string,
  env: Record<string, string>,
): Promise<string> {
  const [line, file] = command.split(" > ");
  const [name, ...args] = line!.replaceAll("'", "").split(" ");
  if (name === "cat") return await Deno.readTextFile(join(folder, args[0]!));
  assert.equal(name, "dxt");
  const { code, out, err } = await program(folder, args, env);
  assert.equal(code, 0, `${command}: ${err}`);
  if (file === undefined) return out;
  await Deno.writeTextFile(
    join(folder, file),
    out.replaceAll(new URL(env["SHOP_URL"]!).pathname.slice(1), "shop"),
  );
  return "";
}
