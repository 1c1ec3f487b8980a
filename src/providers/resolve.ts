/** Parses class paths, and finds and loads built-in providers. */
import { ConfigurationError } from "../core/errors.ts";
import { suggestWord } from "../core/did_you_mean.ts";
import type { Provider } from "../core/contracts/provider.ts";
import { REGISTRY } from "./registry.ts";

/** A parsed class path: the module or built-in provider, and the class, if any. */
export interface ClassPath {
  readonly provider: string;
  readonly className?: string;
}

const BUILT_IN = /^dxt\.providers\.(?:\w+\.)*?(\w+)(?:\.([A-Z]\w*))?$/;

/**
 * `postgres`, `dxt.providers.postgres.PostgresCopyExtractor`, `https://host/mod.ts#Name`,
 * `./mod.ts#Name`.
 */
export function parseClassPath(text: string): ClassPath {
  const builtIn = BUILT_IN.exec(text);
  if (builtIn !== null) return withClass(builtIn[1]!, builtIn[2]);
  const hash = text.lastIndexOf("#");
  if (hash > 0) return withClass(text.slice(0, hash), text.slice(hash + 1));
  return { provider: text };
}

/** Whether a provider is an external module: a URL or a path, unlike the names of built-in ones. */
export function isExternal(module: string): boolean {
  return /^\.{0,2}\/|^[a-z][a-z0-9+.-]*:|^[a-z]:\\/i.test(module);
}

function withClass(provider: string, className: string | undefined): ClassPath {
  return className === undefined || className === "" ? { provider } : { provider, className };
}

/** Names of the built-in providers. */
export const PROVIDER_NAMES: readonly string[] = Object.keys(REGISTRY);

/** Name of the built-in provider for the scheme of a URL, whose driver suffix is ignored. */
export function providerOfURL(url: string): string {
  const scheme = url.slice(0, url.indexOf(":")).toLowerCase().replace(/\+.*$/, "");
  for (const [name, { schemes }] of Object.entries(REGISTRY)) {
    if ((schemes as readonly string[]).includes(scheme)) return name;
  }
  const known = Object.values(REGISTRY).flatMap((e) => [...e.schemes]);
  const hint = scheme === "jdbc" ? ', leave out "jdbc:"' : suggestWord(scheme, known);
  throw new ConfigurationError(
    `Cannot connect to a "${scheme}:" URL: no provider knows it, known are ${
      known.map((one) => `${one}:`).join(", ")
    }${hint}`,
  );
}

/** Loads a built-in provider and its driver. */
export async function loadProvider(name: string): Promise<Provider> {
  return (await findEntry(name).load()).default as unknown as Provider;
}

function findEntry(name: string): (typeof REGISTRY)[keyof typeof REGISTRY] {
  if (Object.hasOwn(REGISTRY, name)) return REGISTRY[name as keyof typeof REGISTRY];
  const known = Object.keys(REGISTRY);
  throw new ConfigurationError(
    `Cannot find provider "${name}": known are ${known.join(", ")}${suggestWord(name, known)}`,
  );
}

/**
 * Name of a provider's class: the given one, or the first by default.
 *
 * @throws {ConfigurationError} when the provider has no such class
 */
export function nameOfClass(
  provider: string,
  kind: string,
  classes: Readonly<Record<string, unknown>>,
  className: string | undefined,
): string {
  const names = Object.keys(classes);
  const name = className ?? names[0];
  if (name === undefined) {
    throw new ConfigurationError(`Cannot use provider "${provider}" here: it has no ${kind}`);
  }
  if (Object.hasOwn(classes, name)) return name;
  throw new ConfigurationError(
    `Cannot find ${kind} "${name}" of provider "${provider}": it has ${names.join(", ")}${
      suggestWord(name, names)
    }`,
  );
}
