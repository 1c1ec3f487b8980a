/** Sets of permissions: merges them, compares them with limits, writes them as flags. */
import { resolve } from "node:path";
import { parseHost, type PermissionLists } from "../models/permissions.ts";
import { ConfigurationError } from "./errors.ts";
import { formatFlag, type Grant, KINDS, type PermissionKind } from "./permission_errors.ts";
import type { Permissions } from "./contracts/provider.ts";
import { isWithin, realPath } from "./files/real_path.ts";

/** Limits on permissions. An absent kind has no limit; an empty one allows nothing. */
export type Ceiling = { readonly [K in keyof PermissionLists]: Readonly<PermissionLists[K]> };

/** Host and port of a URL, as a `net` permission spells them. */
export function hostOf(url: string): string {
  const { protocol, hostname, port } = new URL(url);
  return `${hostname}:${port || PORTS[protocol] || 443}`;
}

const PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443, "ws:": 80 };

export const NOTHING: Permissions = { net: [], read: [], write: [], env: [], ffi: [], sys: [] };

/** The union of permissions: sorted, with absolute paths, without those that another one includes. */
export function mergePermissions(...parts: readonly Permissions[]): Permissions {
  const all = (kind: PermissionKind) => {
    const values = parts.flatMap((part) => part[kind]);
    const found = [...new Set(isPaths(kind) ? values.map((path) => resolve(path)) : values)].sort();
    return found.filter((value) =>
      !found.some((other) => other !== value && includes(kind, other, value))
    );
  };
  return eachKind(all);
}

/** Adds the real paths of links, which the runtime checks once a file is open. */
export function withRealPaths(needs: Permissions): Permissions {
  const both = (paths: readonly string[]) =>
    paths.flatMap((path) => [...new Set([path, realPath(path)])]);
  return eachKind((kind) => isPaths(kind) ? both(needs[kind]) : needs[kind]);
}

/** The needed permissions that exceed the limits. Paths are compared with links resolved. */
export function exceedingGrants(ceiling: Ceiling, needs: Permissions): Grant[] {
  const seen = new Set<string>();
  return listGrants(needs).filter(({ kind, value }) => {
    const allowed = ceiling[kind];
    if (allowed === undefined) return false;
    if (!isPaths(kind)) return !allowed.some((other) => includes(kind, other, value));
    const real = realPath(value);
    const isListed = seen.has(`${kind} ${real}`);
    seen.add(`${kind} ${real}`);
    return !isListed && !allowed.some((folder) => isWithin(real, realPath(folder)));
  });
}

/** The needed permissions that were not granted to the process at its start. */
export function missingGrants(needs: Permissions): Grant[] {
  return listGrants(needs).filter((grant) => {
    try {
      return Deno.permissions.querySync(toDescriptor(grant)).state !== "granted";
    } catch (cause) {
      // The runtime could not connect to a host name that it rejects here.
      throw new ConfigurationError(
        `Cannot use ${grant.kind} permission of "${grant.value}": the runtime rejects it`,
        { cause },
      );
    }
  });
}

function toDescriptor({ kind, value }: Grant): Deno.PermissionDescriptor {
  switch (kind) {
    case "net":
      return { name: "net", host: value };
    case "env":
      return { name: "env", variable: value };
    case "sys":
      return { name: "sys", kind: value } as Deno.SysPermissionDescriptor;
    default:
      return { name: kind, path: value };
  }
}

export function listGrants(needs: Permissions): Grant[] {
  return KINDS.flatMap((kind) => needs[kind].map((value) => ({ kind, value })));
}

/**
 * The flags of the runtime that grant exactly these permissions, one argument per flag.
 *
 * @throws {ConfigurationError} for a value with a comma, which separates values in a flag
 */
export function formatFlags(needs: Permissions): string[] {
  const comma = listGrants(needs).find(({ value }) => value.includes(","));
  if (comma !== undefined) {
    throw new ConfigurationError(
      `Cannot write --allow-${comma.kind} for "${comma.value}": it contains a comma, which separates values in the flag`,
    );
  }
  return KINDS.filter((kind) => needs[kind].length > 0)
    .map((kind) => formatFlag({ kind, value: needs[kind].join(",") }));
}

/** Converts a list of grants to permissions. */
export function collectPermissions(grants: readonly Grant[]): Permissions {
  const of = (wanted: PermissionKind) =>
    grants.filter(({ kind }) => kind === wanted).map(({ value }) => value);
  return mergePermissions(eachKind(of));
}

function eachKind(listValues: (kind: PermissionKind) => readonly string[]): Permissions {
  return Object.fromEntries(
    KINDS.map((kind) => [kind, listValues(kind)]),
  ) as unknown as Permissions;
}

function isPaths(kind: PermissionKind): boolean {
  return kind === "read" || kind === "write" || kind === "ffi";
}

/** Whether a permission includes another one of its kind. */
function includes(kind: PermissionKind, outer: string, inner: string): boolean {
  if (outer === inner) return true;
  if (isPaths(kind)) return isWithin(inner, outer);
  if (kind === "sys") return false;
  if (kind === "env") return Deno.build.os === "windows" && sameText(outer, inner);
  const [one, other] = [parseHost(outer), parseHost(inner)];
  return one !== undefined && one.name === other?.name &&
    (one.port === undefined || one.port === other.port);
}

function sameText(one: string, other: string): boolean {
  return one.toUpperCase() === other.toUpperCase();
}
