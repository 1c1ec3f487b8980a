/** Loads providers, and classes of external modules, in the worker that runs them. */
import { DXTError } from "../../../core/errors.ts";
import type { ExtractorClass, LoaderClass, Provider } from "../../../core/contracts/provider.ts";
import type { TransformClass } from "../../../core/contracts/transform.ts";
import { isExternal, loadProvider } from "../../../providers/resolve.ts";
import {
  asExtractor,
  asLoader,
  asProvider,
  asTransform,
  isProvider,
} from "../../../providers/validate_export.ts";
import type { Confinement } from "../../../sandbox/confine.ts";
import type { ExternalCode } from "../../../sandbox/modules/mod.ts";

let confinement: Promise<Confinement> | undefined;

/** Restricts imports to these modules. Call once, before loading any untrusted code. */
export async function restrictImports(codes: readonly ExternalCode[]): Promise<void> {
  await (confinement = confined(codes));
}

async function confined(codes: readonly ExternalCode[]): Promise<Confinement> {
  const { confineWorker } = await import("../../../sandbox/confine.ts");
  // Its output is discarded: a run reports through its results.
  return await confineWorker(codes, { onOutput() {} });
}

/** A built-in provider by its name, or an external one by its module's URL. */
export async function importProvider(module: string): Promise<Provider> {
  if (!isExternal(module)) return await loadProvider(module);
  return asProvider((await importExports(module))["default"], module);
}

export async function externalExtractor(module: string, name: string): Promise<ExtractorClass> {
  const found = await externalClass(module, name, (provider) => provider.extractors);
  return asExtractor(found, `${module}#${name}`);
}

export async function externalLoader(module: string, name: string): Promise<LoaderClass> {
  const found = await externalClass(module, name, (provider) => provider.loaders);
  return asLoader(found, `${module}#${name}`);
}

export async function externalTransform(module: string, name: string): Promise<TransformClass> {
  return asTransform((await importExports(module))[name], `${module}#${name}`);
}

/** An export, or a class of the provider that is exported. */
async function externalClass(
  module: string,
  name: string,
  classes: (provider: Provider) => Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const found = await importExports(module);
  const main = found["default"];
  if (!isProvider(main)) return found[name];
  const own = classes(main as Provider);
  return name === "default" ? Object.values(own)[0] : own[name] ?? found[name];
}

async function importExports(module: string): Promise<Readonly<Record<string, unknown>>> {
  if (confinement === undefined) {
    throw new DXTError(`Cannot load "${module}": this worker runs no untrusted code`);
  }
  return await (await confinement).importExternal(module);
}
