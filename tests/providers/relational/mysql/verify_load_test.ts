/** Loads whose values the target has in another form: their verification knows that they are the same. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { runWell, withFolder } from "../../../support/run.ts";
import { chooseTotals } from "../../../../src/providers/relational/mysql/spelling.ts";
import type { MySQLColumn } from "../../../../src/providers/relational/mysql/catalog.ts";
import type { Field } from "../../../../src/models/field.ts";
import { onServers, openSession } from "./support.ts";

/** Loads a text and a whole number, and returns what was compared. */
function verify(url: string, load: Record<string, unknown>) {
  const fields = [{ id: "id", dtype: "int32" }, { id: "t" }, { id: "n", dtype: "int32" }];
  return verifyCSV(url, "id,t,n\n1,é€,7\n2,,\n", fields, load);
}

async function verifyCSV(
  url: string,
  text: string,
  fields: Record<string, unknown>[],
  load: Record<string, unknown>,
) {
  return await withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "s.csv"), text);
    const { streams: [stream] } = await runWell(folder, {
      version: 1,
      name: "p",
      source: { provider: "local", path: "." },
      target: { provider: "mysql", url },
      streams: [{
        id: "s",
        source: "s.csv",
        target: "target",
        fields,
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

const TIMES = "at,flag\n2024-01-02T03:04:05.5+02:00,true\n2038-02-01T00:00:00Z,false\n";
const TIMES_FIELDS = [{ id: "at", dtype: "timestamp_tz" }, { id: "flag", dtype: "bool" }];

onServers(
  "a text column has a time with its zone, and the word of a bool",
  async (database, server) => {
    await database.sql("CREATE TABLE target (at TEXT, flag VARCHAR(9))");
    const wanted = [["2024-01-02T01:04:05.5Z", "true"], ["2038-02-01T00:00:00Z", "false"]];
    const verified = await verifyCSV(database.url, TIMES, TIMES_FIELDS, { verify: "full" });
    assert.deepEqual(verified, { level: "full", omitted: [] });
    assert.deepEqual(await database.sql("SELECT * FROM target"), wanted);
    await withoutLocalFiles(server.url, () => verifyCSV(database.url, TIMES, TIMES_FIELDS, {}));
    assert.deepEqual(await database.sql("SELECT * FROM target LIMIT 2, 2"), wanted);
  },
);

Deno.test("lowest and highest times with a zone are compared, whatever type the column has", () => {
  const field: Field = { name: "at", dtype: "timestamp_tz", nullable: true };
  for (const type of ["timestamp", "datetime(6)"]) {
    assert.deepEqual(chooseTotals(field, { type } as MySQLColumn), ["min", "max"]);
  }
  assert.deepEqual(chooseTotals(field, { type: "longtext" } as MySQLColumn), []);
});

/** Calls `work` while the server takes no files. */
async function withoutLocalFiles(url: string, work: () => Promise<unknown>): Promise<void> {
  const admin = await openSession(url);
  try {
    await admin.query("SET GLOBAL local_infile = 0");
    await work();
  } finally {
    await admin.query("SET GLOBAL local_infile = 1");
    await admin.close();
  }
}
