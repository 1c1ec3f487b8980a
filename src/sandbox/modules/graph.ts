/** A module with all that it imports. */
import { ConfigurationError, withoutSecrets } from "../../core/errors.ts";
import { GRAPH_BYTES, GRAPH_MODULES, MAX_CONCURRENT_FETCHES } from "./bounds.ts";
import { type ExternalCode, type ExternalModule, OWN_MODULES } from "./code.ts";
import { type Import, parseModule, type SourceKind } from "./imports.ts";
import { resolveJSR } from "./jsr.ts";
import { kindOfName } from "./kind.ts";
import { readLocal } from "./local.ts";
import type { Pins } from "./lock.ts";
import { fetchPinned, type PinnedSettings } from "./pinned.ts";
import { resolveImport } from "./specifier.ts";

export interface GraphSettings extends PinnedSettings {
  /** Folder that all local modules lie below. */
  readonly root: string | undefined;
  /** Base URL of the registry that `jsr:` means. */
  readonly registry: string | undefined;
}

/** What was gathered, and what of it there is to pin. */
export interface Graph {
  readonly code: ExternalCode;
  readonly pins: Pins;
  /** Bytes of what was fetched, by URL. */
  readonly fetched: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  /** URLs of what was fetched and is not in the lock. */
  readonly unlocked: readonly string[];
}

interface Loaded {
  readonly url: string;
  readonly bytes: Uint8Array;
  readonly kind: SourceKind;
}

/** Gathers a graph from its entry, at most {@linkcode MAX_CONCURRENT_FETCHES} modules at once. */
export async function gather(entry: string, settings: GraphSettings): Promise<Graph> {
  const walk = new Walk(settings);
  await walk.from(entry);
  return walk.graph(entry);
}

class Walk {
  readonly #modules = new Map<
    string,
    ExternalModule & { asked: Readonly<Record<string, string>> }
  >();
  /** URLs as they were asked for → the module's own. */
  readonly #urls = new Map<string, string>();
  readonly #pins = { modules: {}, redirects: {}, kinds: {} } as Mutable<Pins>;
  readonly #fetched = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #unlocked: string[] = [];
  /** Checksums that a registry promised, by URL. */
  readonly #promised = new Map<string, string>();
  #bytes = 0;

  constructor(private readonly settings: GraphSettings) {}

  async from(entry: string): Promise<void> {
    let next: { url: string; as?: Import }[] = [{ url: entry }];
    while (next.length > 0) {
      const found: { url: string; as?: Import }[] = [];
      for (let i = 0; i < next.length; i += MAX_CONCURRENT_FETCHES) {
        const some = next.slice(i, i + MAX_CONCURRENT_FETCHES);
        found.push(...(await Promise.all(some.map(({ url, as }) => this.#visit(url, as)))).flat());
      }
      next = [...new Map(found.map((one) => [one.url, one])).values()]
        .filter(({ url }) => !this.#urls.has(url));
    }
  }

  graph(entry: string): Graph {
    const modules = [...this.#modules.values()].map(({ asked, ...module }) => ({
      ...module,
      imports: Object.fromEntries(
        Object.entries(asked).map(([specifier, url]) => [specifier, this.#urls.get(url) ?? url]),
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

  /** Loads a module, and returns what it imports. */
  async #visit(asked: string, as: Import | undefined): Promise<{ url: string; as: Import }[]> {
    const { url, bytes, kind } = await this.#load(asked);
    this.#urls.set(asked, url);
    if (this.#modules.has(url)) return [];
    this.#count(asked, bytes.length);
    if (as?.json === true && kind !== "json") {
      throw new ConfigurationError(
        `Cannot import module "${withoutSecrets(url)}" as JSON: it is ${kind}`,
      );
    }
    const { source, imports } = await parseModule(url, textOf(url, bytes), kind);
    const found: { url: string; as: Import }[] = [];
    const meant: Record<string, string> = {};
    for (const one of imports) {
      const target = resolveImport(one, url);
      if (target === undefined) continue;
      meant[one.specifier] = target;
      if (!(OWN_MODULES as readonly string[]).includes(target)) {
        found.push({ url: target, as: one });
      }
    }
    const told = kind === "json" ? "json" : "javascript";
    this.#modules.set(url, { url, source, kind: told, imports: {}, asked: meant });
    this.#urls.set(url, url);
    return found;
  }

  async #load(asked: string): Promise<Loaded> {
    if (asked.startsWith("file:")) return await this.#loadLocal(asked);
    if (!asked.startsWith("jsr:")) return await this.#loadRemote(asked);
    const found = await resolveJSR(asked, this.settings);
    for (const [url, checksum] of found.checksums) this.#promised.set(url, checksum);
    const loaded = await this.#loadRemote(found.url);
    this.#pins.redirects[asked] = loaded.url;
    return loaded;
  }

  async #loadLocal(asked: string): Promise<Loaded> {
    const { root } = this.settings;
    if (root === undefined) {
      throw new ConfigurationError(`Cannot import "${asked}": the module was not read from a file`);
    }
    const { url, bytes } = await readLocal(asked, root);
    const kind = kindOfName(url);
    if (kind !== undefined) return { url, bytes, kind };
    throw new ConfigurationError(
      `Cannot use module "${url}": expected a name that ends in .ts, .js or .json`,
    );
  }

  async #loadRemote(asked: string): Promise<Loaded> {
    const fetched = await fetchPinned(asked, this.settings);
    const { url, bytes, sha256, kind, locked } = fetched;
    const promised = this.#promised.get(url);
    if (promised !== undefined && promised !== sha256) {
      throw new ConfigurationError(
        `Cannot use module "${url}": its SHA-256 is ${sha256}, its registry says ${promised}`,
      );
    }
    this.#pins.modules[url] = sha256;
    if (url !== asked) this.#pins.redirects[asked] = url;
    if (kindOfName(url) === undefined) this.#pins.kinds[url] = kind;
    if (!locked) this.#unlocked.push(url);
    this.#fetched.set(url, bytes);
    return fetched;
  }

  #count(asked: string, bytes: number): void {
    this.#bytes += bytes;
    const refuse = (most: string) =>
      new ConfigurationError(
        `Cannot load module "${
          withoutSecrets(asked)
        }": with all that is imported it is more than ${most}`,
      );
    if (this.#modules.size >= GRAPH_MODULES) throw refuse(`${GRAPH_MODULES} modules`);
    if (this.#bytes > GRAPH_BYTES) throw refuse(`${GRAPH_BYTES} bytes`);
  }
}

type Mutable<T> = { -readonly [K in keyof T]: Record<string, T[K][keyof T[K]]> };

function textOf(url: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ConfigurationError(`Cannot read module "${withoutSecrets(url)}": it is not UTF-8`, {
      cause: error,
    });
  }
}
