/** What src/sandbox/README.md says of permissions, tried. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { program } from "./cli/program.ts";
import { withFolder } from "./support/run.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const PAGE = await Deno.readTextFile(join(ROOT, "src/sandbox/README.md"));
const BLOCKS = [...PAGE.matchAll(/```(?:yaml|text)\n([^]*?)```/g)].map((match) => match[1]!);

Deno.test("the permissions and the refusal that the page on security shows are those that dxt prints", () =>
  withFolder(async (made) => {
    const folder = await Deno.realPath(made);
    const [pipeline, printed, project, refused] = BLOCKS as [string, string, string, string];
    await Deno.writeTextFile(join(folder, "files.yaml"), pipeline);
    await Deno.mkdir(join(folder, "in/orders"), { recursive: true });
    await Deno.writeTextFile(join(folder, "in/orders/a.csv"), "id\n1\n");
    const told = async (block: string) => {
      const [command, ...lines] = block.trimEnd().split("\n");
      const args = command!.replace("$ dxt ", "").replaceAll("/srv/shop", folder).split(" ");
      const { out, err } = await program(folder, args, { WAREHOUSE: "w.db" });
      return { lines, said: (out + err).replaceAll(folder, "/srv/shop").trimEnd() };
    };
    const permissions = await told(printed);
    assert.equal(
      // In the order of paths it stands before or behind the others.
      permissions.said.replace(`,${ROOT}src`, "").replace(`${ROOT}src,`, ""),
      permissions.lines.join("\n").replaceAll("\n  ", "").replaceAll("\n", " "),
    );
    const refusal = await told(refused);
    assert.equal(refusal.said, refusal.lines.join("\n"));
    await Deno.writeTextFile(join(folder, "dxt_project.yaml"), project);
    const { err } = await program(folder, ["run", "files.yaml"], { WAREHOUSE: "w.db" });
    assert.match(err, /add it to permissions\.read in dxt_project\.yaml/);
  }));

Deno.test("the command that the page on security shows runs the pipeline with these permissions", async () => {
  const [, line] = /```sh\n(eval [^]*?)\n```/.exec(PAGE)!;
  await withFolder(async (made) => {
    const folder = await Deno.realPath(made);
    await Deno.writeTextFile(join(folder, "files.yaml"), BLOCKS[0]!);
    await Deno.mkdir(join(folder, "in/orders"), { recursive: true });
    await Deno.writeTextFile(join(folder, "in/orders/a.csv"), "id\n1\n");
    const script = `dxt() { deno run -A ${ROOT}main.ts "$@"; }\n` +
      line!.replace("main.ts", `${ROOT}main.ts`);
    const { code, stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", script],
      cwd: folder,
      env: { WAREHOUSE: "w.db", NO_COLOR: "1" },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.equal(code, 0, err);
    assert.match(out!, /^orders +succeeded +1 .* append +full$/m);
  });
});
