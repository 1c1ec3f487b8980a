/** A hostile module in a narrowed thread: each of its attempts is refused, or bounded. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ATTEMPTS, BOMBS, REFUSED_MODULES, type World } from "./attempts.ts";
import type { Answer } from "./cell.ts";
import { serveModules } from "./server.ts";
import type { TrialOptions } from "./trial.ts";
import { ignoreIf } from "../support/ignore.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SECRET = crypto.randomUUID();
const DENORT = Deno.env.get("DENORT_BIN");

/** The words that start the trial program. */
type Program = readonly string[];

const fromSource: Program = [
  ...[Deno.execPath(), "run", "--allow-all", "--no-prompt", "--config", join(ROOT, "deno.json")],
  join(ROOT, "tests/sandbox/trial.ts"),
];

async function compiled(folder: string): Promise<Program> {
  const path = join(folder, "trial");
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    cwd: ROOT,
    args: [
      ...["compile", "--quiet", "--allow-all", "--no-prompt", "--exclude-unused-npm"],
      ...["--include", "tests/sandbox/cell.ts", "--include", "src/sandbox/cell.ts"],
      ...["--output", path, "tests/sandbox/trial.ts"],
    ],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return [path];
}

interface Finished {
  readonly answers: readonly Answer[];
  /** All that was printed besides. */
  readonly printed: string;
}

/** What a file that is the program's stdout holds before the program starts. */
const EARLIER = "results of an earlier run";

