/** The attempts of tests/sandbox through pipelines: a provider makes them while it is extracted from. */
import assert from "node:assert/strict";
import { ignoreIf } from "../support/ignore.ts";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Ended, program } from "../cli/program.ts";
import { ATTEMPTS, type World } from "../sandbox/attempts.ts";
import { type ModuleServer, serveModules } from "../sandbox/server.ts";
import { binaryTest, outcomeOf } from "../support/binary.ts";
import { withFolder } from "../support/run.ts";

type Run = (args: readonly string[], env?: Record<string, string>) => Promise<Ended>;

interface Trial {
  readonly world: World;
  readonly folder: string;
  readonly modules: ModuleServer;
  readonly dxt: Run;
}

const SECRET = crypto.randomUUID();

/** The same trial, from source and compiled. */
function inBothModes(name: string, work: (trial: Trial) => Promise<void>): void {
  Deno.test(`${name}, from source`, () =>
    inWorld((folder) => (...run) => program(folder, ...run), work));
  const binary = binaryTest();
  Deno.test({
    ...ignoreIf(binary.missing, `${name}, compiled`),
    fn: () =>
      inWorld((cwd) => (args, env = {}) => outcomeOf([binary.path, ...args], { cwd, env }), work),
  });
}

async function inWorld(
  runIn: (folder: string) => Run,
  work: (trial: Trial) => Promise<void>,
): Promise<void> {
  await withFolder(async (temporary) => {
    const folder = await Deno.realPath(temporary);
    await using modules = serveModules({});
    await using forbidden = serveModules({ "/": SECRET, "/x.js": `export default "${SECRET}"` });
    await using allowed = serveModules({
      "/": "allowed",
      "/x.js": "export default 1",
      "/echo": { echo: true },
      "/redirect": { location: `${forbidden.base}/` },
    });
    const world = {
      secretPath: join(folder, "secret.json"),
      folder: join(folder, "open"),
      allowed: allowed.host,
      forbidden: forbidden.host,
    };
    await Deno.writeTextFile(world.secretPath, JSON.stringify(SECRET));
    await Deno.mkdir(world.folder);
    await Deno.writeTextFile(join(world.folder, "note.txt"), "allowed");
    await work({ world, folder, modules, dxt: runIn(folder) });
    assert.deepEqual(forbidden.asked, [], "the forbidden server was reached");
    assert.equal(await Deno.readTextFile(world.secretPath), JSON.stringify(SECRET));
    const left = (await Array.fromAsync(Deno.readDir(world.folder))).map(({ name }) => name);
    assert.deepEqual(left, ["note.txt"]);
  });
}

/** A provider whose streams are attempts, and whose records are what came of each way. */
const providerOf = (bodies: Readonly<Record<string, string>>) => `
import { defineProvider, sourceConnector, undivided, z } from "dxt";
const { stringify } = JSON;
const FIELDS = ["way", "got", "refused"].map((name) => ({ name, dtype: "string", nullable: true }));
const ATTEMPTS = {
  ${
  Object.entries(bodies).map(([id, body]) => `${id}: async (world, way) => { ${body} },`).join("\n")
}
};
async function* extract(world, { source, batches }) {
  const rows = [];
  const way = async (name, work) => {
    try {
      const got = await work();
      let text;
      try { text = typeof got === "object" ? stringify(got) : String(got); } catch { text = "something"; }
      rows.push({ way: name, got: text, refused: null });
    } catch (error) {
      let text = "an error";
      try { text = String(error); } catch {}
      rows.push({ way: name, got: null, refused: text });
    }
  };
  await ATTEMPTS[source.path](world, way);
  yield* batches(rows);
  return { rows: rows.length, evidence: rows.length + " ways" };
}
const Config = z.strictObject({
  secretPath: z.string(), folder: z.string(), allowed: z.string(), forbidden: z.string(),
});
export default defineProvider({
  name: "hostile",
  category: "webapi",
  description: "Tries what it may not",
  config: Config,
  connect: (world) => Promise.resolve(sourceConnector({
    world,
    testConnection: () => Promise.resolve({ product: "hostile", version: "1" }),
    getStreamFields: () => Promise.resolve(FIELDS),
  })),
  permissions: ({ allowed, folder }) => ({ net: [allowed], read: [folder] }),
  extractors: {
    HostileExtractor: {
      description: "What came of each way",
      yields: "records",
      options: z.strictObject({}),
      create: ({ world }) => ({
        partition: undivided,
        extract: (task) => extract(world, task),
      }),
    },
  },
  loaders: {},
});
`;

