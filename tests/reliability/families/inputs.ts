/**
 * Inputs that are broken, hostile or much larger than they look: each ends in time with a documented exit code and
 * without a stack trace, in bounded memory, and nothing but the target is touched.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { main } from "../../../src/cli/main.ts";
import { EXIT } from "../../../src/cli/terminal/exit_codes.ts";
import { DXTError } from "../../../src/core/errors.ts";
import type { DXTRecord } from "../../../src/core/values/values.ts";
import type { Field } from "../../../src/models/field.ts";
import { Exited, fakeIO } from "../../cli/fakes.ts";
import { COMPRESSORS, CONTENTS, DATA_BOMBS, PIPELINE_BOMBS, writeBomb } from "../bombs.ts";
import { runCapped } from "../memory_cap.ts";
import { mutate, NAUGHTY_STRINGS } from "../mutations.ts";
import { type Family, Fault, observe, type Outcome, type Scope } from "../outcome.ts";
import { openPlace, type Place, PLACES } from "../places.ts";

const MUTANTS = 10_000;
const SHORT_MUTANTS = 300;
/** Milliseconds within which a pipeline file is refused or accepted. */
const FILE_BOUND = 60_000;

export const INPUTS: Family = {
  name: "inputs",
  title: "broken pipeline files, hostile names and values, bombs",
  run,
};

async function* run(scope: Scope): AsyncIterable<Outcome> {
  yield* mutatePipelines(scope);
  yield* readBombs(scope);
  yield* leadOutside(scope);
  yield* useNames(scope);
  yield* decompress(scope);
}

/** Exit code and output of a command, run in this process. */
async function answer(args: readonly string[]): Promise<string> {
  const io = fakeIO();
  const start = performance.now();
  let code: number;
  try {
    code = await main(args, io);
  } catch (error) {
    if (!(error instanceof Exited)) throw error;
    code = error.code;
  }
  const ms = performance.now() - start;
  if (ms > FILE_BOUND) throw new Fault("hung", `${args.join(" ")} took ${Math.round(ms)} ms`);
  assert.ok((Object.values(EXIT) as number[]).includes(code), `exit code ${code}`);
  assert.doesNotMatch(io.err + io.out, STACK);
  return `${code}`;
}

/** A line of a stack trace, or an error that is none of dxt's. */
const STACK = /\n\s+at .*:\d+:\d+|\b(Type|Range|Reference|Syntax|Internal)Error\b/;

async function* mutatePipelines(scope: Scope): AsyncIterable<Outcome> {
  const folder = await Deno.makeTempDir({ dir: scope.folder });
  const seeds = await Promise.all(SEEDS.map((path) => Deno.readTextFile(path)));
  const count = scope.isShort ? SHORT_MUTANTS : MUTANTS;
  for (let seed = 0; seed < count; seed++) {
    const path = join(folder, `${seed}.yaml`);
    yield await observe(INPUTS.name, `pipeline file mutated by seed ${seed}`, async () => {
      await Deno.writeFile(path, mutate(seeds, seed));
      const codes = await answer(["validate", path]);
      // A file that is valid is planned, too.
      const planned = codes === "0" ? await answer(["permissions", path]) : "";
      await Deno.remove(path);
      return `${codes}${planned}`;
    });
  }
}

const pathOf = (name: string) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));
const SEEDS = [
  ...["pipelines/quickstart.yaml", "pipelines/quickstart_export.yaml"],
  ...["pipelines/postgres_to_sqlite.yaml", "pipelines/files_to_postgres.yaml"],
  ...["tests/golden/init_pipeline.yaml", "tests/golden/discover_pipeline.yaml"],
].map(pathOf);

async function* readBombs(scope: Scope): AsyncIterable<Outcome> {
  const folder = await Deno.makeTempDir({ dir: scope.folder });
  for (const [name, make] of Object.entries(PIPELINE_BOMBS)) {
    yield await observe(INPUTS.name, `pipeline file: ${name}`, async () => {
      const path = join(folder, "bomb.yaml");
      await Deno.writeTextFile(path, make());
      return await answer(["validate", path]);
    });
  }
  for (const [name, make] of Object.entries(DATA_BOMBS)) {
    yield await observe(INPUTS.name, `file of data: ${name}`, async () => {
      await Deno.writeTextFile(join(folder, name), make());
      const io = ["--from", join(folder, name), "--to", join(folder, "out.parquet")];
      return await runProgram(["run", ...io, "-q"]);
    });
  }
}

