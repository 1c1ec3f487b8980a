/** Untrusted code that waits for ever, wherever it is called: it is ended in time, and so is dxt. */
import assert from "node:assert/strict";
import { ignoreIf, notUnix } from "../support/ignore.ts";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { withFolder } from "../support/run.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** Source and target whose `at` says where they wait for ever. */
const PROVIDER = `
import {
  defineProvider, EXACT, sourceConnector, undivided, z,
} from "dxt";
const forever = () => new Promise(() => {});
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const FIELDS = [{ name: "id", dtype: "int64", nullable: true }];
const waits = (at, here) => at === here ? forever() : undefined;
async function* extract(at, { batches }) {
  await waits(at, "extract");
  if (at === "loop") for (;;);
  if (at === "microtasks") for (;;) await null;
  const slow = at.startsWith("slow");
  const rows = at === "slow parts" ? 9 : 5;
  for (let id = 1n; id <= rows; id++) {
    yield* batches([{ id }]);
    if (slow) await pause(2200);
    await waits(at, "between batches");
  }
  await waits(at, "before the proof");
  return { rows, evidence: rows + " records" };
}
export default defineProvider({
  name: "hang", category: "webapi", description: "Waits",
  config: z.strictObject({ at: z.string() }),
  async connect({ at }) {
    await waits(at, "connect");
    return sourceConnector({
      at,
      async testConnection() { await waits(at, "testConnection"); return { product: "h", version: "1" }; },
      async getStreamFields() { await waits(at, "getStreamFields"); return FIELDS; },
      checkWrite: () => Promise.resolve({ action: "write", problems: [] }),
      async [Symbol.asyncDispose]() { await waits(at, "dispose"); },
    });
  },
  permissions: () => ({}),
  extractors: { E: { description: "x", yields: "records", options: z.strictObject({}), create: ({ at }) => ({
    async partition(...all) {
      await waits(at, "partition");
      const inParts = { parts: [{ a: 1 }, { a: 2 }], [Symbol.asyncDispose]: () => Promise.resolve() };
      return at === "slow parts" ? inParts : undivided(...all);
    },
    extract: (task) => extract(at, task),
  }) } },
  loaders: { L: { description: "x", modes: { append: "at least once" }, accepts: ["records"], overlaps: true, options: z.strictObject({}), create: ({ at }) => ({
    async load({ staged }) {
      await waits(at, "load");
      let rows = 0;
      for await (const _ of staged.readRecords()) rows++;
      await waits(at, "after the load");
      return { rows, evidence: "all" };
    },
    plan: ({ staged }) => Promise.resolve({ exists: true, statements: [], destructive: [], problems: [],
      columns: staged.fields.map((field) => ({ field, type: field.dtype, conversion: EXACT })) }),
    getMaxWatermark: () => Promise.resolve(undefined),
  }) } },
});
export const Slow = { description: "Waits",  options: z.strictObject({ ms: z.number() }), create: ({ ms }) => ({
  fields: (before) => before,
  async apply(batch) { await (ms < 0 ? forever() : pause(ms)); return batch; },
}) };
`;

/** What differs from five records of an untrusted source in a SQLite database. */
interface Case {
  readonly source?: string;
  readonly target?: string;
  readonly transformMs?: number;
  /** Text in place of the provider's module. */
  readonly module?: string;
}

/** Where untrusted code waits without an end. */
const HANGS: Readonly<Record<string, Case>> = {
  "while it is imported": { module: `await new Promise(() => {});\n${PROVIDER}` },
  "while it is connected": { source: "connect" },
  "while it is asked for fields": { source: "getStreamFields" },
  "while it is asked for parts": { source: "partition" },
  "before its first batch": { source: "extract" },
  "between two batches": { source: "between batches" },
  "before its proof": { source: "before the proof" },
  "in a transform": { transformMs: -1 },
  "before it loads": { target: "load" },
  "after it has loaded": { target: "after the load" },
  "while the source is closed": { source: "dispose" },
  "while the target is closed": { target: "dispose" },
};

async function start(folder: string, timeout: number, one: Case): Promise<Deno.ChildProcess> {
  await Deno.writeTextFile(join(folder, "hang.js"), one.module ?? PROVIDER);
  const pipeline = {
    version: 1,
    name: "hang",
    external_timeout: timeout,
    source: { provider: "./hang.js", at: one.source ?? "nowhere" },
    target: one.target === undefined
      ? { provider: "sqlite", path: "o.db" }
      : { provider: "./hang.js", at: one.target },
    streams: [{
      id: "t",
      source: "x",
      ...(one.transformMs === undefined ? {} : {
        transforms: [{ class: "./hang.js#Slow", config: { ms: one.transformMs } }],
      }),
    }],
  };
  await Deno.writeTextFile(join(folder, "p.yaml"), JSON.stringify(pipeline));
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-prompt", "--no-check", MAIN, "run", "p.yaml"],
    cwd: folder,
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
}

