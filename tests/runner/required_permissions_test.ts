/** What a planned pipeline needs, for each side of a stream and for the process around them. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { parsePipeline } from "../../src/config/mod.ts";
import { mergePermissions } from "../../src/core/permissions.ts";
import { PermissionError } from "../../src/core/errors.ts";
import type { Permissions } from "../../src/core/contracts/provider.ts";
import {
  pipelineNeeds,
  type Purpose,
  sharedNeeds,
  streamNeeds,
} from "../../src/runner/permissions/required.ts";
import { planPipeline } from "../../src/runner/plan/pipeline_plan.ts";
import { workerPermissions } from "../../src/sandbox/permissions.ts";

const SOURCE = fileURLToPath(new URL("../../src/", import.meta.url));

const PIPELINE = {
  version: 1,
  name: "shop",
  source: "postgres://me:secret@db.example:5433/shop",
  target: { provider: "sqlite", path: "${FILE}" },
  streams: [{ id: "a", source: "public.a" }, { id: "b", source: "public.b" }],
};

async function planned(change: Record<string, unknown> = {}) {
  const text = JSON.stringify({ ...PIPELINE, ...change });
  const loaded = parsePipeline(text, { env: { FILE: "w.db" }, path: "/nowhere/p.yaml" });
  return { loaded, plan: await planPipeline(loaded) };
}

const NONE: Permissions = { net: [], read: [], write: [], env: [], ffi: [], sys: [] };

Deno.test("a stream's sides need their own connection, and the stage from their side", async () => {
  const { plan } = await planned();
  const { source, target } = streamNeeds(plan, plan.streams[0]!);
  const stage = plan.streams[0]!.stageDirectory;
  assert.match(stage, /^\/nowhere\/\.dxt\/stage\/shop\/a@[0-9a-f]+$/);
  assert.deepEqual(source, { ...NONE, net: ["db.example:5433"], write: [stage] });
  // The database's folder is to be made, and includes the stage.
  assert.deepEqual(target, { ...NONE, read: ["/nowhere"], write: ["/nowhere"] });
  const elsewhere = await planned({ target: "postgres://you@other.example/w" });
  assert.deepEqual(streamNeeds(elsewhere.plan, elsewhere.plan.streams[1]!).target, {
    ...NONE,
    net: ["other.example:5432"],
    read: ["/nowhere/.dxt/stage/shop/b"],
  });
  const memory = await planned({ buffer: { format: "memory" } });
  const held = streamNeeds(memory.plan, memory.plan.streams[0]!);
  assert.deepEqual(held.source, { ...NONE, net: ["db.example:5433"] });
});

Deno.test("workers that streams share need what any of the streams needs", async () => {
  const { plan } = await planned({ target: "postgres://you@other.example/w" });
  const stages = plan.streams.map(({ stageDirectory }) => stageDirectory);
  assert.deepEqual(sharedNeeds(plan), {
    source: { ...NONE, net: ["db.example:5433"], write: stages },
    target: { ...NONE, net: ["other.example:5432"], read: stages },
  });
});

Deno.test("a worker is granted its side and dxt's own source, and nothing that can be widened", () => {
  assert.deepEqual(workerPermissions({ ...NONE, net: ["a:1"], write: ["/w"] }, true), {
    net: ["a:1"],
    read: [SOURCE.replace(/\/$/, "")],
    write: ["/w"],
    env: false,
    import: false,
    run: false,
    ffi: false,
    sys: false,
  });
  const more = { ...NONE, env: ["A"], ffi: ["/lib/a.so"], sys: ["hostname"] };
  const { env, ffi, sys } = workerPermissions(more, false);
  assert.deepEqual([env, ffi, sys], [["A"], ["/lib/a.so"], ["hostname"]]);
});

Deno.test("a worker of untrusted code loads no library and sees no fact of the system", () => {
  for (const needs of [{ ffi: ["/lib/a.so"] }, { sys: ["hostname"] }]) {
    assert.throws(() => workerPermissions({ ...NONE, ...needs }, true), (error) => {
      assert.ok(error instanceof PermissionError);
      assert.match(
        error.message,
        /it requires --allow-(ffi|sys)=\S+, which no untrusted code gets/,
      );
      return true;
    });
  }
});

/** What each purpose needs, without what dxt itself reads. */
async function needed(purpose: Purpose, change: Record<string, unknown> = {}) {
  const { loaded, plan } = await planned(change);
  const needs = pipelineNeeds(loaded, plan, plan.streams, purpose);
  return mergePermissions(
    ...needs.filter(({ limited }) => limited).map(({ permissions }) => permissions),
  );
}

Deno.test("the process needs what its streams need together, for what it does with them", async () => {
  const net = ["db.example:5433"];
  const path = fileURLToPath(new URL("../data", import.meta.url));
  const files = ["w.db", "w.db-journal"].map((name) => `${path}/${name}`);
  const target = { provider: "sqlite", path: `${path}/w.db` };
  const stage = "/nowhere/.dxt";
  const at = { target };
  assert.deepEqual(await needed("run", at), {
    net,
    read: [stage, ...files].sort(),
    write: [stage, ...files].sort(),
    env: [],
    ffi: [],
    sys: [],
  });
  assert.deepEqual((await needed("extract", at)).write, [stage]);
  assert.deepEqual((await needed("load", at)).net, []);
  const look = await needed("look", at);
  assert.deepEqual([look.net, look.read, look.write], [net, files, files]);
  const elsewhere = await needed("run", { ...at, buffer: { location: "/stages" } });
  assert.ok(elsewhere.write.includes("/stages/shop"));
  assert.ok(!elsewhere.write.includes("/stages"));
  assert.deepEqual((await needed("run")).env, ["FILE"]);
});

Deno.test("each need says what it is for, and what a ceiling holds for", async () => {
  const { loaded, plan } = await planned();
  const needs = pipelineNeeds(loaded, plan, plan.streams.slice(1), "run", {
    logFile: "/nowhere/x.log",
  });
  assert.deepEqual(needs.map(({ subject, limited }) => [subject, limited]), [
    ["the pipeline's files", false],
    ["dxt itself", false],
    ["external modules", false],
    ["the pipeline", true],
    ["the log", true],
    ['stream "b"', true],
  ]);
  assert.deepEqual(needs[0]!.permissions, { ...NONE, read: ["/nowhere/p.yaml"] });
  assert.ok(!JSON.stringify(needs).includes("secret"));
});
