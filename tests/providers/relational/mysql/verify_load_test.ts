/** Loads whose values the target has in another form: their verification knows that they are the same. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { runWell, withFolder } from "../../../support/run.ts";
import { onServers } from "./support.ts";

/** Loads a text and a whole number, and returns what was compared. */
async function verify(url: string, load: Record<string, unknown>) {
  return await withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "s.csv"), "id,t,n\n1,é€,7\n2,,\n");
    const { streams: [stream] } = await runWell(folder, {
      version: 1,
      name: "p",
      source: { provider: "local", path: "." },
      target: { provider: "mysql", url },
      streams: [{
        id: "s",
        source: "s.csv",
        target: "target",
        fields: [{ id: "id", dtype: "int32" }, { id: "t" }, { id: "n", dtype: "int32" }],
        load,
      }],
    });
    const { level, omitted } = stream!.proof!.verified!;
    return { level, omitted };
  });
}

onServers("lengths are those of UTF-8, and numbers may have more places", async (database) => {
  await database.sql(
    "CREATE TABLE target (id INT PRIMARY KEY, t VARCHAR(9), n DECIMAL(13,3)) CHARACTER SET latin1",
  );
  const upsert = { mode: "upsert", upsert_keys: ["id"] };
  for (const load of [{ mode: "append" }, upsert]) {
    assert.deepEqual(await verify(database.url, { ...load, verify: "aggregates" }), {
      level: "aggregates",
      omitted: [],
    });
  }
  assert.deepEqual(await verify(database.url, upsert), {
    level: "full",
    omitted: [{ field: "n", reason: "it is decimal(13,3) there" }],
  });
});