interface Ended {
  readonly code: number;
  readonly err: string;
  /** Milliseconds until the process had ended. */
  readonly ms: number;
}

/** Waits for the end of a process, which is killed when it takes too long. */
async function endOf(child: Deno.ChildProcess, mostMs: number): Promise<Ended> {
  const start = performance.now();
  const kill = setTimeout(() => child.kill("SIGKILL"), mostMs);
  const { code, stderr } = await child.output();
  clearTimeout(kill);
  return { code, err: new TextDecoder().decode(stderr), ms: performance.now() - start };
}

/** Several at once: each waits more than it works. */
async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const lane = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: 4 }, lane));
}

Deno.test("untrusted code that only waits is ended after external_timeout, wherever it waits", async (t) => {
  const ended = new Map<string, Ended>();
  await forEach(Object.entries(HANGS), ([name, one]) =>
    withFolder(async (folder) => {
      ended.set(name, await endOf(await start(folder, 2, one), 200_000));
    }));
  for (const [name, { code, err }] of ended) {
    await t.step(name, () => {
      assert.notEqual(code, 0, err);
      assert.match(err, /made no progress for 2 s \(external_timeout\)/);
    });
  }
});

Deno.test("code that makes progress may take longer than external_timeout altogether", async (t) => {
  const fine: Record<string, Case> = {
    "a slow source": { source: "slow" },
    "a slow transform": { transformMs: 2200 },
    "a slow source and a slow transform": { source: "slow", transformMs: 2200 },
    "a slow source and a target that begins early": { source: "slow parts", target: "nowhere" },
    "a slow transform before an untrusted target": { transformMs: 2200, target: "nowhere" },
  };
  const ended = new Map<string, Ended>();
  await forEach(Object.entries(fine), ([name, one]) =>
    withFolder(async (folder) => {
      ended.set(name, await endOf(await start(folder, 10, one), 200_000));
    }));
  for (const [name, { code, err }] of ended) await t.step(name, () => assert.equal(code, 0, err));
});

/** Until the run has begun; a module that is never imported never begins one. */
const BEGUN_MS = 5000;

for (const [signal, expected] of [["SIGTERM", 143], ["SIGINT", 130]] as const) {
  Deno.test({
    ...ignoreIf(notUnix, `one ${signal} ends dxt within ten seconds, whatever untrusted code does`),
    async fn(t) {
      const some: Readonly<Record<string, Case>> = signal === "SIGINT"
        ? { "before its first batch": { source: "extract" } }
        : {
          ...HANGS,
          "in a loop that never yields": { source: "loop" },
          "in microtasks without an end": { source: "microtasks" },
        };
      const ended = new Map<string, Ended>();
      await forEach(Object.entries(some), ([name, one]) =>
        withFolder(async (folder) => {
          const child = await start(folder, 600, one);
          await new Promise((resolve) => setTimeout(resolve, BEGUN_MS));
          child.kill(signal);
          ended.set(name, await endOf(child, 20_000));
        }));
      for (const [name, { code, err, ms }] of ended) {
        await t.step(name, () => {
          assert.equal(code, expected, err);
          assert.ok(ms < 10_000, `it took ${ms} ms`);
        });
      }
    },
  });
}

Deno.test({
  ...ignoreIf(
    notUnix,
    "one SIGTERM ends dxt within ten seconds when a server of a built-in provider is silent",
  ),
  fn: () =>
    withFolder(async (folder) => {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const held: Deno.Conn[] = [];
      const accepting = (async () => {
        for await (const conn of listener) held.push(conn);
      })();
      const url = `postgres://u:p@127.0.0.1:${listener.addr.port}/d`;
      const child = new Deno.Command(Deno.execPath(), {
        args: [
          ...["run", "--allow-all", "--no-prompt", "--no-check", MAIN, "run"],
          ...["--from", url, "--source", "t", "--to", "sqlite:///o.db"],
        ],
        cwd: folder,
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
      child.kill("SIGTERM");
      const { code, err, ms } = await endOf(child, 20_000);
      for (const conn of held) conn.close();
      listener.close();
      await accepting.catch(() => {});
      assert.equal(code, 143, err);
      assert.ok(ms < 10_000, `it took ${ms} ms`);
    }),
});
