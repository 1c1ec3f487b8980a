import { join } from "node:path";
import sqlite from "../../src/providers/relational/sqlite/mod.ts";
import { testProvider } from "../conformance/provider.ts";

testProvider({
  provider: sqlite,
  async connection() {
    const folder = await Deno.makeTempDir();
    const path = join(folder, "test.db");
    await Deno.writeFile(path, new Uint8Array());
    return { config: { path }, release: () => Deno.remove(folder, { recursive: true }) };
  },
  target: (name) => ({ type: "relation", name }),
});
