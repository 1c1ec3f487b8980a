import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import sqlite from "../../../../src/providers/relational/sqlite/mod.ts";
import { testProvider } from "../../../conformance/provider.ts";

/** Databases as others may have made them; pragmas hold for a file that is still empty. */
const DATABASES = {
  sqlite: "",
  "sqlite in WAL mode": "PRAGMA journal_mode = WAL",
  "sqlite in UTF-16": "PRAGMA encoding = 'UTF-16be'; CREATE TABLE x (x); DROP TABLE x",
};

for (const [label, pragmas] of Object.entries(DATABASES)) {
  testProvider({
    provider: sqlite,
    label,
    async connection() {
      const folder = await Deno.makeTempDir();
      const path = join(folder, "test.db");
      const run = (text: string) => {
        using database = new DatabaseSync(path);
        database.exec(text);
      };
      run(pragmas);
      // What another run holds is waited for; a test need not wait as long as a run.
      const config = { path, busy_timeout_ms: 1500 };
      return {
        config,
        sql: (text) => Promise.try(() => run(text)),
        release: () => Deno.remove(folder, { recursive: true }),
      };
    },
    target: (name) => ({ type: "relation", name }),
  });
}
