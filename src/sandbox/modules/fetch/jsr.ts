/**
 * Resolves `jsr:` names with the registry's own protocol, independent of the runtime: `meta.json`
 * lists a package's versions, `VERSION_meta.json` its exports and the digests of its files.
 */
import { ConfigurationError, messageOf } from "../../../core/errors.ts";
import { checkHost } from "./hosts.ts";
import { notLockedError, ownEntry, type PinnedSettings } from "./pinned.ts";
import { fetchRemote } from "./remote.ts";
import { findHighestVersion } from "./version.ts";

export interface JSRSettings extends PinnedSettings {
  readonly registry: string | undefined;
}

/** A resolved module of a package. */
export interface JSRModule {
  readonly url: string;
  /** SHA-256 of the package's files, by URL. */
  readonly checksums: ReadonlyMap<string, string>;
}

const NAME = /^jsr:\/?(@[a-z0-9-]+\/[a-z0-9-]+)(?:@([^/]+))?(?:\/(.+))?$/;

/**
 * Resolves a `jsr:` name to a module's URL; a locked name resolves to the locked URL.
 *
 * @throws {ConfigurationError} when there is no such module
 */
export async function resolveJSR(name: string, settings: JSRSettings): Promise<JSRModule> {
  const locked = ownEntry(settings.lock.redirects, name);
  if (locked !== undefined) return { url: locked, checksums: new Map() };
  if (settings.frozen) throw notLockedError(name);
  const refuse = (detail: string) => new ConfigurationError(`Cannot load "${name}": ${detail}`);
  const [, scoped, range = "*", path] = NAME.exec(decodeURI(name)) ?? [];
  if (scoped === undefined) throw refuse("expected jsr:@scope/package@version/export");
  const { registry } = settings;
  if (registry === undefined) {
    throw refuse("the registry is unknown, expected its URL in the variable JSR_URL");
  }
  const base = new URL(`${scoped}/`, registry.endsWith("/") ? registry : `${registry}/`);
  const { versions } = await fetchJSON(new URL("meta.json", base), settings, refuse);
  const offered = Object.entries(object(versions))
    .filter(([, metadata]) => object(metadata)["yanked"] !== true).map(([version]) => version);
  const version = findHighestVersion(offered, range);
  if (version === undefined) {
    throw refuse(
      `no version matches "${range}", there are ${
        offered.join(", ") || "none"
      }, expected one of them or a range such as 1, 1.2, ^1.2.3 or ~1.2.3`,
    );
  }
  const metadata = await fetchJSON(new URL(`${version}_meta.json`, base), settings, refuse);
  const folder = new URL(`${version}/`, base);
  const exported = path === undefined ? "." : `./${path}`;
  const file = ownEntry(object(metadata["exports"]), exported);
  if (typeof file !== "string") {
    throw refuse(
      `version ${version} does not export "${exported}", it exports ${
        Object.keys(object(metadata["exports"])).join(", ") || "none"
      }`,
    );
  }
  return { url: new URL(file, folder).href, checksums: readChecksums(metadata, folder) };
}

function readChecksums(
  metadata: Readonly<Record<string, unknown>>,
  folder: URL,
): Map<string, string> {
  const found = new Map<string, string>();
  for (const [path, file] of Object.entries(object(metadata["manifest"]))) {
    const checksum = object(file)["checksum"];
    if (typeof checksum !== "string" || !checksum.startsWith("sha256-")) continue;
    found.set(new URL(`.${path}`, folder).href, checksum.slice("sha256-".length));
  }
  return found;
}

async function fetchJSON(
  url: URL,
  { hosts, signal }: JSRSettings,
  refuse: (detail: string) => Error,
): Promise<Readonly<Record<string, unknown>>> {
  const { bytes } = await fetchRemote(url.href, { check: (hop) => checkHost(hop, hosts), signal });
  try {
    return object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    throw refuse(`"${url.href}" is not JSON: ${messageOf(error)}`);
  }
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}