interface Outcome extends Ended {
  /** By the id of its stream. */
  rows(id: string): { way: string; got: string | null; refused: string | null }[];
}

async function attempt(
  { world, folder, modules, dxt }: Trial,
  bodies: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  modules.routes["/hostile.js"] = providerOf(bodies);
  const permissions = { net: [world.allowed], read: [world.folder] };
  const pipeline = {
    version: 1,
    name: "hostile",
    source: { provider: `${modules.base}/hostile.js`, ...world, permissions },
    target: { provider: "sqlite", path: "out.db" },
    streams: Object.keys(bodies).map((id) => ({ id, source: id, load: { mode: "replace" } })),
  };
  await Deno.writeTextFile(join(folder, "p.yaml"), JSON.stringify(pipeline));
  const ended = await dxt(["run", "p.yaml", `--allow-import=${modules.host}`, "--threads=8"], {
    DXT_TEST_SECRET: SECRET,
    ...env,
  });
  return {
    ...ended,
    rows(id) {
      using database = new DatabaseSync(join(folder, "out.db"), { readOnly: true });
      return database.prepare(`SELECT way, got, refused FROM "${id}"`).all() as never;
    },
  };
}

const idOf = (name: string) => name.replace(/\W+/g, "_");

/** Each changes what the code after it finds: it runs alone. */
const ALONE = [
  "import a file from code that the runtime makes",
  "listen to dxt's own port",
  "fool the hooks with patched prototypes",
  "look at dxt through the stack",
];

function checkRows(name: string, rows: ReturnType<Outcome["rows"]>): void {
  assert.ok(rows.length > 0, name);
  assert.ok(!JSON.stringify(rows).includes(SECRET), JSON.stringify(rows));
  const { harmless = [] } = ATTEMPTS[name]!;
  const got = rows.filter(({ way, got }) =>
    got !== null && !harmless.includes(got) && way !== "cwd" && way !== "process.cwd"
  );
  assert.deepEqual(got, [], name);
}

inBothModes("a hostile provider gets nothing while its stream runs", async (trial) => {
  const names = Object.keys(ATTEMPTS).filter((name) => !ALONE.includes(name));
  const bodies = Object.fromEntries(names.map((name) => [idOf(name), ATTEMPTS[name]!.body]));
  const outcome = await attempt(trial, bodies);
  assert.equal(outcome.code, 0, outcome.err);
  assert.doesNotMatch(outcome.out + outcome.err, /FORGED/);
  for (const name of names) checkRows(name, outcome.rows(idOf(name)));
});

for (const name of ALONE) {
  inBothModes(`a hostile provider gets nothing: ${name}`, async (trial) => {
    const outcome = await attempt(trial, { [idOf(name)]: ATTEMPTS[name]!.body });
    assert.ok(!(outcome.out + outcome.err).includes(SECRET), outcome.out + outcome.err);
    // What it has broken in its thread may break its own stream.
    assert.ok([0, 1].includes(outcome.code), `${outcome.code} ${outcome.err}`);
    if (outcome.code === 0) checkRows(name, outcome.rows(idOf(name)));
  });
}

inBothModes("a hostile provider that fills its heap fails its stream", async (trial) => {
  const bomb = "const all = []; for (;;) all.push({ x: [1] });";
  const { code, err } = await attempt(trial, { bomb });
  assert.equal(code, 1, err);
  assert.match(err, /its heap is full, expected at most 512 MiB/);
});

inBothModes("a hostile provider that fills its heap stops at --max-memory", async (trial) => {
  const bomb = "const all = []; for (;;) all.push({ x: [1] });";
  const { code, err } = await attempt(trial, { bomb }, { DXT_MAX_MEMORY: "300MiB" });
  // The heap of the worker is full, or before that the process holds too much.
  assert.ok([1, 5].includes(code), `${code} ${err}`);
  assert.match(err, /(its heap is full|dxt holds .* of memory.*), expected at most 300 MiB/);
});

inBothModes("a hostile provider that fills memory ends the run", async (trial) => {
  const bomb = "const all = []; for (;;) all.push(new Uint8Array(4e6).fill(1));";
  const { code, err } = await attempt(trial, { bomb });
  assert.equal(code, 1, err);
  assert.match(err, /memory grew by \d+ bytes since it started, expected at most 1073741824/);
});

inBothModes("a hostile provider that never yields ends the run", async (trial) => {
  const { code, err } = await attempt(trial, { loop: "for (;;);" });
  assert.equal(code, 1, err);
  assert.match(err, /it has not responded for 30 s, expected at most 30 s/);
});
