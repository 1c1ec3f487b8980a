/** The rooms of src/README.md and the arrows between them, as data. */
import assert from "node:assert/strict";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Rooms that each room may import from, besides itself. */
const ARROWS: Record<string, readonly string[]> = {
  models: [],
  core: ["models"],
  arrow: ["models", "core"],
  formats: ["models", "core", "arrow"],
  buffers: ["models", "core", "arrow", "formats"],
  transforms: ["models", "core", "arrow"],
  integrity: ["models", "core", "arrow"],
  config: [
    "models",
    "core/errors.ts",
    "core/permission_errors.ts",
    "core/did_you_mean.ts",
    "core/files/file_url.ts",
    "core/files/suggest_file.ts",
    "core/files/paths.ts",
  ],
  selector: ["models", "core/errors.ts", "core/did_you_mean.ts"],
  providers: ["models", "core", "arrow", "formats"],
  sandbox: ["models", "core", "providers", "mod.ts"],
  runner: [
    "models",
    "core",
    "arrow",
    "buffers",
    "transforms",
    "integrity",
    "providers",
    "sandbox",
    "config",
    "selector",
  ],
  cli: ["models", "core", "integrity", "providers", "config", "selector", "runner"],
};

/** Folders of a room, lowest first: each imports only those before it. Files beside them are on top. */
const INNER_ARROWS: Record<string, readonly string[]> = {
  config: ["text", "validation", "legacy", "pipeline"],
  cli: ["terminal", "output", "app", "help", "scaffold", "commands"],
};

/**
 * Folders of the runner, and what each may load besides itself. Types are free: they load nothing, and
 * what plan, worker and host say to each other is one vocabulary. Files beside the folders are on top.
 */
const RUNNER_ARROWS: Record<string, readonly string[]> = {
  contract: [],
  // A plan asks external modules what they are, in workers.
  plan: ["worker/pool.ts"],
  permissions: ["plan"],
  worker: ["plan", "permissions"],
  extract: ["contract", "plan", "worker"],
  load: ["contract", "plan", "worker"],
  inspect: ["contract", "plan", "worker", "extract", "load", "retry.ts"],
  diff: ["contract", "plan", "worker", "extract", "inspect"],
  record: ["plan", "worker", "extract", "inspect"],
  replay: ["plan", "inspect", "record", "pipeline_run.ts"],
  stored: ["plan", "worker", "inspect", "load", "stage_folders.ts"],
};

/** The one room that each package is imported in. */
const PACKAGES: Record<string, readonly string[]> = {
  "apache-arrow": ["arrow"],
  "es-module-lexer": ["sandbox"],
  "noble-ed25519": ["providers/relational/mysql"],
  "optique": ["cli"],
  "parquet-wasm": ["formats"],
  "unbzip2-stream": ["formats"],
  "xz-decompress": ["formats"],
  "postgres": ["providers/relational/postgres"],
  "yaml": ["config"],
  "zod": ["models", "core", "buffers", "providers", "sandbox", "runner", "config", "cli", "mod.ts"],
};

/** Packages without which most runs do. */
const LAZY: ReadonlySet<string> = new Set(["noble-ed25519", "postgres"]);

/** Type-only imports that are allowed beyond the tables above, with their reason. */
const TYPE_ONLY: Record<string, string> = {
  "core/contracts/batch.ts apache-arrow":
    "Batch is Arrow's record batch, and contracts speak of it",
};

/** Files of a folder: one with more is two ideas. */
const MOST_FILES = 17;

interface Import {
  readonly file: string;
  readonly specifier: string;
  readonly typeOnly: boolean;
  /** The module is loaded when it is first needed. */
  readonly lazy?: boolean;
}

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* sources(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}

