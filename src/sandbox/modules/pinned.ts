/** Fetched modules, held to the lock. */
import { ConfigurationError, withoutSecrets } from "../../core/errors.ts";
import { sha256 } from "./digest.ts";
import { checkHost } from "./hosts.ts";
import type { SourceKind } from "./imports.ts";
import { kindOfName, kindOfType } from "./kind.ts";
import type { Pins } from "./lock.ts";
import { fetchRemote } from "./remote.ts";
import type { Store } from "./store.ts";

export interface PinnedSettings {
  /** `host` or `host:port` */
  readonly hosts: readonly string[];
  readonly lock: Pins;
  /** Whether what is not in the lock is refused, before anything connects. */
  readonly frozen: boolean;
  /** Places to look for a locked module before its server is asked, in their order. */
  readonly stores: readonly Store[];
  readonly signal: AbortSignal;
}

export interface Fetched {
  readonly url: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sha256: string;
  readonly kind: SourceKind;
  /** Whether its bytes are those of the lock. */
  readonly locked: boolean;
}

/**
 * Has a module's bytes from a store or from its server.
 *
 * @throws {ConfigurationError} when it may not be fetched, or is not what the lock says
 * @throws {ConnectionError} when it cannot be had
 */
export async function fetchPinned(asked: string, settings: PinnedSettings): Promise<Fetched> {
  const { hosts, lock, frozen, stores, signal } = settings;
  const lockedURL = ownEntry(lock.redirects, asked) ?? asked;
  const lockedHash = ownEntry(lock.modules, lockedURL);
  if (frozen && lockedHash === undefined) throw notLockedError(asked);
  const stored = lockedHash === undefined
    ? undefined
    : await fromStores(lockedURL, lockedHash, settings);
  if (stored !== undefined) return stored;
  const { url, bytes, contentType } = await fetchRemote(asked, {
    check: (hop) => checkHost(hop, hosts),
    signal,
  });
  const hash = await sha256(bytes);
  if (lockedHash !== undefined) compare(asked, { url, hash }, { url: lockedURL, hash: lockedHash });
  else if (frozen) throw notLockedError(url);
  const kind = kindOfName(url) ?? kindOfType(contentType);
  if (kind === undefined) throw unknownKind(url, contentType);
  for (const store of stores) await store.write(url, hash, bytes);
  return { url, bytes, sha256: hash, kind, locked: lockedHash !== undefined };
}

async function fromStores(
  url: string,
  hash: string,
  { lock, stores }: PinnedSettings,
): Promise<Fetched | undefined> {
  const kind = kindOfName(url) ?? ownEntry(lock.kinds, url);
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

function compare(asked: string, found: Pin, locked: Pin): void {
  if (found.url === locked.url && found.hash === locked.hash) return;
  const [name, from, to] = [asked, found.url, locked.url].map(withoutSecrets);
  const [what, was] = found.url === locked.url
    ? [`its SHA-256 is ${found.hash}`, locked.hash]
    : [`it leads to "${from}" with SHA-256 ${found.hash}`, `"${to}" with ${locked.hash}`];
  throw new ConfigurationError(
    `Cannot use module "${name}": ${what}, dxt.lock has ${was}; when the change is wanted, run dxt lock`,
  );
}

export function notLockedError(name: string): ConfigurationError {
  return new ConfigurationError(
    `Cannot use module "${
      withoutSecrets(name)
    }": dxt.lock does not have it, and --frozen takes only what it has; dxt lock adds it`,
  );
}

function unknownKind(url: string, contentType: string | null): ConfigurationError {
  return new ConfigurationError(
    `Cannot use module "${withoutSecrets(url)}": its type is ${
      contentType === null ? "not told" : JSON.stringify(contentType)
    }, expected a name that ends in .ts, .js or .json, or a server that says which it is`,
  );
}

/** A record's own value: a URL may be spelt as a member of every object. */
export function ownEntry<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
