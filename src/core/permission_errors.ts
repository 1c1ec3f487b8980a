/** One permission of the runtime, and the words for one that is missing. */
import { resolve } from "./files/paths.ts";

export const KINDS = ["net", "read", "write", "env"] as const;
export type PermissionKind = (typeof KINDS)[number];

/** A host, a path or a variable that may be used. */
export interface Grant {
  readonly kind: PermissionKind;
  readonly value: string;
}

/** As the runtime takes it on its command line. */
export function flagOf({ kind, value }: Grant): string {
  return `--allow-${kind}=${value}`;
}

/** Whether a path may be read: the runtime, which may ask on a terminal, is not troubled with it. */
export function mayRead(path: string): boolean {
  return Deno.permissions.querySync({ name: "read", path }).state === "granted";
}

/**
 * For what is about to be read.
 *
 * @throws {Deno.errors.NotCapable} as the runtime does, where it might ask on a terminal instead
 */
export function requirePermission(kind: "read" | "env", value: string): void {
  const { state } = kind === "read"
    ? Deno.permissions.querySync({ name: kind, path: value })
    : Deno.permissions.querySync({ name: kind, variable: value });
  if (state !== "prompt") return;
  throw new Deno.errors.NotCapable(`Requires ${kind} access to "${value}", which is not granted`);
}

/** A word that a shell takes as it is. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * What the runtime refused, in one sentence with the flag that would allow it; undefined for
 * another error.
 */
export function missingPermission(error: unknown): string | undefined {
  if (!(error instanceof Deno.errors.NotCapable)) return undefined;
  const match = /^Requires (\w+) access(?: to (?:"(.*)"|(<.*>)))?, /s.exec(error.message);
  if (match === null) return undefined;
  const [, kind = "all", named, place] = match;
  if (kind === "all" && named !== undefined) return systemFile(named);
  const isPath = kind === "read" || kind === "write";
  const value = named !== undefined && isPath ? resolve(named) : named;
  const flag = value === undefined ? `--allow-${kind}` : `--allow-${kind}=${value}`;
  const subject = value === undefined ? place : `"${value}"`;
  const what = subject === undefined
    ? `lacks ${kind} permission`
    : `may not ${VERBS[kind] ?? "use"} ${subject}`;
  return `dxt ${what}: ${describeFlags([flag])}`;
}

/** A thread has some permissions, never all of them, whatever the process was granted. */
function systemFile(path: string): string {
  return `dxt cannot use "${path}": the runtime keeps files below /dev, /proc and /sys from a thread, whatever it is granted; name a folder elsewhere, for memory another tmpfs than /dev/shm`;
}

const VERBS: Readonly<Record<string, string>> = {
  net: "connect to",
  read: "read",
  write: "write",
  env: "read variable",
  run: "start",
};

/** Whether this is a thread: all that its connection was said to need is allowed there. */
const IS_THREAD = "WorkerGlobalScope" in globalThis;

/** What to do about flags that are missing. Those of a binary are fixed when it is built. */
export function describeFlags(flags: readonly string[]): string {
  const words = flags.map(shellWord).join(" ");
  if (IS_THREAD) return `its connection does not name it among its permissions (${words})`;
  return Deno.build.standalone
    ? `this binary was built without it, compile it with ${words}`
    : `run it with ${words}`;
}
