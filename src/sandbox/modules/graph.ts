/** Gathers a module with all its imports. */
import { ConfigurationError, withoutSecrets } from "../../core/errors.ts";
import { GRAPH_BYTES, GRAPH_MODULES, MAX_CONCURRENT_FETCHES } from "./bounds.ts";
import { type ExternalCode, type ExternalModule, OWN_MODULES } from "./code.ts";
import { type Import, parseModule, type SourceKind } from "./source/imports.ts";
import { resolveJSR } from "./fetch/jsr.ts";
import { kindByName } from "./source/kind.ts";
import { readLocal } from "./local.ts";
import type { Pins } from "./fetch/lock.ts";
import { fetchPinned, type PinnedSettings } from "./fetch/pinned.ts";
import { resolveImport } from "./source/specifier.ts";

/** Where modules may come from. */
export interface GraphSettings extends PinnedSettings {
  /** Folder that must contain all local modules. */
  readonly root: string | undefined;
  /** Base URL of the registry for `jsr:` names. */
  readonly registry: string | undefined;
}

/** A gathered graph, and what `dxt lock` and `dxt vendor` store of it. */
export interface Graph {
  readonly code: ExternalCode;
  readonly pins: Pins;
  /** Bytes of the fetched modules, by URL. */
  readonly fetched: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  /** URLs of fetched modules that the lock lacks. */
  readonly unlocked: readonly string[];
}

interface Loaded {
  readonly url: string;
  readonly bytes: Uint8Array;
  readonly kind: SourceKind;
}

/**
 * Gathers a graph from its entry; fetches at most {@linkcode MAX_CONCURRENT_FETCHES} modules at a
 * time.
 */
export async function gatherGraph(entry: string, settings: GraphSettings): Promise<Graph> {
  const walk = new Walk(settings);
  await walk.visitAll(entry);
  return walk.graph(entry);
}

class Walk {
  readonly #modules = new Map<
    string,
    ExternalModule & { targets: Readonly<Record<string, string>> }
  >();
  /** Requested URL → URL of the module after redirects. */
  readonly #urls = new Map<string, string>();
  readonly #pins = { modules: {}, redirects: {}, kinds: {} } as Mutable<Pins>;
  readonly #fetched = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #unlocked: string[] = [];
  /** SHA-256 digests that a registry declared, by URL. */
  readonly #declared = new Map<string, string>();
  #bytes = 0;

  constructor(private readonly settings: GraphSettings) {}

  async visitAll(entry: string): Promise<void> {
    let next: { url: string; as?: Import }[] = [{ url: entry }];
    while (next.length > 0) {
      const found: { url: string; as?: Import }[] = [];
      for (let i = 0; i < next.length; i += MAX_CONCURRENT_FETCHES) {
        const group = next.slice(i, i + MAX_CONCURRENT_FETCHES);
        found.push(...(await Promise.all(group.map(({ url, as }) => this.#visit(url, as)))).flat());
      }
      next = [...new Map(found.map((one) => [one.url, one])).values()]
        .filter(({ url }) => !this.#urls.has(url));
    }
  }

  graph(entry: string): Graph {
    const modules = [...this.#modules.values()].map(({ targets, ...module }) => ({
      ...module,
      imports: Object.fromEntries(
        Object.entries(targets).map(([specifier, url]) => [specifier, this.#urls.get(url) ?? url]),
      ),
    }));
    modules.sort((a, b) => (a.url < b.url ? -1 : 1));
    return {
      code: { entry: this.#urls.get(entry)!, modules },
      pins: this.#pins,
      fetched: this.#fetched,
      unlocked: this.#unlocked.sort(),
    };
  }

  /** Loads a module; returns its imports. */
  async #visit(requested: string, as: Import | undefined): Promise<{ url: string; as: Import }[]> {
    const { url, bytes, kind } = await this.#load(requested);
    this.#urls.set(requested, url);
    if (this.#modules.has(url)) return [];
    this.#count(requested, bytes.length);
    if (as?.json === true && kind !== "json") {
      throw new ConfigurationError(
        `Cannot import module "${withoutSecrets(url)}" as JSON: it is ${kind}`,
      );
    }
    const { source, imports } = await parseModule(url, decodeText(url, bytes), kind);
    const found: { url: string; as: Import }[] = [];
    const targets: Record<string, string> = {};
    for (const one of imports) {
      const target = resolveImport(one, url);
      if (target === undefined) continue;
      targets[one.specifier] = target;
      if (!(OWN_MODULES as readonly string[]).includes(target)) {
        found.push({ url: target, as: one });
      }
    }
    const moduleKind = kind === "json" ? "json" : "javascript";
    this.#modules.set(url, { url, source, kind: moduleKind, imports: {}, targets });
    this.#urls.set(url, url);
    return found;
  }

  async #load(requested: string): Promise<Loaded> {
    if (requested.startsWith("file:")) return await this.#loadLocal(requested);
    if (!requested.startsWith("jsr:")) return await this.#loadRemote(requested);
    const found = await resolveJSR(requested, this.settings);
    for (const [url, checksum] of found.checksums) this.#declared.set(url, checksum);
    const loaded = await this.#loadRemote(found.url);
    this.#pins.redirects[requested] = loaded.url;
    return loaded;
  }

  async #loadLocal(requested: string): Promise<Loaded> {
    const { root } = this.settings;
    if (root === undefined) {
      throw new ConfigurationError(
        `Cannot import "${requested}": the importing module is not a local file`,
      );
    }
    const { url, bytes } = await readLocal(requested, root);
    const kind = kindByName(url);
    if (kind !== undefined) return { url, bytes, kind };
    throw new ConfigurationError(
      `Cannot use module "${url}": expected a name that ends in .ts, .js or .json`,
    );
  }

  async #loadRemote(requested: string): Promise<Loaded> {
    const fetched = await fetchPinned(requested, this.settings);
    const { url, bytes, sha256, kind, locked } = fetched;
    const declared = this.#declared.get(url);
    if (declared !== undefined && declared !== sha256) {
      throw new ConfigurationError(
        `Cannot use module "${url}": its SHA-256 is ${sha256}, but its registry declares ${declared}`,
      );
    }
    this.#pins.modules[url] = sha256;
    if (url !== requested) this.#pins.redirects[requested] = url;
    if (kindByName(url) === undefined) this.#pins.kinds[url] = kind;
    if (!locked) this.#unlocked.push(url);
    this.#fetched.set(url, bytes);
    return fetched;
  }

  #count(requested: string, bytes: number): void {
    this.#bytes += bytes;
    const refuse = (limit: string) =>
      new ConfigurationError(
        `Cannot load module "${
          withoutSecrets(requested)
        }": with its imports it has more than ${limit}`,
      );
    if (this.#modules.size >= GRAPH_MODULES) throw refuse(`${GRAPH_MODULES} modules`);
    if (this.#bytes > GRAPH_BYTES) throw refuse(`${GRAPH_BYTES} bytes`);
  }
}

type Mutable<T> = { -readonly [K in keyof T]: Record<string, T[K][keyof T[K]]> };

function decodeText(url: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ConfigurationError(`Cannot read module "${withoutSecrets(url)}": it is not UTF-8`, {
      cause: error,
    });
  }
}
