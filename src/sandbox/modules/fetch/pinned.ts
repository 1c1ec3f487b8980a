/** Fetches modules and checks them against the lock. */
import { ConfigurationError, withoutSecrets } from "../../../core/errors.ts";
import { sha256 } from "./digest.ts";
import { checkHost } from "./hosts.ts";
import type { SourceKind } from "../source/imports.ts";
import { kindByName, kindByType } from "../source/kind.ts";
import type { Pins } from "./lock.ts";
import { fetchRemote } from "./remote.ts";
import type { Store } from "./store.ts";

/** How modules are fetched. */
export interface PinnedSettings {
  /** Hosts from which modules may be fetched, as `host` or `host:port`. */
  readonly hosts: readonly string[];
  readonly lock: Pins;
  /** Whether modules outside the lock are refused, before any connection. */
  readonly frozen: boolean;
  /** Stores to search for a locked module before its server is contacted, in order. */
  readonly stores: readonly Store[];
  readonly signal: AbortSignal;
}

/** A fetched module. */
export interface Fetched {
  readonly url: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sha256: string;
  readonly kind: SourceKind;
  /** Whether its bytes match the lock. */
  readonly locked: boolean;
}

/**
 * Reads a module from a store, or fetches it from its server.
 *
 * @throws {ConfigurationError} when it is not allowed, or differs from the lock
 * @throws {ConnectionError} when it cannot be fetched
 */
export async function fetchPinned(requested: string, settings: PinnedSettings): Promise<Fetched> {
  const { hosts, lock, frozen, stores, signal } = settings;
  const lockedURL = ownEntry(lock.redirects, requested) ?? requested;
  const lockedHash = ownEntry(lock.modules, lockedURL);
  if (frozen && lockedHash === undefined) throw notLockedError(requested);
  const stored = lockedHash === undefined
    ? undefined
    : await readFromStores(lockedURL, lockedHash, settings);
  if (stored !== undefined) return stored;
  const { url, bytes, contentType } = await fetchRemote(requested, {
    check: (hop) => checkHost(hop, hosts),
    signal,
  });
  const hash = await sha256(bytes);
  if (lockedHash !== undefined) {
    checkPin(requested, { url, hash }, { url: lockedURL, hash: lockedHash });
  } else if (frozen) throw notLockedError(url);
  const kind = kindByName(url) ?? kindByType(contentType);
  if (kind === undefined) throw kindError(url, contentType);
  for (const store of stores) await store.write(url, hash, bytes);
  return { url, bytes, sha256: hash, kind, locked: lockedHash !== undefined };
}

async function readFromStores(
  url: string,
  hash: string,
  { lock, stores }: PinnedSettings,
): Promise<Fetched | undefined> {
  const kind = kindByName(url) ?? ownEntry(lock.kinds, url);
  if (kind === undefined) return undefined;
  for (const store of stores) {
    const bytes = await store.read(url, hash);
    if (bytes !== undefined) return { url, bytes, sha256: hash, kind, locked: true };
  }
  return undefined;
}

interface Pin {
  readonly url: string;
  readonly hash: string;
}

function checkPin(requested: string, found: Pin, locked: Pin): void {
  if (found.url === locked.url && found.hash === locked.hash) return;
  const [name, from, to] = [requested, found.url, locked.url].map(withoutSecrets);
  const [actual, expected] = found.url === locked.url
    ? [`its SHA-256 is ${found.hash}`, locked.hash]
    : [`it redirects to "${from}" with SHA-256 ${found.hash}`, `"${to}" with ${locked.hash}`];
  throw new ConfigurationError(
    `Cannot use module "${name}": ${actual}, dxt.lock has ${expected}; to accept the change, run dxt lock`,
  );
}

export function notLockedError(name: string): ConfigurationError {
  return new ConfigurationError(
    `Cannot use module "${
      withoutSecrets(name)
    }": dxt.lock does not have it, and --frozen allows only locked modules; add it with dxt lock`,
  );
}

function kindError(url: string, contentType: string | null): ConfigurationError {
  return new ConfigurationError(
    `Cannot use module "${withoutSecrets(url)}": its type is ${
      contentType === null ? "unknown" : JSON.stringify(contentType)
    }, expected a name that ends in .ts, .js or .json, or a server that sends its type`,
  );
}

/** Returns a record's own value: a URL may be spelled like a member that every object inherits. */
export function ownEntry<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
