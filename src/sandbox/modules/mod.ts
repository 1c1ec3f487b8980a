/** External modules: from a class path's module to its whole graph as text. */
import { pathToFileURL } from "node:url";
import { ConfigurationError, withoutSecrets } from "../../core/errors.ts";
import { GRAPH_MS } from "./bounds.ts";
import type { ExternalCode } from "./code.ts";
import { gather, type Graph } from "./graph.ts";
import { findRoot } from "./local.ts";
import { NO_PINS, type Pins } from "./lock.ts";
import { resolveEntry } from "./specifier.ts";
import type { Store } from "./store.ts";

export type { ExternalCode, ExternalModule } from "./code.ts";
export type { Graph } from "./graph.ts";
export { lockText, mergePins, NO_PINS, type Pins, readLock } from "./lock.ts";
export { cacheIn, type Store, vendor, vendorIn, writeWhole } from "./store.ts";

export interface CodeSettings {
  /** Absolute folder that a relative class path starts from. */
  readonly directory: string;
  /** Folder of the project: local modules may import what lies below it. */
  readonly project?: string | undefined;
  /** Hosts that modules may be fetched from: `host` or `host:port`. */
  readonly hosts: readonly string[];
  readonly lock?: Pins | undefined;
  /** Whether what is not in the lock is refused. */
  readonly frozen?: boolean | undefined;
  /** Where to look for locked modules before their servers are asked. */
  readonly stores?: readonly Store[] | undefined;
  /** Base URL of the registry that `jsr:` means, as the variable `JSR_URL` has it. */
  readonly registry?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  onWarning?(message: string): void;
}

/**
 * Gathers a module and all that it imports.
 *
 * @param specifier an `https:`, `http:`, `file:` or `jsr:` URL, or a path
 * @throws {ConfigurationError} when something of it may not be used, or is not what the lock has
 * @throws {ConnectionError} when something of it cannot be fetched
 */
export async function loadCode(specifier: string, settings: CodeSettings): Promise<ExternalCode> {
  const { code, unlocked } = await loadGraph(specifier, settings);
  if (unlocked.length > 0) {
    const [first, ...others] = unlocked.map(withoutSecrets);
    const more = others.length === 0 ? "is" : `and ${others.length} more that it needs are`;
    settings.onWarning?.(`module "${first}" ${more} not locked: dxt lock pins what they are now`);
  }
  return code;
}

/** As {@linkcode loadCode}, with all that there is to pin and to keep. */
export async function loadGraph(specifier: string, settings: CodeSettings): Promise<Graph> {
  const { directory, project, hosts, lock, frozen, stores, registry, signal } = settings;
  const entry = resolveEntry(specifier, pathToFileURL(`${directory}/`));
  const timeout = AbortSignal.timeout(GRAPH_MS);
  try {
    return await gather(entry, {
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
