/** The external modules that pipelines name: how they are fetched, locked and copied. */
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { CodeOptions, LoadedPipeline } from "../../config/mod.ts";
import { hostOf, NOTHING } from "../../core/permissions.ts";
import type { Permissions } from "../../core/contracts/provider.ts";
import { isExternal, parseClassPath } from "../../providers/resolve.ts";
import {
  type CodeSettings,
  type ExternalCode,
  formatLock,
  type Graph,
  loadGraph,
  mergePins,
  NO_PINS,
  openCache,
  openVendorFolder,
  type Pins,
  readLock,
  vendorModule,
  writeAtomically,
} from "../../sandbox/modules/mod.ts";

/**
 * The module that a class path names: a URL, or an absolute path; undefined for one that names a
 * provider of dxt. Relative paths start from `directory`.
 */
function findModulePath(classPath: string, directory: string): string | undefined {
  const { provider } = parseClassPath(classPath);
  if (!isExternal(provider)) return undefined;
  return /^[a-z][a-z0-9+.-]+:/i.test(provider) ? provider : resolve(directory, provider);
}

type Named = Pick<LoadedPipeline, "pipeline" | "source" | "target" | "directory">;

/** The modules that a pipeline's class paths name, each once. */
function listClassPaths({ pipeline, source, target, directory }: Named): string[] {
  const connections = [source, target].map(({ provider, baseDirectory }) =>
    findModulePath(provider, baseDirectory)
  );
  const classes = pipeline.streams.flatMap((stream) => {
    const { extractor, loader, transforms = [] } = stream;
    return [extractor, loader, ...transforms].map((reference) => {
      const path = typeof reference === "object" ? reference.class : reference;
      return path === undefined ? undefined : findModulePath(path, directory);
    });
  });
  return [...new Set([...connections, ...classes].filter((path) => path !== undefined))];
}

type Placed = Pick<LoadedPipeline, "directory" | "projectDirectory" | "ceiling">;

/** The lock of a pipeline: beside its project's file, or beside its own. */
function lockPath({ directory, projectDirectory }: Placed): string {
  return join(projectDirectory ?? directory, "dxt.lock");
}

function vendorFolder({ directory, projectDirectory }: Placed): string {
  return join(projectDirectory ?? directory, "vendor");
}

/**
 * What the host needs to gather external modules: those of the host's own files, and the servers of
 * the others, unless copies of them are beside the lock.
 */
export function codeNeeds(
  loaded: Named & Placed & { readonly code?: CodeOptions },
  codes: readonly ExternalCode[],
): Permissions {
  const paths = listClassPaths(loaded);
  if (paths.length === 0) return NOTHING;
  const urls = [...paths, ...codes.flatMap(({ modules }) => modules.map(({ url }) => url))];
  const remote = urls.filter((url) => /^https?:/i.test(url));
  const local = urls.filter((url) => !/^(https?|jsr|npm):/i.test(url));
  const folder = vendorFolder(loaded);
  const { cacheDirectory } = loaded.code ?? {};
  const cache = cacheDirectory === undefined ? [] : [resolve(cacheDirectory)];
  return {
    ...NOTHING,
    net: isFolder(folder) ? [] : remote.map(hostOf),
    read: [
      lockPath(loaded),
      ...(remote.length === 0 ? [] : [folder]),
      ...cache,
      ...local.map((path) => path.startsWith("file:") ? fileURLToPath(path) : path),
    ],
    write: cache,
  };
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** How the external modules of a pipeline are gathered. */
export async function codeSettings(
  loaded: Placed,
  { allowImport = [], frozen, cacheDirectory, registry, signal, onWarning }: CodeOptions,
): Promise<CodeSettings> {
  return {
    directory: loaded.directory,
    project: loaded.projectDirectory,
    hosts: [...loaded.ceiling?.import ?? [], ...allowImport],
    lock: await readLock(lockPath(loaded)),
    frozen,
    stores: [
      openVendorFolder(vendorFolder(loaded)),
      ...(cacheDirectory === undefined ? [] : [openCache(cacheDirectory)]),
    ],
    registry,
    signal,
    ...(onWarning === undefined ? {} : { onWarning }),
  };
}

/** What `dxt lock` did to a lock. */
export interface Locked {
  readonly path: string;
  readonly modules: readonly {
    readonly url: string;
    readonly sha256: string;
    readonly change: "added" | "changed" | "same";
  }[];
}

/** Fetches all external modules of pipelines anew, and pins in each lock what they are now. */
export async function lockPipelines(
  pipelines: readonly (Named & Placed)[],
  options: CodeOptions,
): Promise<Locked[]> {
  const byPath = Map.groupBy(pipelines, lockPath);
  const results: Locked[] = [];
  for (const [path, those] of byPath) {
    const graphs = await loadGraphs(those, options, () => ({ lock: NO_PINS, stores: [] }));
    const before = await readLock(path);
    const found = mergePins(graphs.map(({ pins }) => pins));
    await writeAtomically(
      path,
      new TextEncoder().encode(formatLock(mergePins([without(before, found), found]))),
    );
    results.push({ path, modules: changes(before, found) });
  }
  return results;
}

/** What was pinned of other modules: what was redirected once may be a module itself now. */
function without({ modules, redirects, kinds }: Pins, found: Pins): Pins {
  const left = Object.entries(redirects).filter(([from]) => !Object.hasOwn(found.modules, from));
  return { modules, redirects: Object.fromEntries(left), kinds };
}

function changes(before: Pins, { modules }: Pins): Locked["modules"] {
  return Object.entries(modules).sort(([a], [b]) => (a < b ? -1 : 1)).map(([url, sha256]) => {
    const was = Object.hasOwn(before.modules, url) ? before.modules[url] : undefined;
    const change = was === undefined ? "added" : was === sha256 ? "same" : "changed";
    return { url, sha256, change };
  });
}

/** What `dxt vendor` copied. */
export interface Vendored {
  readonly folder: string;
  readonly modules: readonly string[];
}

/** Copies all locked external modules of pipelines beside their lock. */
export async function vendorPipelines(
  pipelines: readonly (Named & Placed)[],
  options: CodeOptions,
): Promise<Vendored[]> {
  const byFolder = Map.groupBy(pipelines, vendorFolder);
  const results: Vendored[] = [];
  for (const [folder, those] of byFolder) {
    const frozen = { ...options, frozen: true };
    // A copy that was changed is to be replaced: it is not looked at.
    const graphs = await loadGraphs(those, frozen, ({ stores }) => ({ stores: stores!.slice(1) }));
    const fetched = new Map(graphs.flatMap(({ fetched }) => [...fetched]));
    for (const [url, bytes] of fetched) await vendorModule(folder, url, bytes);
    results.push({ folder, modules: [...fetched.keys()].sort() });
  }
  return results;
}

type Overrides = (settings: CodeSettings) => Partial<CodeSettings>;

async function loadGraphs(
  pipelines: readonly (Named & Placed)[],
  options: CodeOptions,
  override: Overrides,
): Promise<Graph[]> {
  const graphs: Graph[] = [];
  for (const loaded of pipelines) {
    const settings = await codeSettings(loaded, options);
    for (const path of listClassPaths(loaded)) {
      graphs.push(await loadGraph(path, { ...settings, ...override(settings) }));
    }
  }
  return graphs;
}
