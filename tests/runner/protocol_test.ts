/** The calls between host and worker, which are derived from one list and one table of replies. */
import assert from "node:assert/strict";
import { CONNECTOR_METHODS, sourceConnector } from "../../src/core/contracts/connector.ts";
import { JOBS } from "../../src/runner/worker/inside/jobs.ts";
import { CHECKS, CONNECTOR_REPLIES } from "../../src/runner/worker/reply_schemas.ts";
import { withFolder } from "../support/run.ts";

/** The contract as it is at run time: `sourceConnector` fills all that a connector has. */
const CONTRACT = Object.keys(sourceConnector({
  testConnection: () => Promise.resolve({ product: "x", version: "1" }),
  getStreamFields: () => Promise.resolve(undefined),
}));

Deno.test("each method of a connector is a job of the worker, and its reply has a schema", () => {
  assert.deepEqual([...CONNECTOR_METHODS].sort(), [...CONTRACT].sort());
  assert.deepEqual(Object.keys(CONNECTOR_REPLIES).sort(), [...CONTRACT].sort());
  for (const method of CONTRACT) assert.equal(typeof JOBS[method as keyof typeof JOBS], "function");
});

Deno.test("a job passes all arguments to its method, and the host takes what that returns", () =>
  withFolder(async (folder) => {
    const config = { path: "a.db" };
    await JOBS.open({
      module: "sqlite",
      config,
      baseDirectory: folder,
      showValues: false,
      traces: false,
    });
    try {
      const target = { type: "relation", name: "t" } as const;
      const access = await JOBS.checkWrite([target, "append"]);
      assert.match(access.action, /"t"/);
      assert.deepEqual(CHECKS.answer("checkWrite", access, true), access);
      assert.equal(await JOBS.getStreamFields([target]), undefined);
    } finally {
      await JOBS.close(undefined);
    }
  }));
