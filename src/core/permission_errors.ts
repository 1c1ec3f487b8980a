/** Permissions of the runtime: checks without a prompt, and messages for a missing one. */
import { resolve } from "./files/paths.ts";

export const KINDS = ["net", "read", "write", "env", "ffi", "sys"] as const;
export type PermissionKind = (typeof KINDS)[number];

/** A permission for one host, path or variable. */
export interface Grant {
  readonly kind: PermissionKind;
  readonly value: string;
}

/** The command-line flag of the runtime that grants it. */
export function formatFlag({ kind, value }: Grant): string {
  return `--allow-${kind}=${value}`;
}

/** Whether the process may read a path. Never prompts, as reading it might. */
export function mayRead(path: string): boolean {
  return Deno.permissions.querySync({ name: "read", path }).state === "granted";
}

/**
 * Call before reading a path or variable. Throws where the runtime would prompt on a terminal.
 *
 * @throws {Deno.errors.NotCapable} with the message of the runtime
 */
export function requirePermission(kind: "read" | "env", value: string): void {
  const { state } = kind === "read"
    ? Deno.permissions.querySync({ name: kind, path: value })
    : Deno.permissions.querySync({ name: kind, variable: value });
  if (state !== "prompt") return;
  throw new Deno.errors.NotCapable(`Requires ${kind} access to "${value}", which is not granted`);
}

/** Quotes a word for a shell, if necessary. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Describes a missing permission and the flag that grants it; undefined for any other error. */
export function missingPermission(error: unknown): string | undefined {
  if (!(error instanceof Deno.errors.NotCapable)) return undefined;
  const match = /^Requires (\w+) access(?: to (?:"(.*)"|(<.*>)))?, /s.exec(error.message);
  if (match === null) return undefined;
  const [, kind = "all", named, place] = match;
  if (kind === "all" && named !== undefined) return describeSystemFile(named);
  const isPath = kind === "read" || kind === "write" || kind === "ffi";
  const value = named !== undefined && isPath ? resolve(named) : named;
  const flag = value === undefined ? `--allow-${kind}` : `--allow-${kind}=${value}`;
  const subject = value === undefined ? place : `"${value}"`;
  const what = subject === undefined
    ? `lacks ${kind} permission`
    : `may not ${VERBS[kind] ?? "use"} ${subject}`;
  return `dxt ${what}: ${describeFlags([flag])}`;
}

/** Some system files need all permissions, which a worker never has. */
function describeSystemFile(path: string): string {
  return `dxt cannot use "${path}": the runtime denies workers all files below /dev, /proc and /sys; use another folder, for memory a tmpfs other than /dev/shm`;
}

const VERBS: Readonly<Record<string, string>> = {
  net: "connect to",
  read: "read",
  write: "write",
  env: "read variable",
  ffi: "load library",
  sys: "read system fact",
  run: "start",
};

/** A worker has the permissions that its connection declares. */
const IS_WORKER = "WorkerGlobalScope" in globalThis;

/** How to grant missing flags. The flags of a binary are fixed when it is compiled. */
export function describeFlags(flags: readonly string[]): string {
  const words = flags.map(shellWord).join(" ");
  if (IS_WORKER) return `its connection does not declare this permission (${words})`;
  return Deno.build.standalone
    ? `this binary was built without it, compile it with ${words}`
    : `run it with ${words}`;
}
