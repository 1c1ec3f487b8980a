/**
 * The thread's side of external code: runs before any of it is imported.
 *
 * The boundary is the thread's permissions, which the runtime enforces for files, sockets,
 * variables, programs and native libraries, whatever JavaScript runs in it. All that is in this
 * file is depth: it closes doors that no permission guards, and the worst that opening one again
 * gives is what the permissions give. One of these doors is real: a compiled runtime loads a module
 * from a file without asking for permission, and only the hooks below refuse that.
 *
 * The code shares its realm with dxt's own code of the thread, so it may lie in all that it says:
 * the host takes every message of such a thread for what a stranger says. What decides here on an
 * import uses no method that a patched prototype could replace.
 */
import { type LoadHookContext, registerHooks, type ResolveHookContext } from "node:module";
import * as zod from "zod";
import { narrowGlobals } from "./globals.ts";
import type { ExternalCode, ExternalModule, OwnModule } from "./modules/code.ts";
import * as dxt from "../mod.ts";

/** What dxt lends to external code: its own instance of each. */
const LENT: Readonly<Record<OwnModule, object>> = { dxt, zod };

export interface ConfineSettings {
  /** Hears what the code prints. */
  onOutput(text: string): void;
}

export interface Confinement {
  /** Imports a module of the external code by its URL, and returns its exports. */
  importExternal(url: string): Promise<Readonly<Record<string, unknown>>>;
}

type Table<T> = Readonly<Record<string, T | undefined>>;

/** Modules by URL, what they import, and the text that a lent module is loaded from. */
interface Tables {
  readonly modules: Table<ExternalModule>;
  readonly lent: Table<string>;
}

/**
 * Closes this thread to all but what `codes` has. To be called once; dxt takes what it needs of the
 * global scope, such as the way to its host, before.
 */
export async function confine(
  codes: readonly ExternalCode[],
  { onOutput }: ConfineSettings,
): Promise<Confinement> {
  const tables = tablesOf(codes);
  registerHooks({
    resolve: (specifier, context, next) => resolve(tables, specifier, context, next),
    load: (url, context, next) => load(tables, url, context, next),
  });
  await lend();
  narrowGlobals(onOutput);
  const { modules } = tables;
  return {
    importExternal: (url) => {
      if (modules[url] === undefined) throw new TypeError(`Cannot import "${url}": not loaded`);
      return import(url);
    },
  };
}

function tablesOf(codes: readonly ExternalCode[]): Tables {
  const modules = table<ExternalModule>();
  for (const code of codes) {
    for (const module of code.modules) {
      modules[module.url] = { ...module, imports: table(module.imports) };
    }
  }
  const lent = table<string>();
  for (const [name, namespace] of Object.entries(LENT)) {
    lent[`${LENT_SCHEME}${name}`] = lentSource(name, Object.keys(namespace));
  }
  return { modules, lent };
}

/** A record without the members that every object has. */
function table<T>(entries: Readonly<Record<string, T>> = {}): Record<string, T> {
  return Object.assign(Object.create(null), entries);
}

const LENT_SCHEME = "dxt-lent:";
/** Where a lent module finds its namespace, once, before there is anybody to look there. */
const LENT_KEY = Symbol.for("dxt.lent");

function lentSource(name: string, exports: readonly string[]): string {
  const values = exports.map((key, i) => `const _${i} = lent[${JSON.stringify(key)}];`);
  const names = exports.map((key, i) => `_${i} as ${JSON.stringify(key)}`);
  return `const lent = globalThis[Symbol.for("dxt.lent")].${name};
${values.join("\n")}
export { ${names.join(", ")} };`;
}

async function lend(): Promise<void> {
  const scope = globalThis as unknown as Record<symbol, unknown>;
  scope[LENT_KEY] = LENT;
  for (const name of Object.keys(LENT)) await import(`${LENT_SCHEME}${name}`);
  delete scope[LENT_KEY];
}

type NextResolve = Parameters<NonNullable<Parameters<typeof registerHooks>[0]["resolve"]>>[2];
type NextLoad = Parameters<NonNullable<Parameters<typeof registerHooks>[0]["load"]>>[2];

/** External code gets its own modules and those lent to it; dxt's own code gets what it asks for. */
function resolve(
  { modules, lent }: Tables,
  specifier: string,
  context: ResolveHookContext,
  next: NextResolve,
) {
  const parent = context.parentURL;
  const importer = parent === undefined ? undefined : modules[parent];
  if (importer !== undefined) {
    const target = importer.imports[specifier];
    const url = target === "dxt" || target === "zod" ? LENT_SCHEME + target : target;
    if (url !== undefined && (modules[url] ?? lent[url]) !== undefined) return found(url);
    throw refused();
  }
  if (parent === import.meta.url && (modules[specifier] ?? lent[specifier]) !== undefined) {
    return found(specifier);
  }
  // Code that was made from text by a function of the runtime has no parent.
  if (parent === undefined || !isOwn(parent, specifier)) throw refused();
  const resolved = next(specifier, context);
  if (!isFile(resolved.url) && !isRuntime(resolved.url)) throw refused();
  return resolved;
}

/** The runtime puts its own words around it, and the name that was asked for. */
const refused = () => new TypeError("external code imports its own modules, dxt and zod alone");

const found = (url: string) => ({ url, format: "module" as const, shortCircuit: true });

const { apply } = Reflect;
const { startsWith } = String.prototype;

/** In a binary, the files inside it: no permission keeps its loader from those outside. */
const OWN_FILES = Deno.build.standalone ? new URL("../../", import.meta.url).href : "file:";

/**
 * dxt and its packages are files, and some of the runtime's own modules are loaded when they are
 * first needed, by others of these. A URL that external code has was looked for before.
 */
function isOwn(parent: string, specifier: string): boolean {
  return isFile(parent) || isRuntime(parent) && isRuntime(specifier);
}

function isFile(url: string): boolean {
  return apply(startsWith, url, [OWN_FILES]);
}

function isRuntime(url: string): boolean {
  return apply(startsWith, url, ["ext:"]) || apply(startsWith, url, ["node:"]);
}

function load({ modules, lent }: Tables, url: string, context: LoadHookContext, next: NextLoad) {
  const module = modules[url];
  const source = lent[url] ?? module?.source;
  if (source === undefined) return next(url, context);
  return { source, format: module?.kind === "json" ? "json" : "module", shortCircuit: true };
}
