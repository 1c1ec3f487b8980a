/** Permissions of workers. */
import { fileURLToPath } from "node:url";
import { PermissionError } from "../core/errors.ts";
import { formatFlags, mergePermissions, NOTHING } from "../core/permissions.ts";
import type { Permissions } from "../core/contracts/provider.ts";

/**
 * Returns what every worker may read besides its needs: dxt's own source when it runs from files. A
 * binary contains its modules.
 */
export function ownPermissions(): Permissions {
  const source = new URL("../", import.meta.url);
  const read = Deno.build.standalone || source.protocol !== "file:" ? [] : [fileURLToPath(source)];
  return { ...NOTHING, read };
}

/**
 * Returns the permissions of a worker that gets exactly what is needed. A native library can do
 * anything, so untrusted code never gets one.
 *
 * @throws {PermissionError} for a worker of untrusted code whose connection needs ffi or sys
 */
export function workerPermissions(
  needs: Permissions,
  runsUntrusted: boolean,
): Deno.PermissionOptionsObject {
  const { net, read, write, env, ffi, sys } = mergePermissions(needs, ownPermissions());
  if (runsUntrusted && (ffi.length > 0 || sys.length > 0)) {
    const flags = formatFlags({ ...NOTHING, ffi, sys }).join(" ");
    throw new PermissionError(
      `Cannot run external modules over this connection: it requires ${flags}, which no untrusted code gets; use the classes of the connection's provider`,
    );
  }
  const listOrNone = (values: readonly string[]) => values.length > 0 && [...values];
  return {
    net: listOrNone(net),
    read: listOrNone(read),
    write: listOrNone(write),
    env: listOrNone(env),
    import: false,
    run: false,
    ffi: listOrNone(ffi),
    sys: listOrNone(sys) as false,
  };
}
