/**
 * What a container is made of, without a container: a folder with the binary and the libraries that
 * it needs, read-only, in which an unprivileged user runs it with an empty environment. Only /data
 * can be written, and there is no /dev, no /etc, no /tmp and no home.
 */
import { dirname, join } from "node:path";
import { type Outcome, outcomeOf } from "../support/binary.ts";

export interface Rootfs {
  /** Folder that is /data inside. */
  readonly data: string;
  /** Libraries of the system that the binary needs, by their paths. */
  readonly libraries: readonly string[];
  run(args: readonly string[], options?: RunOptions): Promise<Outcome>;
}

export interface RunOptions {
  readonly env?: Record<string, string>;
  /** As in a container; without it the runtime does not find itself. */
  readonly proc?: boolean;
}

/** Nobody's in particular. */
const USER = 65532;

/** Mounts are seen by this command alone, and end with it. */
const INSIDE = `
set -e
root=$1; proc=$2; user=$3; shift 3
mount --bind "$root" "$root"
mount --bind "$root/data" "$root/data"
if [ "$proc" = yes ]; then mount -t proc proc "$root/proc"; fi
mount -o remount,bind,ro "$root"
exec chroot --userspec="$user:$user" "$root" /usr/bin/dxt "$@"
`;

export async function makeRootfs(folder: string, binary: string): Promise<Rootfs> {
  const libraries = await librariesOf(binary);
  const data = join(folder, "data");
  await Deno.mkdir(join(folder, "proc"));
  await Deno.mkdir(data);
  await Deno.chown(data, USER, USER);
  for (const [from, to] of [[binary, "/usr/bin/dxt"], ...libraries.map((path) => [path, path])]) {
    await Deno.mkdir(join(folder, dirname(to!)), { recursive: true });
    await Deno.copyFile(from!, join(folder, to!));
  }
  await Deno.chmod(folder, 0o755);
  return {
    data,
    libraries,
    run: (args, { env = {}, proc = true } = {}) =>
      outcomeOf([
        "/usr/bin/unshare",
        "--mount",
        "--propagation=private",
        "/bin/sh",
        "-c",
        INSIDE,
        "sh",
        folder,
        proc ? "yes" : "no",
        String(USER),
        ...args,
      ], { cwd: "/", env }),
  };
}

/** Paths of what the dynamic linker loads, and of the linker itself. */
async function librariesOf(binary: string): Promise<string[]> {
  const { out } = await outcomeOf(["/usr/bin/ldd", binary]);
  return out.split("\n").flatMap((line) => /(?:=> |^\s+)(\/\S+) \(/.exec(line)?.[1] ?? []);
}

/** Why no such folder can be entered here; undefined when one can. */
export async function chrootMissing(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "a chroot is made on Linux only";
  const { code } = await outcomeOf(["/usr/bin/unshare", "--mount", "/bin/true"])
    .catch(() => ({ code: 1 }));
  return code === 0 ? undefined : "mounting and chroot need root";
}

/** A file as it is found: enough to see that it was changed. */
export type Found = ReadonlyMap<string, string>;

/** Everything below a folder: size and time of change by path. */
export async function everythingIn(folder: string): Promise<Found> {
  const found = new Map<string, string>();
  const walk = async (path: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(join(folder, path))) {
      const below = join(path, name);
      const { size, mtime } = await Deno.lstat(join(folder, below));
      if (isDirectory) await walk(below);
      else found.set(below, `${size} ${mtime?.getTime()}`);
    }
  };
  await walk("");
  return found;
}

/** Files that are new or changed, sorted. */
export function written(before: Found, after: Found): string[] {
  return [...after].filter(([path, state]) => before.get(path) !== state)
    .map(([path]) => path).sort();
}