const MAIN = pathOf("main.ts");
const CAP = 512 * 2 ** 20;
/** Seconds within which a run ends. */
const RUN_BOUND = 300;

/** Runs the program with 512 MiB of memory. Returns its exit code and figures. */
async function runProgram(args: readonly string[]): Promise<string> {
  const { code, errors, peak, seconds } = await runCapped(
    [
      ...[
        Deno.execPath(),
        "run",
        "-A",
        "--no-prompt",
        "--no-check",
        "--v8-flags=--expose-gc,--max-semi-space-size=2,--single-threaded-gc",
        MAIN,
      ],
      ...args,
    ],
    CAP,
    RUN_BOUND,
  );
  if (seconds >= RUN_BOUND) throw new Fault("hung", `it took ${seconds.toFixed(0)} s`);
  const figures = `${code}, ${seconds.toFixed(0)} s, ${peak.toFixed(0)} MiB`;
  assert.ok((Object.values(EXIT) as number[]).includes(code), `${figures}: ${errors}`);
  assert.doesNotMatch(errors, STACK);
  assert.ok(peak <= CAP / 2 ** 20, figures);
  return figures;
}

/** Bytes of a bomb when it is decompressed. */
const BOMB_BYTES = 2e9;
const SHORT_BOMB_BYTES = 150e6;

async function* decompress(scope: Scope): AsyncIterable<Outcome> {
  const bytes = scope.isShort ? SHORT_BOMB_BYTES : BOMB_BYTES;
  const contents = Object.keys(CONTENTS) as (keyof typeof CONTENTS)[];
  for (const [i, ending] of Object.keys(COMPRESSORS).entries()) {
    for (const content of scope.isShort ? [contents[i % contents.length]!] : contents) {
      const folder = await Deno.makeTempDir({ dir: scope.folder });
      const path = await writeBomb(folder, ending, content, bytes);
      if (path === undefined) continue;
      yield await observe(INPUTS.name, `${ending} of ${bytes / 1e6} MB: ${content}`, async () => {
        const out = join(folder, "out.parquet");
        const words = ["run", "--from", path, "--to", out, "-q", "--max-bytes", "20000000"];
        const figures = await runProgram(words);
        // A record is too long, and rows are too many.
        assert.match(figures, content === "one record" ? /^1,/ : /^5,/);
        return figures;
      });
      await Deno.remove(folder, { recursive: true });
    }
  }
}

/** Names that lead out of a folder, or are special to a file system. */
const PATHS = [
  ...["../x", "../../x", "..", ".", "a/../../x", "/x", "//x", "x/../..", "..\\x", "a\\..\\..\\x"],
  ...[
    "x\0y",
    "~",
    "~/x",
    "$HOME/x",
    "%2e%2e/x",
    "..%2fx",
    "file:///x",
    "con",
    "x.",
    ".dxt/x",
    "-q",
  ],
  ...["x".repeat(300), `${"x/".repeat(200)}x`, "\u202ex", "x\ny", "|x", "a b", "*", "?", "[a]"],
];

/** Where a pipeline has a name or a path. */
const USES: Readonly<Record<string, (path: string) => object>> = {
  "target": (target) => ({ streams: [{ id: "s", source: "a.csv", target }] }),
  "source": (source) => ({ streams: [{ id: "s", source, target: "t.csv" }] }),
  "stream id": (id) => ({ streams: [{ id, source: "a.csv", target: "t.csv" }] }),
  "pipeline name": (name) => ({ name, streams: [{ id: "s", source: "a.csv", target: "t.csv" }] }),
};