async function imports(): Promise<Import[]> {
  const found: Import[] = [];
  for await (const path of sources(join(ROOT, "src"))) {
    const text = (await Deno.readTextFile(path)).replace(/^\s*(?:\/\/|\*|\/\*\*).*$/gm, "");
    const file = relative(join(ROOT, "src"), path);
    const from = /\b(import|export)(\s+type)?\b[^;"'()]*?\bfrom\s*["']([^"']+)["']/g;
    for (const match of text.matchAll(from)) {
      const names = match[0].replace(/^.*?\{|\}.*$/gs, "").split(",").map((name) => name.trim());
      const typeOnly = match[2] !== undefined ||
        match[0].includes("{") && names.every((name) => name === "" || name.startsWith("type "));
      found.push({ file, specifier: match[3]!, typeOnly });
    }
    // A page is a text, and lies beside the code that it is about.
    for (const match of text.matchAll(/\bimport\s*\(\s*["']([^"']+(?<!\.md))["']/g)) {
      found.push({ file, specifier: match[1]!, typeOnly: false, lazy: true });
    }
    for (const match of text.matchAll(/^\s*import\s+["']([^"']+)["']/gm)) {
      found.push({ file, specifier: match[1]!, typeOnly: false });
    }
  }
  return found;
}

const room = (file: string) => file.split("/")[0]!;
const isLocal = ({ specifier }: Import) => specifier.startsWith(".");

function target({ file, specifier }: Import): string {
  return normalize(join(dirname(file), specifier));
}

Deno.test("imports between rooms point down only", async () => {
  const wrong = (await imports()).filter(isLocal).filter((found) => {
    if (!found.file.includes("/")) return false;
    const to = target(found);
    const allowed = ARROWS[room(found.file)];
    assert.ok(allowed !== undefined, `src/${found.file}: no room of this name in the table`);
    return room(to) !== room(found.file) &&
      !allowed.some((arrow) => arrow === room(to) || arrow === to);
  });
  assert.deepEqual(wrong, []);
});

Deno.test("imports between the folders of a room point down only", async () => {
  const wrong = (await imports()).filter(isLocal).filter((found) => {
    const [from, to] = [found.file, target(found)].map((file) => file.split("/"));
    const folders = INNER_ARROWS[from![0]!];
    if (folders === undefined || from!.length < 3 || to![0] !== from![0]) return false;
    const [above, below] = [from, to].map((path) => folders.indexOf(path![1]!));
    assert.ok(above! >= 0, `src/${found.file}: no folder of this name in the table`);
    return to!.length < 3 || below! > above!;
  });
  assert.deepEqual(wrong, []);
});

Deno.test("the folders of the runner load only those below them", async () => {
  const wrong = (await imports()).filter((one) => isLocal(one) && !one.typeOnly).filter((found) => {
    const [from, to] = [found.file, target(found)].map((file) => file.split("/"));
    if (from![0] !== "runner" || from!.length < 3 || to![0] !== "runner") return false;
    const allowed = RUNNER_ARROWS[from![1]!];
    assert.ok(allowed !== undefined, `src/${found.file}: no folder of this name in the table`);
    return to![1] !== from![1] &&
      !allowed.some((arrow) => arrow === to![1] || arrow === to!.slice(1).join("/"));
  });
  assert.deepEqual(wrong, []);
});

Deno.test("code in a worker is started by its host, never imported", async () => {
  const wrong = (await imports()).filter((one) => isLocal(one) && !one.typeOnly).filter((found) =>
    target(found).startsWith("runner/worker/inside/") &&
    !found.file.startsWith("runner/worker/inside/")
  );
  assert.deepEqual(wrong, []);
});

Deno.test("a provider sees its own folder, its category and the transport, no other provider", async () => {
  const providers = new Set<string>();
  for await (const path of sources(join(ROOT, "src/providers"))) {
    const [, folder] = /providers\/(\w+\/\w+)\/mod\.ts$/.exec(path) ?? [];
    if (folder !== undefined) providers.add(folder);
  }
  const providerOf = (path: readonly string[]) => {
    const folder = path.slice(1, 3).join("/");
    return providers.has(folder) ? folder : undefined;
  };
  const wrong = (await imports()).filter(isLocal).filter((found) => {
    const from = found.file.split("/");
    if (from[0] !== "providers" || from.length < 3) return false;
    const to = target(found).split("/");
    if (to[0] !== "providers") return false;
    const provider = providerOf(to);
    if (to[1] === "transport") return false;
    return to[1] !== from[1] || (provider !== undefined && provider !== providerOf(from));
  });
  assert.deepEqual(wrong, []);
});

Deno.test("each package is imported in one room, under its name in the import map", async () => {
  const wrong = (await imports()).filter((found) =>
    !isLocal(found) && !found.specifier.startsWith("node:")
  ).filter((found) => {
    const rooms = PACKAGES[found.specifier];
    if (rooms?.some((room) => found.file === room || found.file.startsWith(`${room}/`))) {
      return false;
    }
    return !(found.typeOnly && `${found.file} ${found.specifier}` in TYPE_ONLY);
  });
  assert.deepEqual(wrong, []);
});

Deno.test("drivers that few runs need are loaded when they are needed", async () => {
  const eager = (await imports()).filter(({ specifier, typeOnly, lazy }) =>
    LAZY.has(specifier) && !typeOnly && lazy !== true
  );
  assert.deepEqual(eager, []);
});

Deno.test("only the command line prints", async () => {
  const printing: string[] = [];
  for await (const path of sources(join(ROOT, "src"))) {
    const file = relative(join(ROOT, "src"), path);
    const text = await Deno.readTextFile(path);
    if (room(file) !== "cli" && /\bconsole\.|Deno\.std(out|err)\b|process\.std/.test(text)) {
      printing.push(file);
    }
  }
  assert.deepEqual(printing, []);
});

Deno.test("no folder has more files than a reader keeps in mind", async () => {
  const files = new Map<string, number>();
  for await (const path of sources(join(ROOT, "src"))) {
    const folder = relative(ROOT, dirname(path));
    files.set(folder, (files.get(folder) ?? 0) + 1);
  }
  assert.deepEqual([...files].filter(([, count]) => count > MOST_FILES), []);
});

Deno.test("every file and folder that src/README.md names exists", async () => {
  const readme = await Deno.readTextFile(join(ROOT, "src/README.md"));
  const rooms = Object.keys(ARROWS).join("|");
  const named = readme.matchAll(new RegExp(`(?<![\\w./-])(?:${rooms})/[\\w./]*\\w`, "g"));
  const paths = [...new Set([...named].map(([path]) => join(ROOT, "src", path)))];
  const exists = (path: string) => Deno.stat(path).then(() => true, () => false);
  const found = await Promise.all(
    paths.map(async (path) => await exists(path) || await exists(`${path}.ts`)),
  );
  assert.ok(paths.length > 40);
  assert.deepEqual(paths.filter((_, i) => !found[i]), []);
});

Deno.test("src/README.md names every room and no other", async () => {
  const readme = await Deno.readTextFile(join(ROOT, "src/README.md"));
  const named = new Set([...readme.matchAll(/^\| `(\w+)\/` /gm)].map((match) => match[1]!));
  const rooms = new Set<string>();
  for await (const entry of Deno.readDir(join(ROOT, "src"))) {
    if (entry.isDirectory) rooms.add(entry.name);
  }
  assert.deepEqual([...named].sort(), [...rooms].sort());
  assert.deepEqual([...rooms].filter((name) => !(name in ARROWS)), []);
});
