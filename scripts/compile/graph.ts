/** What a program is made of, as Deno resolves it. */
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
}

/** The modules of a file or a package, which are fetched if need be. */
export async function graphOf(root: string, cwd: string): Promise<Graph> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", root],
    cwd,
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Cannot resolve "${root}"`);
  const { modules, npmPackages } = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: { npmPackage?: string }[];
    npmPackages: Record<string, Package>;
  };
  return {
    imported: modules.flatMap(({ npmPackage }) => npmPackage ?? []),
    packages: npmPackages,
  };
}
