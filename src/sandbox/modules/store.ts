/** Where the bytes of locked modules are kept, so that their servers need not be asked. */
import { dirname, join } from "node:path";
import { ConfigurationError, withoutSecrets } from "../../core/errors.ts";
import { missingPermission } from "../../core/permission_errors.ts";
import { sha256 } from "./digest.ts";

export interface Store {
  /** The bytes with this SHA-256; undefined where they are not there. */
  read(url: string, hash: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Keeps bytes that were fetched, where the store takes new ones. */
  write(url: string, hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** A folder of files that are named by their hash; one that is not what its name says is left out. */
export function cacheIn(folder: string): Store {
  const pathOf = (hash: string) => join(folder, hash.slice(0, 2), hash);
  return {
    async read(_url, hash) {
      const bytes = await readIfThere(pathOf(hash));
      return bytes !== undefined && await sha256(bytes) === hash ? bytes : undefined;
    },
    write: (_url, hash, bytes) => writeWhole(pathOf(hash), bytes),
  };
}

/**
 * A folder of copies that are named by their URLs, for use without a network. They are the user's:
 * one that is not what the lock says is an error, and only `dxt vendor` writes here.
 */
export function vendorIn(folder: string): Store {
  return {
    async read(url, hash) {
      const path = join(folder, await vendoredName(url));
      const bytes = await readIfThere(path);
      if (bytes === undefined) return undefined;
      const found = await sha256(bytes);
      if (found === hash) return bytes;
      throw new ConfigurationError(
        `Cannot use module "${
          withoutSecrets(url)
        }": the SHA-256 of its copy "${path}" is ${found}, dxt.lock has ${hash}; dxt vendor copies it anew`,
      );
    },
    write: () => Promise.resolve(),
  };
}

/** Copies a module into a folder that {@linkcode vendorIn} reads. */
export async function vendor(
  folder: string,
  url: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  await writeWhole(join(folder, await vendoredName(url)), bytes);
}

/**
 * A path for each URL, readable, the same on all systems. Where it does not say the whole URL, part
 * of the URL's hash is added.
 */
async function vendoredName(url: string): Promise<string> {
  const { protocol, host, pathname, search } = new URL(url);
  const words = pathname.split("/").slice(1).map((word) => word.replace(/[^a-z0-9._@-]/gi, "_"));
  const plain = `/${words.join("/")}` === pathname && search === "" && protocol === "https:" &&
    words.every((word) => /^[a-z0-9_@-][a-z0-9._@-]{0,80}$/.test(word) && !word.endsWith("."));
  const folder = host.replace(/[^a-z0-9.-]/g, "_");
  if (plain) return join(folder, ...words);
  const [, name, extension] = /^(.*?)(\.\w{1,5})?$/.exec(words.at(-1)!)!;
  const mark = (await sha256(url)).slice(0, 16);
  return join(folder, `${name!.slice(0, 40).toLowerCase()}~${mark}${extension ?? ""}`);
}

async function readIfThere(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw unusable("read", path, error);
  }
}

/** The file appears with all its bytes, or not at all. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.${crypto.randomUUID()}.part`;
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeFile(part, bytes);
    await Deno.rename(part, path);
  } catch (error) {
    await Deno.remove(part).catch(() => {});
    throw unusable("write", path, error);
  }
}

function unusable(verb: "read" | "write", path: string, error: unknown): unknown {
  const detail = missingPermission(error) ?? (error instanceof Error ? error.message : undefined);
  return new ConfigurationError(`Cannot ${verb} "${path}": ${detail}`, { cause: error });
}
