/** Data that npm packages ship, fetched once. */
import { join } from "node:path";

/** Folder of a package's files, in Deno's own npm cache. */
export async function npmFolder(name: string, version: string): Promise<string> {
  const specifier = `npm:${name}@${version}`;
  const cached = await output(["cache", "--no-lock", specifier]);
  if (!cached.success) throw new Error(`cannot fetch ${specifier}`);
  const info = await output(["info", "--json"]);
  const { npmCache } = JSON.parse(new TextDecoder().decode(info.stdout)) as { npmCache: string };
  for await (const registry of Deno.readDir(npmCache)) {
    const folder = join(npmCache, registry.name, name, version);
    if (await Deno.stat(folder).then(() => true, () => false)) return folder;
  }
  throw new Error(`${specifier} is not in ${npmCache}`);
}

function output(args: string[]): Promise<Deno.CommandOutput> {
  return new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "inherit" }).output();
}
