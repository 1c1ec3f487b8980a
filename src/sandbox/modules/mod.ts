/** External modules: loads the graph of a class path's module as text. */
import { pathToFileURL } from "node:url";
import { ConfigurationError, withoutSecrets } from "../../core/errors.ts";
import { GRAPH_MS } from "./bounds.ts";
import type { ExternalCode } from "./code.ts";
import { gatherGraph, type Graph } from "./graph.ts";
import { findRoot } from "./local.ts";
import { NO_PINS, type Pins } from "./fetch/lock.ts";
import { resolveEntry } from "./source/specifier.ts";
import type { Store } from "./fetch/store.ts";

export type { ExternalCode, ExternalModule } from "./code.ts";
export type { Graph } from "./graph.ts";
export { formatLock, mergePins, NO_PINS, type Pins, readLock } from "./fetch/lock.ts";
export {
  openCache,
  openVendorFolder,
  type Store,
  vendorModule,
  writeAtomically,
} from "./fetch/store.ts";

/** Where external modules may come from. */
export interface CodeSettings {
  /** Absolute folder against which relative class paths resolve. */
  readonly directory: string;
  /** Folder of the project; local modules may import files below it. */
  readonly project?: string | undefined;
  /** Hosts from which modules may be fetched, as `host` or `host:port`. */
  readonly hosts: readonly string[];
  readonly lock?: Pins | undefined;
  /** Whether modules outside the lock are refused. */
  readonly frozen?: boolean | undefined;
  /** Stores to search for locked modules before their servers are contacted. */
  readonly stores?: readonly Store[] | undefined;
  /** Base URL of the registry for `jsr:` names, from the variable `JSR_URL`. */
  readonly registry?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  onWarning?(message: string): void;
}

/**
 * Gathers a module with all its imports, and warns of modules that are not locked.
 *
 * @param specifier an `https:`, `http:`, `file:` or `jsr:` URL, or a path
 * @throws {ConfigurationError} when a module is not allowed, or differs from the lock
 * @throws {ConnectionError} when a module cannot be fetched
 */
export async function loadCode(specifier: string, settings: CodeSettings): Promise<ExternalCode> {
  const { code, unlocked } = await loadGraph(specifier, settings);
  if (unlocked.length > 0) {
    const [first, ...others] = unlocked.map(withoutSecrets);
    const more = others.length === 0 ? "is" : `and ${others.length} of its imports are`;
    settings.onWarning?.(
      `module "${first}" ${more} not locked, pin the current version with dxt lock`,
    );
  }
  return code;
}

/** Like {@linkcode loadCode}, with the pins and fetched bytes. */
export async function loadGraph(specifier: string, settings: CodeSettings): Promise<Graph> {
  const { directory, project, hosts, lock, frozen, stores, registry, signal } = settings;
  const entry = resolveEntry(specifier, pathToFileURL(`${directory}/`));
  const timeout = AbortSignal.timeout(GRAPH_MS);
  try {
    return await gatherGraph(entry, {
      root: entry.startsWith("file:") ? await findRoot(entry, project) : undefined,
      hosts,
      lock: lock ?? NO_PINS,
      frozen: frozen ?? false,
      stores: stores ?? [],
      registry,
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
  } catch (error) {
    if (error !== timeout.reason) throw error;
    throw new ConfigurationError(
      `Cannot load module "${withoutSecrets(entry)}": it took longer than ${GRAPH_MS / 1000} s`,
    );
  }
}
