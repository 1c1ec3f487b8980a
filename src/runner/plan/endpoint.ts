/** The source or the target of a pipeline: its provider, and the connection as that provider validated it. */
import { resolve } from "node:path";
import type { ConnectionSpec, LoadedPipeline } from "../../config/mod.ts";
import { ConfigurationError, DXTError } from "../../core/errors.ts";
import {
  collectPermissions,
  exceedingGrants,
  formatFlags,
  listGrants,
  mergePermissions,
  NOTHING,
} from "../../core/permissions.ts";
import type { Permissions, Usage } from "../../core/contracts/provider.ts";
import { PermissionLists } from "../../models/permissions.ts";
import type { StreamTarget } from "../../models/source.ts";
import { firstIssue } from "../../providers/options.ts";
import {
  isExternal,
  loadProvider,
  parseClassPath,
  providerOfURL,
} from "../../providers/resolve.ts";
import {
  type Checked,
  checkOptions,
  connectionKeys,
  describeProvider,
  findTargetPath,
  listNeeds,
  type ProviderInfo,
} from "../../providers/provider_info.ts";
import { checkAddresses } from "../../sandbox/addresses.ts";
import type { ExternalCode } from "../../sandbox/modules/mod.ts";
import { type CodeSource, ModuleInspectors } from "./module_inspector.ts";
import type { ClassKind } from "../worker/inside/protocol.ts";
import { openThreads } from "../worker/pool.ts";

export interface Endpoint {
  readonly provider: ProviderInfo;
  /** Name of a built-in provider, or URL of an external one's module. */
  readonly module: string;
  /** Of an external provider. */
  readonly code?: ExternalCode;
  /** Validated by the provider's schema. */
  readonly config: unknown;
  readonly baseDirectory: string;
  /** Whether errors may quote records of the system. */
  readonly showValues: boolean;
  /** The least that it needs for this usage; an external provider gets what the pipeline grants. */
  needs(usage: Usage): Permissions;
  /** Where a target lies, compared as the system compares names. Called only while planning. */
  targetPath(target: StreamTarget): Promise<readonly string[]>;
  /** Validates options of one of its classes. Called only while planning. */
  checkOptions(kind: ClassKind, name: string, config: unknown): Promise<Checked>;
}

type Path = readonly (string | number)[];
type At = (message: string, path?: Path) => ConfigurationError;

/** What a connection is resolved with. */
export type ConnectionSource =
  & CodeSource
  & Pick<LoadedPipeline, "errorAt" | "parseAt" | "variablesAt" | "showValues">;

/** @throws {ConfigurationError} that names the place in the pipeline's file */
export async function resolveEndpoint(
  loaded: ConnectionSource,
  spec: ConnectionSpec,
  inspectors?: ModuleInspectors,
): Promise<Endpoint> {
  const at: At = (message, path = []) => loaded.errorAt([...spec.origin.path, ...path], message);
  try {
    const module = spec.provider !== ""
      ? parseClassPath(spec.provider).provider
      : providerOfURL(spec.url ?? "");
    if (!isExternal(module)) return await builtInEndpoint(loaded, spec, module, at);
    if (inspectors !== undefined) {
      return await externalEndpoint(loaded, spec, module, at, inspectors);
    }
    using threads = openThreads(loaded);
    using own = new ModuleInspectors(threads);
    return await externalEndpoint(loaded, spec, module, at, own);
  } catch (error) {
    if (error instanceof DXTError && !("issues" in error)) throw at(error.message);
    throw error;
  }
}

async function builtInEndpoint(
  loaded: ConnectionSource,
  spec: ConnectionSpec,
  module: string,
  at: At,
): Promise<Endpoint> {
  const provider = await loadProvider(module);
  const { baseDirectory, url } = spec;
  const keys = connectionKeys(provider, { url, keys: spec.config, baseDirectory });
  const parsed = loaded.parseAt(spec.origin.path, provider.config, keys);
  const config = parsed.success
    ? parsed.data
    : requireValue({ issue: firstIssue(provider.config, parsed.error) }, provider, at);
  return {
    provider: describeProvider(provider),
    module,
    config,
    baseDirectory,
    showValues: loaded.showValues ?? false,
    needs: (usage) => listNeeds(provider, config, usage),
    targetPath: (target) =>
      Promise.resolve(findTargetPath(provider, config, target, baseDirectory)),
    checkOptions(kind, name, options) {
      const found = (kind === "extractor" ? provider.extractors : provider.loaders)[name]!;
      return Promise.resolve(checkOptions(found.options, options));
    },
  };
}

