/** Stores the bytes of locked modules, so that their servers need not be contacted. */
import { dirname, join } from "node:path";
import { ConfigurationError, withoutSecrets } from "../../../core/errors.ts";
import { missingPermission } from "../../../core/permission_errors.ts";
import { sha256 } from "./digest.ts";

/** A store of module bytes. */
export interface Store {
  /** Returns the bytes with this SHA-256; undefined when the store lacks them. */
  read(url: string, hash: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Stores fetched bytes, if the store accepts new ones. */
  write(url: string, hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** Opens the cache: files named by their hash. A file that does not match its name is ignored. */
export function openCache(folder: string): Store {
  const buildPath = (hash: string) => join(folder, hash.slice(0, 2), hash);
  return {
    async read(_url, hash) {
      const bytes = await readIfExists(buildPath(hash));
      return bytes !== undefined && await sha256(bytes) === hash ? bytes : undefined;
    },
    write: (_url, hash, bytes) => writeAtomically(buildPath(hash), bytes),
  };
}

/**
 * Opens the vendor folder: copies named by their URLs, for use without a network. The copies belong
 * to the user: one that differs from the lock is an error, and only `dxt vendor` writes them.
 */
export function openVendorFolder(folder: string): Store {
  return {
    async read(url, hash) {
      const path = join(folder, await vendorPath(url));
      const bytes = await readIfExists(path);
      if (bytes === undefined) return undefined;
      const actual = await sha256(bytes);
      if (actual === hash) return bytes;
      throw new ConfigurationError(
        `Cannot use module "${
          withoutSecrets(url)
        }": the SHA-256 of its copy "${path}" is ${actual}, dxt.lock has ${hash}; copy it again with dxt vendor`,
      );
    },
    write: () => Promise.resolve(),
  };
}

/** Copies a module into a folder that {@linkcode openVendorFolder} reads. */
export async function vendorModule(
  folder: string,
  url: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  await writeAtomically(join(folder, await vendorPath(url)), bytes);
}

/**
 * Returns a readable path for a URL, the same on all systems. Where the path cannot express the
 * whole URL, it contains part of the URL's hash.
 */
async function vendorPath(url: string): Promise<string> {
  const { protocol, host, pathname, search } = new URL(url);
  const words = pathname.split("/").slice(1).map((word) => word.replace(/[^a-z0-9._@-]/gi, "_"));
  const isPlain = `/${words.join("/")}` === pathname && search === "" && protocol === "https:" &&
    words.every((word) => /^[a-z0-9_@-][a-z0-9._@-]{0,80}$/.test(word) && !word.endsWith("."));
  const folder = host.replace(/[^a-z0-9.-]/g, "_");
  if (isPlain) return join(folder, ...words);
  const [, name, extension] = /^(.*?)(\.\w{1,5})?$/.exec(words.at(-1)!)!;
  const mark = (await sha256(url)).slice(0, 16);
  return join(folder, `${name!.slice(0, 40).toLowerCase()}~${mark}${extension ?? ""}`);
}

async function readIfExists(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw storeError("read", path, error);
  }
}

/** Writes a file so that it appears with all its bytes or not at all. */
export async function writeAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.${crypto.randomUUID()}.part`;
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeFile(part, bytes);
    await Deno.rename(part, path);
  } catch (error) {
    await Deno.remove(part).catch(() => {});
    throw storeError("write", path, error);
  }
}

function storeError(verb: "read" | "write", path: string, error: unknown): unknown {
  const detail = missingPermission(error) ?? (error instanceof Error ? error.message : undefined);
  return new ConfigurationError(`Cannot ${verb} "${path}": ${detail}`, { cause: error });
}