async function* leadOutside(scope: Scope): AsyncIterable<Outcome> {
  for (const [use, make] of Object.entries(USES)) {
    for (const path of scope.isShort ? PATHS.slice(0, 5) : PATHS) {
      const name = `${use} ${JSON.stringify(path.slice(0, 40))}`;
      yield await observe(INPUTS.name, name, () => stayInside(scope.folder, make(path)));
    }
  }
}

/** Runs a pipeline whose files are in "in/work" of a folder, in which nothing else may change. */
async function stayInside(parent: string, keys: object): Promise<string> {
  const outer = await Deno.makeTempDir({ dir: parent });
  const folder = join(outer, "in", "work");
  await Deno.mkdir(join(folder, "data"), { recursive: true });
  await Deno.writeTextFile(join(outer, "x"), "id\n1\n");
  await Deno.writeTextFile(join(outer, "in", "x"), "id\n1\n");
  await Deno.writeTextFile(join(folder, "data", "a.csv"), "id\n1\n");
  await Deno.writeTextFile(
    join(folder, "p.yaml"),
    JSON.stringify({
      version: 1,
      name: "p",
      source: { provider: "local", path: "data" },
      target: { provider: "local", path: "out" },
      ...keys,
    }),
  );
  const code = await withRoot(() => answer(["run", join(folder, "p.yaml"), "-q"]));
  const outside = (await Array.fromAsync(walk(outer))).filter((path) =>
    !path.startsWith(`${folder}/`)
  ).sort();
  const wanted = [join(outer, "in", "x"), join(outer, "x")];
  assert.deepEqual(outside, wanted, `exit code ${code}`);
  await Deno.remove(outer, { recursive: true });
  return code;
}

/** Fails when a file appears in the root folder. */
async function withRoot(work: () => Promise<string>): Promise<string> {
  const list = async () => (await Array.fromAsync(Deno.readDir("/"))).map(({ name }) => name);
  const before = new Set(await list());
  const code = await work();
  const added = (await list()).filter((name) => !before.has(name));
  assert.deepEqual(added, [], "files in the root folder");
  return code;
}

/** Paths of all files below a folder. */
async function* walk(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* walk(path);
    else yield path;
  }
}

/** A short suite uses one in this many strings. */
const STRIDE = 60;
const SENTINEL: readonly DXTRecord[] = [{ id: 1, word: "kept" }, { id: 2, word: "as it was" }];
const SENTINEL_FIELDS: readonly Field[] = [
  { name: "id", dtype: "int32", nullable: true },
  { name: "word", dtype: "string", nullable: true },
];

/** Each string is the name of a table and of a column, and a value, beside a table that must stay as it is. */
async function* useNames(scope: Scope): AsyncIterable<Outcome> {
  for (const name of PLACES) {
    for (const [i, text] of NAUGHTY_STRINGS.entries()) {
      if (scope.isShort && i % STRIDE !== 0) continue;
      await using place = await openPlace(name, scope);
      if (place === undefined) break;
      const label = `${name}: ${JSON.stringify(text.slice(0, 60))} as name and value`;
      yield await observe(INPUTS.name, label, async () => {
        await place.trial.load("sentinel", SENTINEL_FIELDS, SENTINEL);
        const before = await place.trial.rows("sentinel");
        const codes = [
          await use(place, { table: text, column: "word", text }),
          await use(place, { table: `words_${i}`, column: text, text }),
        ];
        assert.deepEqual(await place.trial.rows("sentinel"), before, "another table was changed");
        return codes.join(", ");
      });
    }
  }
}

interface Use {
  readonly table: string;
  readonly column: string;
  readonly text: string;
}

/** Loads a string into a table and a column of these names; it comes back as it is, or is refused. */
async function use({ trial }: Place, { table, column, text }: Use): Promise<string> {
  const field: Field = { name: column, dtype: "string", nullable: true };
  try {
    await trial.load(table, [field], [{ [column]: text }]);
    const { records } = await trial.read(table, { projections: [{ field, column }] });
    if (records.length === 1 && records[0]![column] === text) return "kept";
    throw new Fault("changed", `it became ${JSON.stringify(records)}`);
  } catch (error) {
    if (error instanceof DXTError) return "refused";
    throw error;
  }
}
