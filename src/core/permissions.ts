/** Permissions as sets: put together, compared with what is allowed, and written as flags. */
import { resolve } from "node:path";
import { parseHost, type PermissionLists } from "../models/permissions.ts";
import { ConfigurationError } from "./errors.ts";
import { flagOf, type Grant, KINDS, type PermissionKind } from "./permission_errors.ts";
import type { Permissions } from "./contracts/provider.ts";
import { isWithin, realPath } from "./files/real_path.ts";

/** The most that may be needed: a kind that is absent is not limited, an empty one allows nothing. */
export type Ceiling = { readonly [K in keyof PermissionLists]: Readonly<PermissionLists[K]> };

/** Host and port that a URL leads to, as a permission names them. */
export function hostOf(url: string): string {
  const { protocol, hostname, port } = new URL(url);
  return `${hostname}:${port || PORTS[protocol] || 443}`;
}

const PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443, "ws:": 80 };

export const NOTHING: Permissions = { net: [], read: [], write: [], env: [] };

/** All of several permissions, sorted, paths absolute; what another one includes is left out. */
export function mergePermissions(...parts: readonly Permissions[]): Permissions {
  const all = (kind: PermissionKind) => {
    const values = parts.flatMap((part) => part[kind]);
    const found = [...new Set(isPaths(kind) ? values.map((path) => resolve(path)) : values)].sort();
    return found.filter((value) =>
      !found.some((other) => other !== value && includes(kind, other, value))
    );
  };
  return { net: all("net"), read: all("read"), write: all("write"), env: all("env") };
}

/** The same with what its paths lead to: of an open file the runtime asks about that. */
export function withRealPaths(needs: Permissions): Permissions {
  const both = (paths: readonly string[]) =>
    paths.flatMap((path) => [...new Set([path, realPath(path)])]);
  return { ...needs, read: both(needs.read), write: both(needs.write) };
}

/** What is needed and not allowed. Paths are compared as they are without symbolic links. */
export function exceedingGrants(ceiling: Ceiling, needs: Permissions): Grant[] {
  const seen = new Set<string>();
  return grantsOf(needs).filter(({ kind, value }) => {
    const allowed = ceiling[kind];
    if (allowed === undefined) return false;
    if (!isPaths(kind)) return !allowed.some((other) => includes(kind, other, value));
    const real = realPath(value);
    const isTold = seen.has(`${kind} ${real}`);
    seen.add(`${kind} ${real}`);
    return !isTold && !allowed.some((folder) => isWithin(real, realPath(folder)));
  });
}

/** What is needed and the process was not granted when it was started. */
export function missingGrants(needs: Permissions): Grant[] {
  return grantsOf(needs).filter((grant) => {
    try {
      return Deno.permissions.querySync(descriptorOf(grant)).state !== "granted";
    } catch (cause) {
      // A host name that the runtime does not take is one that it cannot connect to.
      throw new ConfigurationError(
        `Cannot use ${grant.kind} permission of "${grant.value}": the runtime does not take it`,
        { cause },
      );
    }
  });
}

function descriptorOf({ kind, value }: Grant): Deno.PermissionDescriptor {
  switch (kind) {
    case "net":
      return { name: "net", host: value };
    case "env":
      return { name: "env", variable: value };
    default:
      return { name: kind, path: value };
  }
}

export function grantsOf(needs: Permissions): Grant[] {
  return KINDS.flatMap((kind) => needs[kind].map((value) => ({ kind, value })));
}

/**
 * The flags of the runtime that grant these permissions and no others, each one argument.
 *
 * @throws {ConfigurationError} for a value with a comma, which a flag cannot hold
 */
export function flagsOf(needs: Permissions): string[] {
  const comma = grantsOf(needs).find(({ value }) => value.includes(","));
  if (comma !== undefined) {
    throw new ConfigurationError(
      `Cannot write --allow-${comma.kind} for "${comma.value}": it holds a comma, which the flag takes for the end of a value`,
    );
  }
  return KINDS.filter((kind) => needs[kind].length > 0)
    .map((kind) => flagOf({ kind, value: needs[kind].join(",") }));
}

/** The permissions that grants are, to put them together. */
export function permissionsOf(grants: readonly Grant[]): Permissions {
  const of = (wanted: PermissionKind) =>
    grants.filter(({ kind }) => kind === wanted).map(({ value }) => value);
  return mergePermissions({ net: of("net"), read: of("read"), write: of("write"), env: of("env") });
}

function isPaths(kind: PermissionKind): boolean {
  return kind === "read" || kind === "write";
}

/** Whether a permission allows all that another one of its kind does. */
function includes(kind: PermissionKind, outer: string, inner: string): boolean {
  if (outer === inner) return true;
  if (isPaths(kind)) return isWithin(inner, outer);
  if (kind === "env") return Deno.build.os === "windows" && sameText(outer, inner);
  const [one, other] = [parseHost(outer), parseHost(inner)];
  return one !== undefined && one.name === other?.name &&
    (one.port === undefined || one.port === other.port);
}

function sameText(one: string, other: string): boolean {
  return one.toUpperCase() === other.toUpperCase();
}