/** Runs trials with the secret in the program's stdin, and files with some text behind its outputs. */
async function run(
  program: Program,
  folder: string,
  trials: readonly TrialOptions[],
): Promise<Finished> {
  const list = await Deno.makeTempFile({ dir: folder });
  await Deno.writeTextFile(list, JSON.stringify(trials));
  const [stdin, stdout, stderr] = ["in", "out", "err"].map((name) => `${list}.${name}`);
  await Deno.writeTextFile(stdin!, SECRET);
  for (const path of [stdout!, stderr!]) await Deno.writeTextFile(path, `${EARLIER}\n`);
  const { code } = await new Deno.Command("/bin/sh", {
    cwd: "/",
    args: [
      ...["-c", 'in=$1 out=$2 err=$3; shift 3; exec "$@" <"$in" >>"$out" 2>>"$err"', "sh"],
      ...[stdin!, stdout!, stderr!, ...program, list, SECRET],
    ],
    env: { DXT_TEST_SECRET: SECRET, NO_COLOR: "1" },
  }).output();
  const out = await Deno.readTextFile(stdout!);
  const err = await Deno.readTextFile(stderr!);
  assert.equal(code, 0, `${out}\n${err}`);
  for (const text of [out, err]) assert.ok(text.startsWith(`${EARLIER}\n`), text);
  const lines = out.split("\n");
  assert.match(lines.at(-1)!, /^\[/, JSON.stringify({ out, err }));
  return { answers: JSON.parse(lines.at(-1)!), printed: lines.slice(0, -1).join("\n") + err };
}

/** A module that tries the ways of an attempt, and tells of each what it got or what refused it. */
const moduleOf = (body: string) => `
  const { stringify } = JSON;
  const ways = {};
  const way = async (name, work) => {
    try {
      const got = await work();
      let text;
      try { text = typeof got === "object" ? stringify(got) : String(got); } catch { text = "something"; }
      ways[name] = { got: text };
    } catch (error) {
      let text = "an error";
      try { text = String(error); } catch {}
      ways[name] = { refused: text };
    }
  };
  export default async (world) => { ${body}
    return ways;
  };`;

type Ways = Record<string, { got: string } | { refused: string }>;

async function inWorld(
  test: (world: World, modules: ReturnType<typeof serveModules>, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  await using modules = serveModules({});
  await using forbidden = serveModules({ "/": SECRET, "/x.js": `export default "${SECRET}"` });
  await using allowed = serveModules({
    "/": "allowed",
    "/x.js": "export default 1",
    "/echo": { echo: true },
    "/redirect": { location: `${forbidden.base}/` },
  });
  try {
    const secretPath = join(folder, "secret.json");
    await Deno.writeTextFile(secretPath, JSON.stringify(SECRET));
    await Deno.mkdir(join(folder, "open"));
    await Deno.writeTextFile(join(folder, "open/note.txt"), "allowed");
    const world = {
      secretPath,
      folder: join(folder, "open"),
      allowed: allowed.host,
      forbidden: forbidden.host,
    };
    await test(world, modules, folder);
    assert.deepEqual(forbidden.asked, [], "the forbidden server was reached");
    assert.equal(await Deno.readTextFile(secretPath), JSON.stringify(SECRET));
    const left = (await Array.fromAsync(Deno.readDir(join(folder, "open")))).map(({ name }) =>
      name
    );
    assert.deepEqual(left.filter((name) => name !== "leads-out.txt"), ["note.txt"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A trial of a module's text in a thread that may read one folder and reach one server. */
function trialOf(
  source: string,
  name: string,
  world: World,
  modules: ReturnType<typeof serveModules>,
): TrialOptions {
  const path = `/${encodeURIComponent(name)}.ts`;
  modules.routes[path] = source;
  return {
    specifier: modules.base + path,
    settings: { directory: "/", hosts: [modules.host] },
    permissions: { read: [world.folder], net: [world.allowed] },
    argument: world,
  };
}

function suite(
  mode: string,
  missing: string | undefined,
  programFor: (folder: string) => Promise<Program>,
) {
  const test = (name: string, fn: (t: Deno.TestContext) => Promise<void>) =>
    Deno.test({ ...ignoreIf(missing, `${mode}: ${name}`), fn });

  test("what a narrowed thread may do, it can", async () => {
    await inWorld(async (world, modules, folder) => {
      const body = `
        await way("read", () => Deno.readTextFile(world.folder + "/note.txt"));
        await way("fetch", () => fetch("http://" + world.allowed).then((r) => r.text()));
        await way("wasm", () => new WebAssembly.Memory({ initial: 1 }).buffer.byteLength);
        await way("query", () => Deno.permissions.query({ name: "run" }).then((s) => s.state));`;
      const trial = trialOf(moduleOf(body), "works", world, modules);
      const { answers: [answer] } = await run(await programFor(folder), folder, [trial]);
      assert.deepEqual(answer, {
        value: {
          read: { got: "allowed" },
          fetch: { got: "allowed" },
          wasm: { got: "65536" },
          query: {
            got: answer !== undefined && "value" in answer
              ? (answer.value as { query: { got: string } }).query.got
              : "",
          },
        },
      });
    });
  });

  test("each attempt is refused", async (t) => {
    await inWorld(async (world, modules, folder) => {
      const names = Object.keys(ATTEMPTS);
      const trials = names.map((name) =>
        trialOf(moduleOf(ATTEMPTS[name]!.body), name, world, modules)
      );
      const { answers, printed } = await run(await programFor(folder), folder, trials);
      assert.doesNotMatch(printed, /FORGED/);
      for (const [i, name] of names.entries()) {
        await t.step(name, () => checkWays(answers[i]!, ATTEMPTS[name]!.harmless ?? []));
      }
    });
  });

  test("modules that may not be are refused before they run", async () => {
    await inWorld(async (world, modules, folder) => {
      const trials = Object.entries(REFUSED_MODULES)
        .map(([name, source]) => trialOf(source, name, world, modules));
      const { answers } = await run(await programFor(folder), folder, trials);
      for (const answer of answers) {
        assert.ok(
          "error" in answer && answer.error.startsWith("host: Cannot"),
          JSON.stringify(answer),
        );
      }
    });
  });

  test("what takes too much is ended, and says which bound it met", async (t) => {
    await inWorld(async (world, modules, folder) => {
      const program = await programFor(folder);
      for (const [name, { source, bound, bounds }] of Object.entries(BOMBS)) {
        await t.step(name, async () => {
          const trial = { ...trialOf(source, name, world, modules), bounds };
          const { answers: [answer] } = await run(program, folder, [trial]);
          assert.ok(answer !== undefined && "error" in answer, JSON.stringify(answer));
          assert.equal(answer.bound, bound, answer.error);
          assert.match(
            answer.error,
            /^Cannot continue untrusted code: it|^Cannot .*: (memory|its) /,
          );
        });
      }
    });
  });

  test("errors that nobody caught, and values that lie, end nothing of the host", async () => {
    await inWorld(async (world, modules, folder) => {
      const sources: Record<string, string> = {
        rejection:
          'export default () => { Promise.reject(new Error("lost")); return new Promise(() => {}); }',
        timer:
          'export default () => { setTimeout(() => { throw new Error("lost"); }); return new Promise(() => {}); }',
        hostileError:
          "export default () => { throw new Proxy({}, { get() { throw new Error('no'); } }); }",
        nothing: "export default () => { throw undefined; }",
        pollution: `export default () => JSON.parse('{"__proto__": {"polluted": true}, "a": 1}')`,
        functions: "export default () => ({ f() {} })",
        deep:
          "export default () => { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a; }",
        then: "export default () => ({ then(f) { f({ value: 'forged' }); } })",
      };
      const trials = Object.entries(sources)
        .map(([name, source]) => trialOf(source, name, world, modules));
      const { answers } = await run(await programFor(folder), folder, trials);
      const found = Object.fromEntries(Object.keys(sources).map((name, i) => [name, answers[i]!]));
      for (const name of ["rejection", "timer"]) {
        assert.deepEqual(found[name], { error: "uncaught Error: lost" });
      }
      for (const name of ["hostileError", "nothing", "functions", "deep"]) {
        assert.ok("error" in found[name]!, `${name}: ${JSON.stringify(found[name])}`);
      }
      assert.deepEqual(({} as { polluted?: unknown }).polluted, undefined);
    });
  });

  test("known gap: a binary's loader reads files unasked, which the hooks alone prevent", async () => {
    await inWorld(async (world, _modules, folder) => {
      const trial = {
        specifier: world.secretPath,
        settings: { directory: "/", hosts: [] },
        bare: true,
      };
      const { answers: [answer] } = await run(await programFor(folder), folder, [trial]);
      if (mode.startsWith("compiled")) assert.deepEqual(answer, { value: JSON.stringify(SECRET) });
      else assert.match((answer as { error: string }).error, /Requires read access/);
    });
  });

  test("known gap: a link that the user has put into a granted folder is followed", async () => {
    await inWorld(async (world, modules, folder) => {
      await Deno.symlink(world.secretPath, join(world.folder, "leads-out.txt"));
      const body = 'await way("read", () => Deno.readTextFile(world.folder + "/leads-out.txt"));';
      const trial = trialOf(moduleOf(body), "link", world, modules);
      const { answers: [answer] } = await run(await programFor(folder), folder, [trial]);
      assert.deepEqual(answer, { value: { read: { got: JSON.stringify(SECRET) } } });
    });
  });
}

function checkWays(answer: Answer, harmless: readonly string[]): void {
  assert.ok("value" in answer, JSON.stringify(answer));
  const ways = answer.value as Ways;
  assert.ok(Object.keys(ways).length > 0);
  assert.ok(!JSON.stringify(ways).includes(SECRET), JSON.stringify(ways));
  const got = Object.entries(ways)
    .filter(([, result]) => "got" in result && !harmless.includes(result.got));
  assert.deepEqual(got, []);
}

suite("deno run", undefined, () => Promise.resolve(fromSource));
/** Lasts as long as the tests of this file. */
function folderOfBinary(): string {
  const folder = Deno.makeTempDirSync();
  addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  return folder;
}

let binary: Promise<Program> | undefined;
suite(
  "compiled",
  DENORT === undefined ? "DENORT_BIN does not name the runtime for binaries" : undefined,
  () => binary ??= compiled(folderOfBinary()),
);

Deno.test("there are at least 25 attempts", () => {
  const all = [ATTEMPTS, BOMBS, REFUSED_MODULES].flatMap((some) => Object.keys(some));
  assert.ok(all.length >= 25, `${all.length}`);
});
