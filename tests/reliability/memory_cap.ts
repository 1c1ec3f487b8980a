/** Caps the memory of a process by a control group of the kernel, of either version. */
import { join } from "node:path";
import { measure } from "../../scripts/measure.ts";

const ROOTS = {
  /** Version 1 has a tree for memory alone. */
  v1: "/sys/fs/cgroup/memory",
  v2: "/sys/fs/cgroup",
};

/** How one version of control groups names its files. */
interface Version {
  readonly root: string;
  readonly limit: string;
  readonly peak: string;
}

const VERSIONS: readonly Version[] = [
  { root: ROOTS.v1, limit: "memory.limit_in_bytes", peak: "memory.max_usage_in_bytes" },
  { root: ROOTS.v2, limit: "memory.max", peak: "memory.peak" },
];

export interface Capped {
  readonly code: number;
  readonly errors: string;
  readonly seconds: number;
  /** The most memory in MiB: with a cap the kernel's figure, which has pages of files, too. */
  readonly peak: number;
  /** Whether the kernel held the cap; else the peak was only measured. */
  readonly isHeld: boolean;
}

/** Runs a command with at most `bytes` of memory; measures its memory if no control group can be created. */
export async function runCapped(
  command: readonly string[],
  bytes: number,
  limit: number,
): Promise<Capped> {
  const group = await makeGroup(bytes);
  if (group === undefined) {
    return { ...await measure(command, { keepErrors: true, limit }), isHeld: false };
  }
  try {
    const join = `echo $$ > ${group.folder}/cgroup.procs && exec "$@"`;
    const figure = await measure(["sh", "-c", join, "sh", ...command], { keepErrors: true, limit });
    const peak = Number(await Deno.readTextFile(group.peak).catch(() => "NaN"));
    return { ...figure, peak: peak / 2 ** 20, isHeld: true };
  } finally {
    await Deno.remove(group.folder);
  }
}

/** Creates a control group with a cap; returns undefined if this process may not create one. */
async function makeGroup(bytes: number): Promise<{ folder: string; peak: string } | undefined> {
  for (const { root, limit, peak } of VERSIONS) {
    const folder = join(root, `dxt-${crypto.randomUUID()}`);
    try {
      await Deno.mkdir(folder);
    } catch {
      continue;
    }
    try {
      await Deno.writeTextFile(join(folder, limit), String(bytes));
      return { folder, peak: join(folder, peak) };
    } catch {
      // The controller of memory is not enabled in this tree.
      await Deno.remove(folder);
    }
  }
  return undefined;
}
