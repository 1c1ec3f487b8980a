/** An author's own folder: types, and the conformance suite, as of the published package. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { withFolder } from "../support/run.ts";
import { EXAMPLE, serveThings, THINGS } from "./api.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const TEST = (base: string) => `
import { testSource } from "dxt/conformance";
import { JSONText } from "dxt";
import pages from "./pages.ts";
const things: { id: number; name: string; price: number; made: string; tags: number[] }[] =
  ${JSON.stringify(THINGS)};
testSource({
  provider: pages,
  config: { base_url: ${JSON.stringify(base)} },
  source: { type: "endpoint", path: "/things" },
  records: things.map((thing) => ({
    ...thing,
    id: BigInt(thing.id),
    tags: JSONText.of(thing.tags),
  })),
  missing: { type: "endpoint", path: "/none" },
});
`;

Deno.test("an author checks types and runs the suite in a folder of their own", () =>
  withFolder(async (folder) => {
    await using server = serveThings();
    const imports = {
      "dxt": "jsr:@dxt/dxt@^0.1.0",
      "dxt/conformance": "jsr:@dxt/dxt@^0.1.0/conformance",
    };
    // The package as it is here, in the place of the one that is published.
    const config = { links: [ROOT], imports, nodeModulesDir: "none" };
    const files = {
      "deno.json": JSON.stringify(config),
      "pages.ts": EXAMPLE,
      "pages_test.ts": TEST(server.base),
    };
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(join(folder, name), text);
    }
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--no-prompt", `--allow-net=${server.host}`, "--allow-read=."],
      cwd: folder,
      env: { NO_COLOR: "1" },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.equal(code, 0, `${out}${err}`);
    assert.match(out!, /12 passed \| 0 failed/);
  }));
