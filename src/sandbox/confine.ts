/**
 * The worker's side of untrusted code; runs before any of it is imported.
 *
 * The boundary is the worker's permissions: the runtime enforces them for files, sockets,
 * variables, programs and native libraries, whatever JavaScript runs. This file is defence in
 * depth. It closes ways that no permission guards; a breach of it gains at most what the
 * permissions allow. One of them is real: a compiled runtime loads modules from files without a
 * permission check, and only the hooks below refuse that.
 *
 * Untrusted code shares its realm with dxt's own code of the worker, so all its messages may be
 * false: the host validates each of them. The code that decides on imports calls no method that a
 * patched prototype could replace.
 */
import { type LoadHookContext, registerHooks, type ResolveHookContext } from "node:module";
import * as zod from "zod";
import { narrowGlobals } from "./globals.ts";
import type { ExternalCode, ExternalModule, OwnModule } from "./modules/code.ts";
import * as dxt from "../mod.ts";

/** Modules that dxt shares with untrusted code: dxt's own instance of each. */
const SHARED: Readonly<Record<OwnModule, object>> = { dxt, zod };

/** Callbacks of a confined worker. */
export interface ConfineSettings {
  /** Called with the text that the code prints. */
  onOutput(text: string): void;
}

/** The way to untrusted code in a confined worker. */
export interface Confinement {
  /** Imports a module of the untrusted code by its URL, and returns its exports. */
  importExternal(url: string): Promise<Readonly<Record<string, unknown>>>;
}

type Table<T> = Readonly<Record<string, T | undefined>>;

/** Modules by URL, with their resolved imports, and the source of each shared module. */
interface Tables {
  readonly modules: Table<ExternalModule>;
  readonly shared: Table<string>;
}

/**
 * Restricts this worker to the modules of `codes`. Call once, after dxt has taken what it needs
 * from the global scope, such as its port.
 */
export async function confineWorker(
  codes: readonly ExternalCode[],
  { onOutput }: ConfineSettings,
): Promise<Confinement> {
  const tables = createTables(codes);
  registerHooks({
    resolve: (specifier, context, next) => resolve(tables, specifier, context, next),
    load: (url, context, next) => load(tables, url, context, next),
  });
  await loadShared();
  narrowGlobals(onOutput);
  const { modules } = tables;
  return {
    importExternal: (url) => {
      if (modules[url] === undefined) throw new TypeError(`Cannot import "${url}": not loaded`);
      return import(url);
    },
  };
}

function createTables(codes: readonly ExternalCode[]): Tables {
  const modules = createTable<ExternalModule>();
  for (const code of codes) {
    for (const module of code.modules) {
      modules[module.url] = { ...module, imports: createTable(module.imports) };
    }
  }
  const shared = createTable<string>();
  for (const [name, namespace] of Object.entries(SHARED)) {
    shared[`${SHARED_SCHEME}${name}`] = sharedSource(name, Object.keys(namespace));
  }
  return { modules, shared };
}

/** Creates a record without the members that every object inherits. */
function createTable<T>(entries: Readonly<Record<string, T>> = {}): Record<string, T> {
  return Object.assign(Object.create(null), entries);
}

const SHARED_SCHEME = "dxt-lent:";
/** Where a shared module finds its namespace while it is loaded, before untrusted code runs. */
const SHARED_KEY = Symbol.for("dxt.lent");

function sharedSource(name: string, exports: readonly string[]): string {
  const values = exports.map((key, i) => `const _${i} = lent[${JSON.stringify(key)}];`);
  const names = exports.map((key, i) => `_${i} as ${JSON.stringify(key)}`);
  return `const lent = globalThis[Symbol.for("dxt.lent")].${name};
${values.join("\n")}
export { ${names.join(", ")} };`;
}

async function loadShared(): Promise<void> {
  const scope = globalThis as unknown as Record<symbol, unknown>;
  scope[SHARED_KEY] = SHARED;
  for (const name of Object.keys(SHARED)) await import(`${SHARED_SCHEME}${name}`);
  delete scope[SHARED_KEY];
}

type NextResolve = Parameters<NonNullable<Parameters<typeof registerHooks>[0]["resolve"]>>[2];
type NextLoad = Parameters<NonNullable<Parameters<typeof registerHooks>[0]["load"]>>[2];

/** Resolves imports: untrusted code's to its own and the shared modules, dxt's own freely. */
function resolve(
  { modules, shared }: Tables,
  specifier: string,
  context: ResolveHookContext,
  next: NextResolve,
) {
  const parent = context.parentURL;
  const importer = parent === undefined ? undefined : modules[parent];
  if (importer !== undefined) {
    const target = importer.imports[specifier];
    const url = target === "dxt" || target === "zod" ? SHARED_SCHEME + target : target;
    if (url !== undefined && (modules[url] ?? shared[url]) !== undefined) return resolved(url);
    throw importError();
  }
  if (parent === import.meta.url && (modules[specifier] ?? shared[specifier]) !== undefined) {
    return resolved(specifier);
  }
  // Code that the runtime compiled from text has no parent.
  if (parent === undefined || !isOwn(parent, specifier)) throw importError();
  const target = next(specifier, context);
  if (!isFile(target.url) && !isRuntime(target.url)) throw importError();
  return target;
}

/** The runtime adds the requested name to the message. */
const importError = () =>
  new TypeError("untrusted code may import only its own modules, dxt and zod");

const resolved = (url: string) => ({ url, format: "module" as const, shortCircuit: true });

const { apply } = Reflect;
const { startsWith } = String.prototype;

/** Prefix of dxt's files; in a binary only those inside it, as no permission guards others. */
const OWN_FILES = Deno.build.standalone ? new URL("../../", import.meta.url).href : "file:";

/**
 * Whether an import comes from dxt's own code: from its files, or from a module of the runtime that
 * loads another one on first use. The URLs of untrusted code were looked up before.
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

function load({ modules, shared }: Tables, url: string, context: LoadHookContext, next: NextLoad) {
  const module = modules[url];
  const source = shared[url] ?? module?.source;
  if (source === undefined) return next(url, context);
  return { source, format: module?.kind === "json" ? "json" : "module", shortCircuit: true };
}
