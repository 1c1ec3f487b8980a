/** The modules and packages of a program, as Deno resolves them. */
export interface Package {
  readonly name: string;
  readonly version: string;
  /** Keys of {@linkcode Graph.packages}. */
  readonly dependencies: readonly string[];
  /** Folder of its files. */
  readonly localPath: string;
}

export interface Graph {
  /** Keys of {@linkcode Graph.packages} that a module imports, lazily or not. */
  readonly imported: readonly string[];
  /** All packages of deno.lock, by name and version. */
  readonly packages: Readonly<Record<string, Package>>;
  /** Folder of Deno's cache. */
  readonly cache: string;
}

/** Resolves the modules of a file or package, and fetches missing ones. */
export async function readGraph(root: string, cwd: string): Promise<Graph> {
  const { modules, npmPackages } = await info<{
    modules: { npmPackage?: string }[];
    npmPackages: Record<string, Package>;
  }>(cwd, root);
  const { denoDir } = await info<{ denoDir: string }>(cwd);
  return {
    imported: modules.flatMap(({ npmPackage }) => npmPackage ?? []),
    packages: npmPackages,
    cache: denoDir,
  };
}

async function info<Told>(cwd: string, ...about: string[]): Promise<Told> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", ...about],
    cwd,
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Cannot resolve ${about.join(" ")}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Packages that the program imports, and their dependencies, sorted. */
export function embedded({ imported, packages }: Graph): string[] {
  const found = new Set<string>();
  const visit = (key: string): void => {
    if (found.has(key)) return;
    found.add(key);
    packages[key]!.dependencies.forEach(visit);
  };
  imported.forEach(visit);
  return [...found].sort();
}