async function externalEndpoint(
  loaded: ConnectionSource,
  spec: ConnectionSpec,
  module: string,
  at: At,
  inspectors: ModuleInspectors,
): Promise<Endpoint> {
  const { baseDirectory, url } = spec;
  const { permissions, ...keys } = spec.config;
  const granted = grantedTo(permissions, baseDirectory, at);
  const inspector = inspectors.of(loaded, module, baseDirectory);
  const provider = await inspector.describe();
  const variables = loaded.variablesAt(spec.origin.path);
  const checked = await inspector.checkConnection({
    keys,
    variables,
    url,
    baseDirectory,
  });
  const config = requireValue(checked, provider, at);
  const declared = await inspector.needs(config, baseDirectory);
  refuseNative(module, declared, at);
  const missing = exceedingGrants(granted, declared);
  if (missing.length > 0) {
    const flags = formatFlags(collectPermissions(missing)).join(" ");
    const lists = JSON.stringify(groupGrants(collectPermissions(missing)));
    throw at(
      `Cannot use provider "${module}": it requires ${flags}, not granted by this pipeline; add "permissions: ${lists}" to its connection, if you trust it with that`,
    );
  }
  await checkAddresses(`provider "${module}"`, { wanted: granted.net, named: granted.net });
  const code = await inspector.code;
  return {
    provider,
    module: code.entry,
    code,
    config,
    baseDirectory,
    showValues: loaded.showValues ?? false,
    needs: () => granted,
    targetPath: (target) => inspector.targetPath(config, target, baseDirectory),
    checkOptions: async (kind, name, config) =>
      (await inspector.checkClass({ kind, name, config })).options,
  };
}

/** Untrusted code that could load a library, or look at the machine, would leave its sandbox. */
function refuseNative(module: string, { ffi, sys }: Permissions, at: At): void {
  if (ffi.length === 0 && sys.length === 0) return;
  const flags = formatFlags({ ...NOTHING, ffi, sys }).join(" ");
  throw at(`Cannot use provider "${module}": it requires ${flags}, which no untrusted code gets`);
}

/** What a pipeline may grant to untrusted code. */
const UntrustedPermissions = PermissionLists.pick({
  net: true,
  read: true,
  write: true,
  env: true,
});

/** Returns the permissions that a pipeline grants to untrusted code; none by default. */
function grantedTo(permissions: unknown, baseDirectory: string, at: At): Permissions {
  const parsed = UntrustedPermissions.safeParse(permissions ?? {});
  if (!parsed.success) {
    const { path, message } = firstIssue(UntrustedPermissions, parsed.error);
    throw at(`Cannot read permissions: ${message}`, ["permissions", ...path]);
  }
  const { net = [], read = [], write = [], env = [] } = parsed.data;
  const absolute = (paths: readonly string[]) => paths.map((path) => resolve(baseDirectory, path));
  return mergePermissions({
    ...NOTHING,
    net,
    read: absolute(read),
    write: absolute(write),
    env,
  });
}

function groupGrants(permissions: Permissions): Partial<Record<string, string[]>> {
  const lists: Partial<Record<string, string[]>> = {};
  for (const { kind, value } of listGrants(permissions)) (lists[kind] ??= []).push(value);
  return lists;
}

function requireValue(checked: Checked, { name }: Pick<ProviderInfo, "name">, at: At): unknown {
  if ("value" in checked) return checked.value;
  const { message, path } = checked.issue;
  throw at(`Cannot connect to ${name}: ${message}`, path);
}

/** Whether source and target are the same system. */
export function isSameSystem(one: Endpoint, other: Endpoint): boolean {
  const text = ({ module, config }: Endpoint) => JSON.stringify([module, config]);
  return text(one) === text(other);
}
