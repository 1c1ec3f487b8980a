/** Run by permissions_test.ts with the permissions that the provider names, and no others. */
import assert from "node:assert/strict";
import { connect, extract, load, stagedBatches } from "./support.ts";

for (const sslmode of ["disable", "prefer"]) {
  await using connector = await connect(Deno.args[0]!, { sslmode });
  assert.deepEqual(await connector.query("SELECT $1::int AS n", [1]), [{ n: 1 }]);
  const { fields, batches } = await extract(connector, "pg_catalog.pg_namespace");
  const receipt = await load(connector, "copied", stagedBatches(fields, batches), {
    mode: "replace",
  });
  assert.ok(receipt.rows > 0);
}
