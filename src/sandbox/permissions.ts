/** Permissions of workers. */
import { fileURLToPath } from "node:url";
import { mergePermissions } from "../core/permissions.ts";
import type { Permissions } from "../core/contracts/provider.ts";

/**
 * Returns what every worker may read besides its needs: dxt's own source when it runs from files. A
 * binary contains its modules.
 */
export function ownPermissions(): Permissions {
  const source = new URL("../", import.meta.url);
  const read = Deno.build.standalone || source.protocol !== "file:" ? [] : [fileURLToPath(source)];
  return { net: [], read, write: [], env: [] };
}

/** Returns the permissions of a worker that gets exactly what is needed. */
export function workerPermissions(needs: Permissions): Deno.PermissionOptionsObject {
  const { net, read, write, env } = mergePermissions(needs, ownPermissions());
  const some = (values: readonly string[]) => values.length > 0 && [...values];
  return {
    net: some(net),
    read: some(read),
    write: some(write),
    env: some(env),
    import: false,
    run: false,
    ffi: false,
    sys: false,
  };
}
